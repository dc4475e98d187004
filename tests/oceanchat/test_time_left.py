"""What is left is guessed from what this process has done."""

import pytest

from oceanchat.time_left import LongJob, TimeLeft, duration


def test_the_rest_takes_as_long_as_what_was_done() -> None:
    moments = iter([100.0, 160.0, 220.0])
    left = TimeLeft(parts=10, done=4, now=lambda: next(moments))
    assert left.after(4) == "" and left.after(10) == ""
    assert left.after(5) == ", about 5 minutes left"  # a minute for the fifth, five to come
    assert left.after(6) == ", about 4 minutes left"


def test_a_long_job_says_so_ever_more_rarely_and_a_short_one_nothing() -> None:
    clock, lines = [0.0], list[str]()
    job = LongJob("writing the page", 100, lines.append, now=lambda: clock[0])
    for second in range(1, 101):
        clock[0] = float(second)
        job.after(second)
    rests = ("2 minutes", "2 minutes", "80 s", "60 s", "20 s")
    assert lines == [f"writing the page, about {rest} left" for rest in rests]
    short = LongJob("writing the page", 100, lines.append, now=lambda: clock[0])
    for part in range(101):
        clock[0] += 0.09
        short.after(part)
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.1, "1 s"), (89, "89 s"), (240, "4 minutes"), (9000, "2.5 hours")]
)
def test_a_duration_is_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
