"""Releases are read whole and in order; what is none is refused in a line."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import TrainingError
from oceanchat.llm.settings import BY_SCRIPT
from preact.dialogues.release import read_release
from tests.preact.conftest import release_rows, write_rows


def test_a_name_like_one_of_the_releases_beside_it_is_no_dataset_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "releases" / "ocean-chat-1.0.0-scripted"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError) as error:
        read_release("releases/ocean-chat-1.0.0")
    assert str(error.value) == (
        "release 'releases/ocean-chat-1.0.0' is not here; did you mean 'releases/ocean-chat-1.0.0-scripted'?"
    )


def test_a_release_is_read_in_order_with_its_splits(release_folder: Path) -> None:
    release = read_release(str(release_folder))
    assert [len(release.split(s)) for s in ("train", "validation", "test", "all")] == [40, 10, 20, 70]
    first = release.dialogues[0]
    assert (first.trait_level.code, first.trait_id, first.split) == ("O+", 0, "train")
    assert [m.role for m in first.messages] == ["user", "assistant", "user", "assistant"]
    assert not release.scripted and release.name == "ocean-chat-9.9.9"
    assert read_release(str(release_folder)).fingerprint == release.fingerprint


def test_reading_a_release_needs_no_torch(release_folder: Path) -> None:
    code = (
        "import sys\n"
        "from preact.dialogues.release import read_release\n"
        "read_release(sys.argv[1])\n"
        "sys.exit(bool({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(release_folder)]
    assert subprocess.run(command, timeout=240).returncode == 0


@pytest.mark.parametrize("writer", sorted(BY_SCRIPT))
def test_a_scripted_writer_makes_a_scripted_release(writer: str, tmp_path: Path) -> None:
    rows = release_rows("train", 1)
    rows[3]["provenance"] = {"writer": writer}
    write_rows(tmp_path, "train", rows)
    assert read_release(str(tmp_path)).scripted


def test_a_dialogue_is_validated_by_most_labels_or_by_the_one_that_decides(tmp_path: Path) -> None:
    def labels(*valid: bool, decides: bool | None = None) -> dict[str, object]:
        human = [{"valid": one, "decides": False} for one in valid]
        human += [] if decides is None else [{"valid": decides, "decides": True}]
        return {"writer": "a model", "human": human}

    rows = release_rows("train", 1)[:5]
    given = [labels(), labels(True, True, False), labels(True, False), labels(True, False, decides=True),
             labels(True, True, decides=False)]  # fmt: skip
    for row, provenance in zip(rows, given, strict=True):
        row["provenance"] = provenance
    write_rows(tmp_path, "train", rows)
    validated = [dialogue.validated for dialogue in read_release(str(tmp_path)).dialogues]
    assert validated == [False, True, False, True, False]


def test_another_text_is_another_fingerprint(tmp_path: Path) -> None:
    rows = release_rows("train", 1)
    write_rows(tmp_path / "a", "train", rows)
    rows[0]["messages"][1]["content"] += "!"
    write_rows(tmp_path / "b", "train", rows)
    assert read_release(str(tmp_path / "a")).fingerprint != read_release(str(tmp_path / "b")).fingerprint


def test_a_missing_split_names_those_that_are_there(tmp_path: Path) -> None:
    write_rows(tmp_path, "train", release_rows("train", 1))
    release = read_release(str(tmp_path))
    with pytest.raises(TrainingError, match=r"no split 'test' \(it has: train\)"):
        release.split("test")
    with pytest.raises(TrainingError, match="split 'dev' is not known"):
        release.split("dev")
    assert not release.has("test")


@pytest.mark.parametrize("source", ["./nowhere", "/nowhere/at/all", "nowhere"])
def test_what_is_no_folder_is_refused(source: str) -> None:
    with pytest.raises(TrainingError, match="is not a folder"):
        read_release(source)


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a release"):
        read_release(str(tmp_path))


def test_a_file_that_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "release"
    write_rows(elsewhere, "train", release_rows("train", 1))
    write_rows(folder, "train", release_rows("train", 1))
    (tmp_path / "same").symlink_to(folder)
    assert read_release(str(tmp_path / "same")).dialogues
    link = folder / "data" / "validation.parquet"
    for target in (elsewhere / "data" / "train.parquet", link):
        link.symlink_to(target)
        with pytest.raises(TrainingError, match=r"validation.parquet' is a link out of the release"):
            read_release(str(folder))
        link.unlink()
    (folder / "manifest.json").symlink_to("/etc/hostname")
    with pytest.raises(TrainingError, match=r"manifest.json' is a link"):
        read_release(str(folder))


@given(cut=st.integers(0, 3000))
def test_a_damaged_shard_is_one_line(tmp_path: Path, cut: int) -> None:
    folder = tmp_path / "damaged"
    write_rows(folder, "train", release_rows("train", 1))
    path = folder / "data" / "train.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: cut % len(whole)])
    with pytest.raises(TrainingError, match="is damaged"):
        read_release(str(folder))


@pytest.mark.parametrize(
    "change",
    [
        {"trait": "X"},
        {"level": "middle"},
        {"messages": []},
        {"messages": [{"role": "user", "content": "hello?"}]},
        {"messages": [{"role": "narrator", "content": "once"}]},
    ],
)
def test_rows_that_are_no_dialogues_are_named(tmp_path: Path, change: dict[str, object]) -> None:
    write_rows(tmp_path, "train", [{**release_rows("train", 1)[0], **change}])
    with pytest.raises(TrainingError, match=r"row 'train-O\+-0' .* is not a dialogue"):
        read_release(str(tmp_path))


def test_neighbours_by_one_speaker_are_joined_and_the_user_begins(tmp_path: Path) -> None:
    row = release_rows("train", 1)[0]
    turns = [("assistant", "x"), ("user", "a"), ("user", "b"), ("assistant", "c"), ("assistant", "d")]
    row["messages"] = [{"role": role, "content": text} for role, text in turns]
    write_rows(tmp_path, "train", [row])
    assert [tuple(m) for m in read_release(str(tmp_path)).dialogues[0].messages] == [
        ("user", "a\nb"),
        ("assistant", "c\nd"),
    ]
