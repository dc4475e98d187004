"""Croissant metadata names every table with its checksum and its plain columns, and is written on request
only."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq

from oceanchat.release.croissant import CROISSANT
from oceanchat.release.verification import verify_release
from oceanchat.release.writer import ReleaseConfig, write_release
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store


def test_every_table_is_described_as_it_is(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store.db", [*make_dialogues(4), make_dialogue(50, state="off-trait")])
    config = ReleaseConfig(version="1.0.0", license="cc0-1.0", output=tmp_path, croissant=True)
    folder = write_release(config, store).folder
    metadata = json.loads((folder / CROISSANT).read_text())
    assert (metadata["name"], metadata["version"], metadata["license"]) == (folder.name, "1.0.0", "cc0-1.0")
    assert {file["contentUrl"]: file["sha256"] for file in metadata["distribution"]} == {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.parquet")
    }
    for records in metadata["recordSet"]:
        for field in records["field"]:
            columns = pq.read_schema(folder / field["source"]["fileObject"]["@id"]).names
            assert field["source"]["extract"]["column"] in columns
    names = {records["name"] for records in metadata["recordSet"]}
    assert names == {"train", "validation", "test", "rejected"}
    assert verify_release(folder).problems == ()


def test_it_is_not_written_unless_asked_for(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store.db", make_dialogues(1))
    release = write_release(ReleaseConfig(version="1.0.0", license="mit", output=tmp_path), store)
    assert not (release.folder / CROISSANT).exists()
