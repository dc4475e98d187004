"""verify notices whatever was changed, even where the manifest was changed with it."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oceanchat.errors import ReleaseError
from oceanchat.release.diff import compare
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


def edit_length(folder: Path) -> None:
    quality = json.loads((folder / "quality.json").read_text())
    quality["length_auc"]["E"]["value"] = 0.51
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


def forge(folder: Path, **changes: Any) -> None:
    """Change columns of a row that neither its id nor any figure hangs on."""
    rows = [row for row in read_release(folder).rows if row.split == "test"]
    write_rows([rows[0].model_copy(update=changes), *rows[1:]], folder / split_file("test"))
    reseal(folder)


def change_facet(folder: Path) -> None:
    forge(folder, facet=None)


def change_seed_topic(folder: Path) -> None:
    forge(folder, seed_topic="I once wrote about nothing at all.")


def change_author(folder: Path) -> None:
    row = next(row for row in read_release(folder).rows if row.split == "test")
    forge(folder, provenance=row.provenance.model_copy(update={"author": "0123456789abcdef"}))


def change_reason_of_a_verdict(folder: Path) -> None:
    row = next(row for row in read_release(folder).rows if row.split == "test")
    assert row.provenance.verdict is not None
    verdict = row.provenance.verdict.model_copy(update={"reason": "because I say so"})
    forge(folder, provenance=row.provenance.model_copy(update={"verdict": verdict}))


def swap_two_rows(folder: Path) -> None:
    rows = [row for row in read_release(folder).rows if row.split == "train"]
    write_rows([rows[1], rows[0], *rows[2:]], folder / split_file("train"))
    reseal(folder)


def drop_the_hash(folder: Path) -> None:
    change_facet(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["rows_sha256"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


def renew_the_hash(folder: Path) -> None:
    change_facet(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["rows_sha256"] = verify_release(folder).rows_sha256
    (folder / "manifest.json").write_text(json.dumps(manifest))


def list_file(folder: Path, name: str, path: Path) -> None:
    """Have the manifest list a file truthfully, wherever it is."""
    data = path.read_bytes()
    entry = {"path": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "rows": None}
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"].append(entry)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def list_a_file_above(folder: Path) -> None:
    (folder.parent / "secret").write_text("secret")
    list_file(folder, "../secret", folder.parent / "secret")


def list_a_file_above_through_a_folder(folder: Path) -> None:
    (folder.parent / "secret").write_text("secret")
    list_file(folder, "data/../../secret", folder.parent / "secret")


def list_an_absolute_file(folder: Path) -> None:
    (folder.parent / "secret").write_text("secret")
    list_file(folder, str(folder.parent / "secret"), folder.parent / "secret")


def link_a_file(folder: Path) -> None:
    real = folder / "data" / "test.parquet"
    shutil.move(real, folder.parent / "test.parquet")
    real.symlink_to(folder.parent / "test.parquet")


def link_a_folder(folder: Path) -> None:
    shutil.move(folder / "data", folder.parent / "data")
    (folder / "data").symlink_to(folder.parent / "data")


def link_the_figures(folder: Path) -> None:
    shutil.move(folder / "quality.json", folder.parent / "quality.json")
    (folder / "quality.json").symlink_to("../quality.json")


def link_within(folder: Path) -> None:
    (folder / "data" / "more.parquet").symlink_to("test.parquet")


def leave_a_pipe(folder: Path) -> None:
    (folder / "data" / "test.parquet").unlink()
    os.mkfifo(folder / "data" / "test.parquet")


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
        (edit_length, "quality.json", "the figure 'length_auc.E.value' is 0.51, the rows give 0.5"),
        (edit_funnel, "quality.json", "the funnel of 'N-' does not add up"),
        (drop_figures, "quality.json", "lacks what it must hold"),
        (change_words, "data/test.parquet", "has another id"),
        (hide_personal_data, "data/test.parquet", "another personal-data flag"),
        (add_file, "data/extra.parquet", "not in the manifest"),
        (claim_a_model_wrote_it, "manifest.json", "is scripted"),
        (change_facet, "manifest.json", "the hash over all rows"),
        (change_seed_topic, "manifest.json", "the hash over all rows"),
        (change_author, "manifest.json", "the hash over all rows"),
        (change_reason_of_a_verdict, "manifest.json", "the hash over all rows"),
        (swap_two_rows, "manifest.json", "the hash over all rows"),
        (drop_the_hash, "manifest.json", "the hash over all rows is ''"),
        (renew_the_hash, "README.md", "the figures give"),
        (list_a_file_above, "../secret", "is not the name of a file in"),
        (list_a_file_above_through_a_folder, "data/../../secret", "is not the name of a file in"),
        (list_an_absolute_file, "/", "is not the name of a file in"),
        (link_a_file, "data/test.parquet", "is a link"),
        (link_a_folder, "data/test.parquet", "'data' in"),
        (link_the_figures, "quality.json", "is a link"),
        (link_within, "data/more.parquet", "is a link"),
        (leave_a_pipe, "data/test.parquet", "device or pipe"),
    ],
)
def test_every_change_is_noticed(folder: Path, change: Callable[[Path], None], where: str, what: str) -> None:
    assert verify_release(folder).problems == ()
    change(folder)
    problems = verify_release(folder).problems
    assert any(problem.where.startswith(where) and what in problem.what for problem in problems), problems


@pytest.mark.parametrize("name", ["manifest.json", "quality.json", "data", "data/train.parquet"])
def test_what_a_link_leads_to_is_never_read(folder: Path, name: str) -> None:
    shutil.move(folder / name, folder.parent / "elsewhere")
    (folder / name).symlink_to(folder.parent / "elsewhere")
    with pytest.raises(ReleaseError, match=f"'{name.split('/')[0]}.*is a link"):
        read_release(folder)


def test_problems_are_printed_without_control_characters(folder: Path) -> None:
    (folder / "data" / "\x1b]0;owned\x07").write_bytes(b"x")
    (problem,) = verify_release(folder).problems
    assert str(problem).isprintable()


def test_columns_are_not_taken_from_the_names_of_folders_above(folder: Path, tmp_path: Path) -> None:
    deeper = tmp_path / "facet=none" / "lang=en"
    shutil.copytree(folder, deeper / folder.name)
    assert verify_release(deeper / folder.name).problems == ()


@pytest.mark.parametrize("number", [0, -1])
def test_a_format_that_never_was_is_refused(folder: Path, number: int) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": number}))
    with pytest.raises(ReleaseError, match=f"format '{number}', which never was"):
        verify_release(folder)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.sampled_from(["", "O+", "../x", "/etc/passwd", "\ud800", "\x00", "a" * 5_000, "1e400"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abr"), inner, max_size=3),
    max_leaves=6,
)


def spoil(tree: Any, draw: st.DataObject) -> Any:
    """The tree with one value, anywhere in it, replaced, or one removed."""
    if isinstance(tree, dict) and tree and draw.draw(st.integers(0, 5)):
        key = draw.draw(st.sampled_from(sorted(tree)))
        if not draw.draw(st.integers(0, 5)):
            return {k: v for k, v in tree.items() if k != key}
        return tree | {key: spoil(tree[key], draw)}
    if isinstance(tree, list) and tree and draw.draw(st.integers(0, 5)):
        index = draw.draw(st.integers(0, len(tree) - 1))
        return [*tree[:index], spoil(tree[index], draw), *tree[index + 1 :]]
    return draw.draw(ANYTHING)


@pytest.mark.parametrize("name", ["manifest.json", "quality.json"])
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=st.data())
def test_any_other_manifest_or_figures_end_in_words(sound: Path, name: str, draw: st.DataObject) -> None:
    original = (sound / name).read_text()
    try:
        (sound / name).write_text(json.dumps(spoil(json.loads(original), draw)))
        for read in (verify_release, lambda folder: compare(read_release(folder), read_release(folder))):
            try:
                read(sound)
            except ReleaseError as error:
                assert str(error)
    finally:
        (sound / name).write_text(original)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    at=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), min_size=1, max_size=4),
    cut=st.floats(0, 2),
)
def test_any_other_bytes_of_the_rows_are_noticed(
    sound: Path, at: list[tuple[float, int]], cut: float
) -> None:
    path = sound / "data" / "test.parquet"
    original = path.read_bytes()
    data = bytearray(original)
    for where, mask in at:
        data[int(where * len(data))] ^= mask
    try:
        path.write_bytes(data[: int(cut * len(data))] if cut < 1 else data)
        if path.read_bytes() != original:
            assert verify_release(sound).problems
    finally:
        path.write_bytes(original)


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


def test_a_release_of_the_second_format_needs_no_figures_of_length(folder: Path) -> None:
    quality = json.loads((folder / "quality.json").read_text())
    del quality["length_auc"], quality["exchanges_auc"]
    (folder / "quality.json").write_text(json.dumps(quality))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
    reseal(folder)
    assert verify_release(folder).problems == ()


def test_a_release_of_the_first_format_is_held_to_the_figures_it_had(folder: Path) -> None:
    quality = json.loads((folder / "quality.json").read_text())
    del quality["checker"], quality["length_auc"], quality["exchanges_auc"]
    quality["rows"]["checker_against_humans"] = None
    (folder / "quality.json").write_text(json.dumps(quality))
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["rows_sha256"]
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    reseal(folder)
    assert verify_release(folder).problems == ()
    edit_figure(folder)
    assert [problem.where for problem in verify_release(folder).problems] == ["quality.json"]
