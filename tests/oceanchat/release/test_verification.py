"""verify notices whatever was changed, even where the manifest was changed with it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from oceanchat.release.folder import read_release, split_file
from oceanchat.release.schema import write_rows
from oceanchat.release.verification import verify_release
from oceanchat.release.writer import ReleaseConfig, write_release
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("verification")
    store = make_store(
        tmp_path / "store.db", [*make_dialogues(8), make_dialogue(99, "N-", state="wrong-level")]
    )
    return write_release(ReleaseConfig(version="1.0.0", license="mit", output=tmp_path), store).folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / sound.name))


def reseal(folder: Path) -> None:
    """Make the manifest vouch for the files as they are now, as a careful forger would."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        data = (folder / file["path"]).read_bytes()
        file["sha256"], file["bytes"] = hashlib.sha256(data).hexdigest(), len(data)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def flip_byte(folder: Path) -> None:
    path = folder / "data" / "train.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def remove_file(folder: Path) -> None:
    (folder / "data" / "test.parquet").unlink()


def change_count(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["counts"]["splits"]["train"]["O+"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))


def put_row_in_two_splits(folder: Path) -> None:
    rows = read_release(folder).rows
    train = [row for row in rows if row.split == "train"]
    test = [row for row in rows if row.split == "test"]
    write_rows([*test, train[0].model_copy(update={"split": "test"})], folder / split_file("test"))
    reseal(folder)


def edit_card(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    assert "80 of 81" in card
    (folder / "README.md").write_text(card.replace("80 of 81", "81 of 81"))
    reseal(folder)


def edit_figure(folder: Path) -> None:
    quality = json.loads((folder / "quality.json").read_text())
    quality["rows"]["back_validation"]["count"] += 1
    (folder / "quality.json").write_text(json.dumps(quality))
    reseal(folder)


def edit_funnel(folder: Path) -> None:
    quality = json.loads((folder / "quality.json").read_text())
    quality["funnel"]["N-"]["seeds"]["written"] += 1
    (folder / "quality.json").write_text(json.dumps(quality))
    reseal(folder)


def edit_checker(folder: Path) -> None:
    quality = json.loads((folder / "quality.json").read_text())
    quality["checker"]["recall"] = {"value": 1.0, "low": 0.9, "high": 1.0, "note": ""}
    (folder / "quality.json").write_text(json.dumps(quality))
    reseal(folder)


def drop_figures(folder: Path) -> None:
    (folder / "quality.json").write_text("{}")
    reseal(folder)


def change_words(folder: Path) -> None:
    rows = [row for row in read_release(folder).rows if row.split == "test"]
    message = rows[0].messages[1].model_copy(update={"content": "Something else was said here."})
    changed = rows[0].model_copy(update={"messages": (rows[0].messages[0], message, *rows[0].messages[2:])})
    write_rows([changed, *rows[1:]], folder / split_file("test"))
    reseal(folder)


def hide_personal_data(folder: Path) -> None:
    rows = [row for row in read_release(folder).rows if row.split == "test"]
    changed = rows[0].model_copy(update={"seed_topic": "Call 555-123-4567 about the boat."})
    write_rows([changed, *rows[1:]], folder / split_file("test"))
    reseal(folder)


def add_file(folder: Path) -> None:
    (folder / "data" / "extra.parquet").write_bytes(b"x")


def claim_a_model_wrote_it(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"scripted": False, "name": "ocean-chat-1.0.0"}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        (flip_byte, "data/train.parquet", "checksum"),
        (remove_file, "data/test.parquet", "is missing"),
        (change_count, "manifest.json", "the count of splits"),
        (put_row_in_two_splits, "data", "comes twice"),
        (put_row_in_two_splits, "data", "is in two splits"),
        (edit_card, "README.md", "81 of 81"),
        (edit_figure, "quality.json", "rows.back_validation.count"),
        (edit_checker, "quality.json", "the figure 'checker.recall.value' is 1.0, the rows give None"),
        (edit_funnel, "quality.json", "the funnel of 'N-' does not add up"),
        (drop_figures, "quality.json", "lacks what it must hold"),
        (change_words, "data/test.parquet", "has another id"),
        (hide_personal_data, "data/test.parquet", "another personal-data flag"),
        (add_file, "data/extra.parquet", "not in the manifest"),
        (claim_a_model_wrote_it, "manifest.json", "is scripted"),
    ],
)
def test_every_change_is_noticed(folder: Path, change: Callable[[Path], None], where: str, what: str) -> None:
    assert verify_release(folder).problems == ()
    change(folder)
    problems = verify_release(folder).problems
    assert any(problem.where.startswith(where) and what in problem.what for problem in problems), problems


def test_near_duplicates_in_two_splits_are_noticed(folder: Path) -> None:
    rows = [row for row in read_release(folder).rows if row.split == "test"]
    train = next(row for row in read_release(folder).rows if row.split == "train")
    more = train.messages[-1].model_copy(update={"content": train.messages[-1].content + " too"})
    twin = train.model_copy(
        update={"split": "test", "messages": (*train.messages[:-1], more), "seed_topic": None}
    )
    write_rows([*rows, twin], folder / split_file("test"))
    reseal(folder)
    problems = verify_release(folder).problems
    assert any("near_duplicates.across_splits' is 0, the rows give 1" in problem.what for problem in problems)


def test_a_release_of_the_first_format_is_held_to_the_figures_it_had(folder: Path) -> None:
    quality = json.loads((folder / "quality.json").read_text())
    del quality["checker"]
    quality["rows"]["checker_against_humans"] = None
    (folder / "quality.json").write_text(json.dumps(quality))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    reseal(folder)
    assert verify_release(folder).problems == ()
    edit_figure(folder)
    assert [problem.where for problem in verify_release(folder).problems] == ["quality.json"]
