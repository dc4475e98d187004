"""Figures of a session, and what is noted beside them."""

from decimal import Decimal

from oceanchat.llm.usage import Usage


def test_a_cost_that_is_partly_unknown_says_so() -> None:
    assert Usage(unpriced=3).cost == "unknown"
    assert Usage(unpriced=3, usd=Decimal("1.5")).cost == "$1.5000 + unknown"
    assert Usage().cost == "$0.0000"


def test_the_rate_counts_recent_answers_only() -> None:
    usage = Usage()
    assert usage.rate == 0
    usage.started -= 100
    for _ in range(60):
        usage.record_answer()
    assert 1.9 <= usage.rate <= 2.1  # sixty within the last half minute
    usage._recent.clear()
    assert (usage.rate, 0.5 <= usage.pace <= 0.6) == (0, True)  # nothing lately: sixty in 100 seconds


def test_the_pace_of_a_session_leaves_out_what_came_before_its_answers() -> None:
    usage = Usage()
    usage.started -= 100
    usage.record_answer()
    assert usage.calls_a_second is None
    assert usage._span is not None
    usage._span = (usage._span[0] - 10, usage._span[1])
    for _ in range(20):
        usage.record_answer()
    assert usage.calls_a_second is not None and 1.9 <= usage.calls_a_second <= 2.1


def test_the_rate_falls_when_no_answer_comes_any_more() -> None:
    usage = Usage()
    usage.started -= 100
    usage.record_answer()
    usage._recent[0] -= 31
    assert usage.rate == 0


def test_a_note_is_shown_once() -> None:
    shown: list[str] = []
    usage = Usage(on_note=shown.append)
    usage.note("a")
    usage.note("a")
    usage.tell("b")
    assert (shown, usage.notes) == (["a", "b"], ["a"])
