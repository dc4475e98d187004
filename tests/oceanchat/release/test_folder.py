"""A folder reads back as the release that was written, or is refused in one line."""

import json
import shutil
from pathlib import Path

import pytest

from oceanchat.errors import ReleaseError
from oceanchat.release.folder import Release, read_release
from oceanchat.release.verification import verify_release
from oceanchat.release.writer import ReleaseConfig, write_release
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    tmp_path = tmp_path_factory.mktemp("folder")
    store = make_store(
        tmp_path / "store.db", [*make_dialogues(3), make_dialogue(90, "C-", state="off-trait")]
    )
    return write_release(ReleaseConfig(version="1.0.0", license="mit", output=tmp_path), store)


@pytest.fixture
def folder(release: Release, tmp_path: Path) -> Path:
    return Path(shutil.copytree(release.folder, tmp_path / release.folder.name))


def test_a_release_reads_back_as_it_was_written(release: Release) -> None:
    read_back = read_release(release.folder)
    assert read_back.manifest == release.manifest
    assert read_back.quality == json.loads(json.dumps(release.quality))
    assert list(read_back.rows) == list(release.rows)
    assert list(read_back.rejected) == list(release.rejected)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("manifest.json", "{", "cannot be read"),
        ("manifest.json", '{"format": 99}', "newer than"),
        ("manifest.json", '{"format": 1}', "not as it was written"),
        ("manifest.json", "[]", "not a JSON object"),
    ],
)
def test_a_broken_manifest_is_one_line(folder: Path, name: str, text: str, reason: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(ReleaseError, match=reason):
        verify_release(folder)


def test_a_folder_that_is_no_release_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"is not a release: it has no 'manifest.json'; write one with"):
        verify_release(tmp_path / "ocean-chat-1.0.0")


def test_a_release_beside_the_folder_meant_is_named(tmp_path: Path) -> None:
    (tmp_path / "ocean-chat-1.0.0-scripted").mkdir()
    (tmp_path / "ocean-chat-1.0.0-scripted" / "manifest.json").touch()
    with pytest.raises(ReleaseError, match=r"did you mean '.*/ocean-chat-1\.0\.0-scripted'\?$"):
        verify_release(tmp_path / "ocean-chat-1.0.0")
