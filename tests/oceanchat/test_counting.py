"""One is singular, all else plural."""

import pytest

from oceanchat.counting import counted


@pytest.mark.parametrize(
    ("count", "noun", "plural", "text"),
    [
        (0, "row", "", "0 rows"),
        (1, "row", "", "1 row"),
        (1200, "dialogue", "", "1,200 dialogues"),
        (2, "batch", "batches", "2 batches"),
    ],
)
def test_a_count_and_its_noun_agree(count: int, noun: str, plural: str, text: str) -> None:
    assert counted(count, noun, plural) == text
