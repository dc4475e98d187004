"""The indexes give exactly what a plain comparison of all texts gives."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import TemporaryFilesError
from oceanchat.near_duplicates import NearDuplicates, repeats, shingles

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=25).map(" ".join)


def jaccard(text: str, other: str) -> float:
    """By the definition."""
    left, right = shingles(text), shingles(other)
    return len(left & right) / len(left | right) if left | right else 0.0


@given(st.lists(WORDS, max_size=8), WORDS)
def test_the_closest_is_the_one_the_definition_gives(texts: list[str], text: str) -> None:
    index = NearDuplicates()
    for number, earlier in enumerate(texts):
        index.add(str(number), earlier)
    closest = index.closest(text)
    best = max((jaccard(earlier, text) for earlier in texts), default=0.0)
    assert (closest.jaccard if closest else 0.0) == best
    if closest is not None:
        assert jaccard(texts[int(closest.key)], text) == best


def test_texts_lie_in_temporary_files_and_not_in_memory() -> None:
    index = NearDuplicates()
    texts = [" ".join(f"w{number}x{word}" for word in range(200)) for number in range(300)]
    tracemalloc.start()
    for number, text in enumerate(texts):
        index.add(str(number), text)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < sum(map(len, texts)) / 2
    assert [index.closest(text) for text in (texts[7], texts[0])] == [("7", 1.0), ("0", 1.0)]


def test_a_full_folder_for_temporary_files_is_said_in_one_line() -> None:
    index = NearDuplicates()
    index._grams.execute("pragma max_page_count = 2")
    with pytest.raises(TemporaryFilesError, match=r"cannot be used: .* is full; make room"):
        index.add("long", " ".join(map(str, range(2000))))


def test_case_and_punctuation_do_not_hide_a_copy() -> None:
    index = NearDuplicates()
    index.add("first", "Well, I went to the market on Sunday!")
    closest = index.closest("well I went to the market, on sunday")
    assert closest is not None and closest == ("first", 1.0)


def test_repeats_wants_the_words_in_a_row() -> None:
    source = "the cat sat on the mat today"
    assert repeats("I think the cat sat on the floor", source, 5)
    assert not repeats("the cat on sat the mat", source, 5)
    assert not repeats("the cat", source, 5)
