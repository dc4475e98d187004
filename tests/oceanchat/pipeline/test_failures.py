"""What failed is named with its reason and a reply; essays are asked for only when they are missing."""

import pytest

from oceanchat.pipeline.failures import FailedStep, why_short
from oceanchat.pipeline.report import Outcome
from oceanchat.records import Funnel
from oceanchat.traits import Level, Trait, TraitLevel


def outcome(requested: int, **steps: dict[str, int]) -> Outcome:
    empty: dict[str, dict[str, int]] = {"candidates": {}, "seeds": {}, "dialogues": {}}
    return Outcome(TraitLevel(Trait.O, Level.HIGH), requested, Funnel(**(empty | steps)))


@pytest.mark.parametrize(
    ("short", "phrase"),
    [
        (outcome(9, candidates={"neutral": 50}), "add essays"),
        (outcome(9, seeds={"written": 6}, dialogues={"passed": 5, "off-trait": 1}), "add essays"),
        (outcome(9, candidates={"failed": 40}), "40 rows failed"),
        (outcome(9, seeds={"unparseable": 9}), "`oceanchat retry`"),
        (outcome(9, seeds={"written": 9}, dialogues={"failed": 9}), "9 rows failed"),
        (
            outcome(9, seeds={"written": 90}, dialogues={"gate:short": 80, "off-trait": 9, "passed": 1}),
            "most as 'gate:short'",
        ),
        (outcome(20, candidates={"failed": 2}, dialogues={"passed": 8}), "add essays"),
    ],
)
def test_essays_are_asked_for_only_when_they_are_missing(short: Outcome, phrase: str) -> None:
    words = why_short(short, "mine")
    assert phrase in words and ("add essays" in words) == (phrase == "add essays")
    assert "--seeds-per-essay" not in words


def test_what_failed_is_asked_again_the_way_it_was_asked() -> None:
    short = outcome(9, candidates={"failed": 40})
    for in_files, way_out in ((False, "`oceanchat retry`"), (True, "`oceanchat pending --failed`")):
        assert way_out in why_short(short, "mine", in_files)
        assert FailedStep("labels", {"content-filter": 2}, None, in_files).way_out.startswith(way_out)
        anew = FailedStep("labels", {"timeout": 2}, None, in_files).way_out
        assert anew.startswith("`oceanchat pending` writes" if in_files else "the next run")


def test_another_seed_topic_an_essay_is_advised_only_where_it_frees_some() -> None:
    labeled = {"neutral": 50, "surplus": 7}
    short = outcome(9, candidates=labeled, seeds={"written": 2}, dialogues={"passed": 2})
    words = why_short(short, "mine")
    assert words.endswith("add essays, or raise --seeds-per-essay, which frees 7 more at most")
