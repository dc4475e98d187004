"""Who clicks through is noticed; who reads is left in peace."""

from typing import Any

import pytest

from oceanchat.annotation import accounts, labels, report
from oceanchat.annotation.attention import attention_report
from oceanchat.annotation.labels import TooSoon
from oceanchat.store.database import Store
from oceanchat.store.labels import ItemLabel
from tests.oceanchat.annotation.scenes import BAD, GOOD, label_all, sampled


def item_label(number: int, purpose: str = "label", seconds: float = 40.0, **changes: Any) -> ItemLabel:
    fields: dict[str, Any] = {
        "item_id": number,
        "item_key": str(number),
        "kind": "sample",
        "stratum": "O+",
        "state": "passed",
        "answer_key": None,
        "annotator_id": 1,
        "purpose": purpose,
        "answers": GOOD if number % 5 else BAD,
        "value": "yes" if number % 5 else "no",
        "revision": 1,
        "active_seconds": seconds,
        "saved_at": float(number),
        "label_id": number,
    }
    return ItemLabel(**(fields | changes))


WORDS = dict.fromkeys(range(100), 200)


def test_careful_work_raises_no_warning() -> None:
    attention = attention_report([item_label(n) for n in range(25)], rejected_submissions=0, words=WORDS)
    assert attention.warnings == () and attention.median_seconds == 40.0 and attention.labels == 25
    assert attention.repeated.value is None and attention.gold.value is None


def test_answers_faster_than_reading_are_counted() -> None:
    attention = attention_report(
        [item_label(n, seconds=2.0 if n % 2 else 40.0) for n in range(20)],
        rejected_submissions=0,
        words=WORDS,
    )
    assert attention.warnings == ("10 of the last 20 items were answered faster than they can be read",)


def test_the_same_answer_over_and_over_and_rejected_submissions_are_reported() -> None:
    attention = attention_report(
        [item_label(n, answers=GOOD) for n in range(20)], rejected_submissions=6, words=WORDS
    )
    assert len(attention.warnings) == 2
    assert "tried 6 times" in attention.warnings[0] and "all the same" in attention.warnings[1]


def test_repeats_and_gold_are_compared_with_what_they_should_be() -> None:
    answer_key = {"answers": GOOD, "value": "yes", "why": ""}
    first = [item_label(n) for n in range(10)]
    repeats = [item_label(n, "repeat", label_id=100 + n, value="no") for n in range(1, 6)]
    gold = [item_label(50 + n, "gold", answer_key=answer_key, answers=BAD) for n in range(5)]
    attention = attention_report([*first, *repeats, *gold], rejected_submissions=0, words=WORDS)
    assert attention.repeated.value == pytest.approx(1 / 5) and attention.gold.value == 0.0
    assert "0 of 5 gold items right" in attention.warnings
    assert "1 of 5 repeats answered the same" in attention.warnings


def test_the_lead_sees_everybody_s_attention(store: Store) -> None:
    team = sampled(store, each=2, repeats=0.5, gold=0.25, min_seconds=1)
    lead = accounts.add(store, "Lea", "lead").annotator
    presented = labels.next_item(store, team[1])
    assert presented is not None
    for _ in range(5):
        with pytest.raises(TooSoon):
            labels.save(store, team[1], presented.token, GOOD)
    ann, ben, _ = report.annotator_progress(store, lead)
    assert ann.done == 0 and ann.idle_days is None and ann.total > 20
    assert ben.attention.warnings == ("tried 5 times to save before the minimum time was over",)


def test_repeats_measure_an_annotator_against_themselves(store: Store) -> None:
    team = sampled(store, each=3, repeats=0.5)
    lead = accounts.add(store, "Lea", "lead").annotator
    label_all(store, team[0], lambda level: BAD if level == "O+" else GOOD)
    attention = report.annotator_progress(store, lead)[0].attention
    assert attention.repeated.value == 1.0 and attention.labels > 35
