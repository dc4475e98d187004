"""The progress line's figures."""

from decimal import Decimal

from oceanchat.llm.usage import Usage


def test_the_line_tells_done_failed_in_flight_rate_cost_and_remaining() -> None:
    usage = Usage(answered=1200, replayed=34, failed=2, in_flight=7, usd=Decimal("0.125"))
    line = usage.line(remaining=4321)
    assert line.startswith("1,234 done, 2 failed, 7 in flight, ")
    assert line.endswith("/s, cost $0.1250, 4,321 remaining")
    assert "remaining" not in usage.line()


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
