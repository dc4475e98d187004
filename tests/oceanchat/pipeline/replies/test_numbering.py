import pytest

from oceanchat.pipeline.replies.numbering import fits


@pytest.mark.parametrize(
    ("numbers", "count", "fitting"),
    [
        ([1, 2, 3], 3, True),
        ([3, 1, 2, 2], 3, True),
        ([1, 3], 3, True),
        ([1, 2], 3, False),
        ([1, 2, 3, 4], 3, False),
        ([0, 1, 2], 3, False),
        ([0, 1, 2, 3], 3, False),
        ([], 3, False),
    ],
)
def test_answers_fit_where_the_last_is_there_and_nothing_beyond(
    numbers: list[int], count: int, fitting: bool
) -> None:
    assert fits(numbers, count) is fitting
