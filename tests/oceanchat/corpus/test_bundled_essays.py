"""The bundled corpus keeps what its README promises."""

import json
import re
from collections import Counter, defaultdict
from importlib import resources

import pytest

from oceanchat.corpus.segmentation import segment
from oceanchat.scripted.labeling import label_sentence
from oceanchat.traits import CODES, Level, Trait, TraitLevel

_TEXT = (resources.files("oceanchat.corpus") / "essays.jsonl").read_text(encoding="utf-8")
ESSAYS = [json.loads(line) for line in _TEXT.splitlines()]


def _codes(essay: dict[str, dict[str, str]]) -> list[str]:
    return [TraitLevel(Trait(trait), Level(level)).code for trait, level in essay["labels"].items()]


def test_every_essay_has_its_own_id_author_and_length() -> None:
    assert len(ESSAYS) == 202
    for number, essay in enumerate(ESSAYS, start=1):
        assert set(essay) == {"id", "author", "text", "labels"}
        assert (essay["id"], essay["author"]) == (f"e{number:03d}", f"a{number:03d}")
        assert 60 <= len(essay["text"].split()) <= 150


def test_every_trait_level_is_carried_by_at_least_thirteen_essays() -> None:
    carried = Counter(code for essay in ESSAYS for code in _codes(essay))
    assert set(carried) == set(CODES)
    assert min(carried.values()) >= 13


def test_no_two_essays_begin_alike_or_share_long_passages() -> None:
    openings = Counter(" ".join(essay["text"].lower().split()[:3]) for essay in ESSAYS)
    assert openings.most_common(1)[0][1] == 1
    owners: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for essay in ESSAYS:
        words = re.findall(r"[a-z']+", essay["text"].lower())
        for start in range(len(words) - 7):
            owners[tuple(words[start : start + 8])].add(essay["id"])
    assert [passage for passage, ids in owners.items() if len(ids) > 1] == []


@pytest.mark.parametrize("code", CODES)
def test_labeling_finds_twenty_seeds_in_essays_that_carry_the_trait_level(code: str) -> None:
    wanted = TraitLevel.parse(code)
    seeds = 0
    for essay in ESSAYS:
        if code in _codes(essay):
            labels = (label_sentence(span.text, wanted.trait).facet_level for span in segment(essay["text"]))
            seeds += min(3, sum(label is not None and label.level is wanted.level for label in labels))
    assert seeds >= 20
