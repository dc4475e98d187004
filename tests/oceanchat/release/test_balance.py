"""A release balanced by length: pairs that are alike, the rest beside them, and verify over both."""

import json
import random
from pathlib import Path

import pytest
from datasets import load_dataset
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import ReleaseError
from oceanchat.records import Dialogue, Turn, dialogue_id
from oceanchat.release.balance import LEFT, TOLERANCE, balanced_ids, matched_pairs
from oceanchat.release.folder import Release, unmatched_file
from oceanchat.release.schema import read_rows, write_rows
from oceanchat.release.verification import verify_release
from oceanchat.release.writer import ReleaseConfig, write_release
from oceanchat.statistics.length import AnswerLengths, length_figures
from oceanchat.traits import Level, Trait
from tests.oceanchat.release.factories import make_dialogue, make_store
from tests.oceanchat.release.test_verification import reseal

WORDS = st.lists(st.integers(0, 60), max_size=40)


def lengths(high: list[float], low: list[float]) -> dict[str, AnswerLengths]:
    levels = ((Level.HIGH, high), (Level.LOW, low))
    return {
        f"{level} {number}": AnswerLengths(Trait.E, level, f"{level} {number}", words, 4)
        for level, values in levels
        for number, words in enumerate(values)
    }


@given(WORDS, WORDS)
def test_pairs_are_alike_and_length_tells_their_levels_nothing(high: list[float], low: list[float]) -> None:
    measured = lengths(high, low)
    pairs = matched_pairs(measured, Trait.E)
    ids = balanced_ids(measured)
    assert len(ids) == 2 * len(pairs)
    for pair in pairs:
        shorter, longer = sorted((pair.high_words, pair.low_words))
        assert 0 < longer <= (1 + TOLERANCE) * shorter + 1e-9
    auc = length_figures(measured[identifier] for identifier in ids).words
    assert not pairs or auc["E"].value == pytest.approx(0.5, abs=LEFT + 1e-9)


def test_what_overlaps_is_nearly_all_paired_and_what_does_not_is_left_out() -> None:
    lottery = random.Random(0)
    high, low = ([lottery.uniform(*ends) for _ in range(200)] for ends in ((20, 40), (10, 30)))
    overlap = min(sum(words < 30 for words in high), sum(words > 20 for words in low))
    pairs = matched_pairs(lengths(high, low), Trait.E)
    assert 0.85 * overlap <= len(pairs) <= 1.25 * overlap
    assert matched_pairs(lengths([30.0, 31.0], [10.0, 11.0]), Trait.E) == []


def test_levels_that_are_close_but_never_overlap_have_no_pairs() -> None:
    assert matched_pairs(lengths([10.5] * 20, [10.0] * 20), Trait.E) == []


def answering(code: str, number: int, words: int) -> Dialogue:
    """A dialogue with answers of so many words."""
    lottery = random.Random(f"{code} {number}")
    turns = [
        Turn(role=role, text=" ".join(f"w{lottery.randrange(10**6)}" for _ in range(length)))
        for _ in range(4)
        for role, length in (("questioner", 8), ("discloser", words))
    ]
    return make_dialogue(number, code).model_copy(update={"turns": tuple(turns)})


def confounded() -> list[Dialogue]:
    """E+ has answers of 20 to 49 words, E- of 10 to 39; the traits O and N do not overlap."""
    dialogues = [answering("E+", n, 20 + n) for n in range(30)]
    dialogues += [answering("E-", n, 10 + n) for n in range(30)]
    dialogues += [answering(code, n, w) for code, w in (("O+", 40), ("O-", 10)) for n in range(5)]
    return [d.model_copy(update={"id": fresh(d)}) for d in dialogues]


def fresh(dialogue: Dialogue) -> str:
    return dialogue_id(dialogue.trait_level, dialogue.turns)


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Release:
    tmp_path = tmp_path_factory.mktemp("balanced")
    store = make_store(tmp_path / "store.db", confounded())
    config = ReleaseConfig(version="1.0.0", license="mit", output=tmp_path, balance="length")
    return write_release(config, store)


def test_both_configs_load_and_hold_every_dialogue_once(balanced: Release) -> None:
    default = load_dataset(str(balanced.folder))
    unmatched = load_dataset(str(balanced.folder), "unmatched")
    ids = [row["id"] for config in (default, unmatched) for split in config.values() for row in split]
    assert sorted(ids) == sorted(dialogue.id for dialogue in confounded())
    levels = [row["trait_level"] for split in default.values() for row in split]
    assert set(levels) == {"E+", "E-"} and levels.count("E+") == levels.count("E-") >= 18


def test_length_tells_nothing_in_it_and_the_card_says_so(balanced: Release) -> None:
    assert list(balanced.quality["length_auc"]) == ["E"]
    assert balanced.quality["length_auc"]["E"]["value"] == pytest.approx(0.5, abs=LEFT)
    card = (balanced.folder / "README.md").read_text()
    assert (
        "Balanced by length" in card
        and "--balance length" in card
        and 'load_dataset(PATH, "unmatched")' in card
    )
    assert "No pair at all: O." in card and "Concern" not in card


def test_verify_recomputes_the_pairs(balanced: Release) -> None:
    assert verify_release(balanced.folder).problems == ()
    test = balanced.folder / unmatched_file("test")
    before, manifest = test.read_bytes(), (balanced.folder / "manifest.json").read_bytes()
    try:
        write_rows(read_rows(test)[:-1], test)
        reseal(balanced.folder)
        problems = [str(problem) for problem in verify_release(balanced.folder).problems]
        assert any("count of unmatched" in problem for problem in problems)
        (balanced.folder / "manifest.json").write_text(json.dumps(json.loads(manifest) | {"balance": "none"}))
        problems = [str(problem) for problem in verify_release(balanced.folder).problems]
        assert any("does not hold the rows that balance 'none' chooses" in problem for problem in problems)
    finally:
        test.write_bytes(before)
        (balanced.folder / "manifest.json").write_bytes(manifest)


def test_no_author_is_on_both_sides_of_a_split_in_any_config(balanced: Release) -> None:
    where: dict[str, set[str]] = {}
    for row in (*balanced.rows, *balanced.unmatched):
        where.setdefault(row.provenance.author, set()).add(row.split)
    assert all(len(splits) == 1 for splits in where.values())


def test_nothing_that_overlaps_is_one_line(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store.db", [d for d in confounded() if d.trait is Trait.O])
    config = ReleaseConfig(version="1.0.0", license="mit", output=tmp_path, balance="length")
    with pytest.raises(ReleaseError, match="--balance 'length' leaves nothing"):
        write_release(config, store)
    assert not list(tmp_path.glob("*ocean-chat*"))
