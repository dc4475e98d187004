"""What is left is guessed from what this process has done."""

import pytest

from preact.time_left import TimeLeft, duration


def test_the_rest_takes_as_long_as_what_was_done() -> None:
    moments = iter([100.0, 160.0, 220.0])
    left = TimeLeft(parts=10, done=4, now=lambda: next(moments))
    assert left.after(4) == "" and left.after(10) == ""
    assert left.after(5) == ", about 5 minutes left"  # a minute for the fifth, five to come
    assert left.after(6) == ", about 4 minutes left"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.1, "1 s"), (89, "89 s"), (240, "4 minutes"), (9000, "2.5 hours")]
)
def test_a_duration_is_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
