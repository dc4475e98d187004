"""Who clicks through is noticed; who reads is left in peace."""

from typing import Any

import pytest

from oceanchat.annotation import accounts, report
from oceanchat.annotation import labels as labelling
from oceanchat.annotation.attention import care_of
from oceanchat.annotation.labels import TooSoon
from oceanchat.store.database import Store
from oceanchat.store.labels import Judgement
from tests.oceanchat.annotation.scenes import BAD, GOOD, label_all, sampled


def judged(number: int, purpose: str = "label", seconds: float = 40.0, **changes: Any) -> Judgement:
    given: dict[str, Any] = {
        "item_id": number,
        "item_key": str(number),
        "kind": "sample",
        "stratum": "O+",
        "state": "passed",
        "known": None,
        "annotator_id": 1,
        "purpose": purpose,
        "answers": GOOD if number % 5 else BAD,
        "value": "yes" if number % 5 else "no",
        "revision": 1,
        "active_seconds": seconds,
        "saved": float(number),
        "content": {"turns": [{"text": "word " * 200}]},
    }
    return Judgement(**(given | changes))


def test_careful_work_raises_no_warning() -> None:
    found = care_of([judged(n) for n in range(25)], refused=0)
    assert found.warnings == () and found.median_seconds == 40.0 and found.labels == 25
    assert found.repeated.value is None and found.gold.value is None


def test_answers_faster_than_reading_are_counted() -> None:
    found = care_of([judged(n, seconds=2.0 if n % 2 else 40.0) for n in range(20)], refused=0)
    assert found.warnings == ("10 of the last 20 items were answered faster than they can be read",)


def test_the_same_answer_over_and_over_and_refused_tries_are_told() -> None:
    found = care_of([judged(n, answers=GOOD) for n in range(20)], refused=6)
    assert len(found.warnings) == 2
    assert "tried 6 times" in found.warnings[0] and "all the same" in found.warnings[1]


def test_repeats_and_gold_are_compared_with_what_they_should_be() -> None:
    known = {"answers": GOOD, "value": "yes", "why": ""}
    first = [judged(n) for n in range(10)]
    repeats = [judged(n, "repeat", saved=100.0 + n, value="no") for n in range(1, 6)]
    gold = [judged(50 + n, "gold", known=known, answers=BAD) for n in range(5)]
    found = care_of([*first, *repeats, *gold], refused=0)
    assert found.repeated.value == pytest.approx(1 / 5) and found.gold.value == 0.0
    assert "0 of 5 gold items right" in found.warnings
    assert "1 of 5 repeats answered the same" in found.warnings


def test_the_lead_sees_everybody_s_pace(store: Store) -> None:
    team = sampled(store, each=2, repeats=0.5, gold=0.25, min_seconds=1)
    lead = accounts.add(store, "Lea", "lead").annotator
    shown = labelling.next_item(store, team[1])
    assert shown is not None
    for _ in range(5):
        with pytest.raises(TooSoon):
            labelling.save(store, team[1], shown.token, GOOD)
    ann, ben, _ = report.workers(store, lead)
    assert ann.done == 0 and ann.idle_days is None and ann.total > 20
    assert ben.care.warnings == ("tried 5 times to save before the least time was over",)


def test_repeats_measure_an_annotator_against_themselves(store: Store) -> None:
    team = sampled(store, each=3, repeats=0.5)
    lead = accounts.add(store, "Lea", "lead").annotator
    label_all(store, team[0], lambda level: BAD if level == "O+" else GOOD)
    care = report.workers(store, lead)[0].care
    assert care.repeated.value == 1.0 and care.labels > 35
