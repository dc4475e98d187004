"""A build's report counts what the funnels hold, and funnels that do not add up are refused."""

import pytest

from oceanchat.errors import OceanChatError
from oceanchat.llm.usage import Usage
from oceanchat.pipeline.report import BuildReport, Outcome, check_sums
from oceanchat.records import Funnel
from oceanchat.store.corpora import StoredCorpus
from oceanchat.traits import Level, Trait, TraitLevel

OPEN, CLOSED = (TraitLevel(Trait.O, level) for level in (Level.HIGH, Level.LOW))
SOUND = Funnel(
    candidates={"selected": 5, "surplus": 2, "neutral": 40},
    seeds={"written": 4, "refused": 1},
    dialogues={"passed": 2, "gate:length": 1, "off-trait": 1},
)


def test_a_sound_funnel_adds_up() -> None:
    check_sums(OPEN, SOUND)
    check_sums(OPEN, SOUND, candidates=47)


@pytest.mark.parametrize(
    ("changes", "pair"),
    [
        ({"candidates": {"selected": 4}}, "selected candidates and seed topics are 4 and 5"),
        ({"seeds": {"written": 5}}, "written seed topics and dialogues are 5 and 4"),
        ({"dialogues": {"passed": 2}}, "written seed topics and dialogues are 4 and 2"),
    ],
)
def test_rows_that_went_missing_are_named(changes: dict[str, dict[str, int]], pair: str) -> None:
    with pytest.raises(OceanChatError, match=rf"'O\+' do not add up: {pair}"):
        check_sums(OPEN, SOUND.model_copy(update=changes))


def test_a_labeled_candidate_that_was_not_stored_is_noticed() -> None:
    with pytest.raises(OceanChatError, match="are 48 and 47"):
        check_sums(OPEN, SOUND, candidates=48)


def test_the_report_adds_up_its_outcomes() -> None:
    outcomes = (Outcome(OPEN, 2, SOUND), Outcome(CLOSED, 3, SOUND))
    report = BuildReport(StoredCorpus("id", "essays", {}), outcomes, Usage(), 1.23456)
    assert [(o.passed, o.written, o.checked) for o in outcomes] == [(2, 4, 3)] * 2
    assert report.short == outcomes[1:]
    assert report.pass_rate.value == pytest.approx(4 / 6)
    record = report.record()
    assert record["dialogues"] == {"requested": 5, "passed": 4, "rejected": 4}
    assert record["seconds"] == 1.23456 and list(record["funnel"]) == ["O+", "O-"]
