"""A release is written whole or not at all, the same each time, and load_dataset reads it."""

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml  # type: ignore[import-untyped]

from oceanchat.errors import ConfigError, ReleaseError
from oceanchat.release.folder import Release
from oceanchat.release.verification import verify_release
from oceanchat.release.writer import ReleaseConfig, write_release
from oceanchat.store.database import Store
from oceanchat.store.imports import add_imported
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store
from tests.stores import open_for_test


def config(tmp_path: Path, **changes: Any) -> ReleaseConfig:
    return ReleaseConfig(
        **{"version": "1.0.0", "license": "cc0-1.0", "output": tmp_path / "releases", **changes}
    )


def mixed_store(tmp_path: Path, name: str = "store.db") -> Store:
    """Six passed dialogues of each trait-level by ten times ten authors, and some rejected ones."""
    passed = make_dialogues(6)
    rejected = [make_dialogue(n, "C-", state=s) for n, s in ((90, "off-trait"), (91, "gate:length"))]
    return make_store(tmp_path / name, passed + rejected)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    tmp_path = tmp_path_factory.mktemp("release")
    return write_release(config(tmp_path), mixed_store(tmp_path))


def test_a_release_has_all_its_files_and_verifies(release: Release) -> None:
    assert release.folder.name == "ocean-chat-1.0.0-scripted"
    assert sorted(contents(release.folder)) == [
        "README.md",
        "data/test.parquet",
        "data/train.parquet",
        "data/validation.parquet",
        "manifest.json",
        "quality.json",
        "rejected/rejected.parquet",
        "topics.png",
    ]
    verification = verify_release(release.folder)
    assert (verification.problems, verification.rows, verification.files) == ((), 60, 7)
    assert not list(release.folder.parent.glob(".*"))


def test_a_long_release_says_how_long_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    store = make_store(tmp_path / "store.db", make_dialogues(1))
    monkeypatch.setattr("oceanchat.time_left.FIRST_SECONDS", 0)
    write_release(config(tmp_path), store, lines.append)
    assert lines and all(re.fullmatch(r"writing the release, about \d+ \w+ left", line) for line in lines)


def test_load_dataset_reads_splits_configs_and_features(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(release.folder), cache_dir=str(tmp_path))
    assert {name: len(split) for name, split in loaded.items()} == {
        name: sum(levels.values()) for name, levels in release.manifest.counts.splits.items()
    }
    row = loaded["train"][0]
    assert row["messages"][0]["role"] == "user"
    assert row["provenance"]["verdict"]["passed"] is True
    head = yaml.safe_load((release.folder / "README.md").read_text().split("---\n")[1])
    by_config = {info["config_name"]: info["features"] for info in head["dataset_info"]}
    assert loaded["train"].features._to_yaml_list() == by_config["default"]
    rejected = datasets.load_dataset(str(release.folder), "rejected", cache_dir=str(tmp_path))["rejected"]
    assert sorted(zip(rejected["state"], rejected["reason"], strict=True)) == [
        ("gate:length", ""),
        ("off-trait", ""),
    ]
    assert rejected.features._to_yaml_list() == by_config["rejected"]


def test_no_path_of_this_machine_and_no_author_is_published(release: Release) -> None:
    for name, data in contents(release.folder).items():
        assert b"/home/somebody" not in data, name
        assert b"author-1" not in data, name


def test_the_same_store_gives_the_same_bytes(release: Release, tmp_path: Path) -> None:
    store = mixed_store(tmp_path, "again.db")
    again = write_release(config(tmp_path), store)
    assert contents(again.folder) == contents(release.folder)


@pytest.mark.postgres
def test_postgresql_gives_the_same_bytes_as_sqlite(
    release: Release, tmp_path: Path, postgres_url: str
) -> None:
    passed, rejected = make_dialogues(6), ((90, "off-trait"), (91, "gate:length"))
    store = make_store(postgres_url, passed + [make_dialogue(n, "C-", state=s) for n, s in rejected])
    again = write_release(config(tmp_path), store)
    store.close()
    assert contents(again.folder) == contents(release.folder)


def test_rows_of_real_models_make_a_release_without_the_suffix(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store.db", make_dialogues(1, model="model-x"))
    written = write_release(config(tmp_path, ratio=(100, 0, 0)), store)
    assert written.folder.name == "ocean-chat-1.0.0"
    assert sorted(contents(written.folder)) == [
        "README.md",
        "data/train.parquet",
        "manifest.json",
        "quality.json",
    ]
    assert "Scripted data" not in (written.folder / "README.md").read_text()
    assert verify_release(written.folder).problems == ()


def test_a_version_is_never_written_twice(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store.db", make_dialogues(1))
    first = write_release(config(tmp_path), store)
    before = contents(first.folder)
    with pytest.raises(ReleaseError, match=r"ocean-chat-1.0.0-scripted' exists; raise --version"):
        write_release(config(tmp_path, license="mit"), store)
    assert contents(first.folder) == before


@pytest.mark.parametrize(
    "version", ["1.0", "v1.0.0", "1.0.0.0", "01.0.0", "latest", "", "1.0.0/..", "1.0.0 "]
)
def test_a_version_is_semantic(tmp_path: Path, version: str) -> None:
    store = make_store(tmp_path / "store.db", make_dialogues(1))
    with pytest.raises(ConfigError, match="is not semantic"):
        write_release(config(tmp_path, version=version), store)


def test_a_license_is_never_guessed(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store.db", make_dialogues(1))
    with pytest.raises(ConfigError, match="give --license"):
        write_release(config(tmp_path, license=None), store)
    assert not (tmp_path / "releases").exists()


def test_an_empty_store_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="holds no dialogue; run `oceanchat build`"):
        write_release(config(tmp_path), open_for_test(tmp_path / "store.db"))


def test_a_store_of_unchecked_dialogues_says_how_they_are_released(tmp_path: Path) -> None:
    unchecked = make_dialogue(0, source="imported", state="unchecked", verdict=None)
    with pytest.raises(ReleaseError, match=r"\(1 unchecked\).*--require imported"):
        write_release(config(tmp_path), make_store(tmp_path / "store.db", [unchecked]))


def test_seed_topics_have_to_be_chosen_where_the_corpus_may_not_be_shared(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store.db", make_dialogues(1), shareable=False)
    with pytest.raises(ConfigError, match="choose --seed-topics"):
        write_release(config(tmp_path), store)
    written = write_release(config(tmp_path, seed_topics="hash"), store)
    assert all(row.seed_topic and row.seed_topic.startswith("sha256:") for row in written.rows)
    assert b"I once wrote" not in b"".join(
        b"".join(str(v).encode() for v in pq.read_table(p).to_pylist())
        for p in written.folder.rglob("*.parquet")
    )


def test_imported_dialogues_make_seed_topics_a_choice(tmp_path: Path) -> None:
    bare = {"source": "imported", "model": "", "seed_topic": None, "seed_reason": ""}
    fields: tuple[dict[str, Any], ...] = (
        {"seed_topic": "A sentence of an essay."},
        {"seed_reason": "It says 'a sentence of an essay'."},
        {"state": "gate:copied", "detail": "repeats the essay: 'a sentence of an essay'"},
    )
    for number, given in enumerate(fields):
        store = make_store(tmp_path / f"{number}.db", make_dialogues(1))
        with store.writing() as connection:
            add_imported(connection, [make_dialogue(70).model_copy(update={**bare, **given})])
        with pytest.raises(ConfigError, match="choose --seed-topics"):
            write_release(config(tmp_path), store)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "releases").write_text("a file, not a folder")
    store = make_store(tmp_path / "store.db", make_dialogues(1))
    with pytest.raises(ReleaseError, match="cannot be written"):
        write_release(config(tmp_path), store)


def test_what_a_killed_run_left_is_swept_away(tmp_path: Path) -> None:
    left = tmp_path / "releases" / ".ocean-chat-1.0.0-scripted.part"
    left.mkdir(parents=True)
    (left / "half.parquet").write_text("x")
    written = write_release(config(tmp_path), make_store(tmp_path / "store.db", make_dialogues(1)))
    assert "half.parquet" not in contents(written.folder)
    assert not left.exists()
