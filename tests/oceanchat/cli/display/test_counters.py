"""The counters of a build: whole lines, true figures, and a time that follows from the pace."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.cli.display.counters import BuildCounters, dollars, duration, spent, wrapped
from oceanchat.llm.usage import RATE_WINDOW, Usage
from oceanchat.progress import Stage


def counters(usage: Usage, wanted: int = 1000) -> BuildCounters:
    shown = BuildCounters()
    shown.usage, shown.wanted = usage, wanted
    return shown


def test_the_first_line_says_how_far_how_long_and_how_dear() -> None:
    usage = Usage(started=time.monotonic() - 100, usd=Decimal("0.4123"), cap=Decimal("20.0"))
    shown = counters(usage)
    for _ in range(412):
        usage.record_answer()
        shown.passed(1)
    left = 588 / (412 / RATE_WINDOW)
    assert shown.lines(79)[0] == f"412 of 1,000 passed, about {duration(left)} left, $0.41 of $20"


def test_what_an_earlier_run_paid_does_not_make_this_one_look_fast() -> None:
    usage = Usage(started=time.monotonic() - RATE_WINDOW)
    shown = counters(usage)
    shown.passed(900)
    assert "left" not in shown.lines(79)[0]
    for _ in range(10):
        for _ in range(3):
            usage.record_answer()
        shown.passed(1)
    assert "910 of 1,000 passed, about 1 h 30 min left" not in shown.lines(79)[0]
    assert shown.headline()[1] == f"about {duration(90 * 3 / (30 / RATE_WINDOW))} left"


def test_before_anything_has_passed_it_is_said_how_long_it_takes_at_least() -> None:
    usage = Usage()
    shown = counters(usage)
    shown.expect(Stage.LABEL, 100)
    shown._begun[Stage.LABEL] -= 20
    shown.done[Stage.LABEL] = 20
    assert "left" not in shown.lines(79)[0], "only the store has answered"
    usage.record_answer()
    assert shown.headline()[1] == "at least 1 min 20 s left".replace("1 min 20 s", duration(80.1))


def test_replies_that_cannot_be_used_count_as_failed() -> None:
    shown = counters(Usage(in_flight=4, failed=2, unusable=12, replayed=7))
    assert shown.lines(79)[1] == (
        "4 in flight, 0 answered (0.0/s), 7 replayed, 14 failed (12 unusable replies)"
    )
    assert "1 failed (1 unusable reply)" in counters(Usage(unusable=1)).lines(79)[1]


def test_figures_too_long_for_a_line_go_on_in_the_next() -> None:
    usage = Usage(
        in_flight=4096,
        answered=1_234_567,
        replayed=7_654_321,
        failed=12_345,
        unusable=54_321,
        waiting=1_000,
        lost_usd=Decimal("12.5"),
    )
    lines = counters(usage).lines(79)
    assert lines[1:] == [
        "4,096 in flight, 1,234,567 answered (0.0/s), 7,654,321 replayed",
        "66,666 failed (54,321 unusable replies), 1,000 from another run",
        "up to $12.50 more possibly paid",
    ]


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30)), st.integers(30, 200))
def test_no_part_is_broken_and_no_line_too_long(parts: list[str], width: int) -> None:
    lines = wrapped(parts, width)
    assert ", ".join(lines) == ", ".join(parts)
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("usage", "text"),
    [
        (Usage(), "$0"),
        (Usage(usd=Decimal("0.0034")), "$0.0034"),
        (Usage(usd=Decimal("3.456"), cap=Decimal("7.5")), "$3.46 of $7.50"),
        (Usage(unpriced=3), "cost unknown"),
        (Usage(unpriced=3, usd=Decimal("1.5")), "$1.50 and more at an unknown price"),
    ],
)
def test_money_is_what_is_known(usage: Usage, text: str) -> None:
    assert spent(usage) == text


def test_amounts_and_times_are_short() -> None:
    assert [dollars(Decimal(amount)) for amount in ("1234", "0.1", "0.05")] == ["$1,234", "$0.10", "$0.0500"]
    seconds = (0.2, 41, 55, 57, 170, 3599, 7500, 7200, 300_000)
    assert [duration(each) for each in seconds] == [
        "5 s", "45 s", "55 s", "1 min", "3 min", "1 h", "2 h 5 min", "2 h", "3 days",
    ]  # fmt: skip
