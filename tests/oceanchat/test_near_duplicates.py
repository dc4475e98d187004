"""Exact Jaccard similarity through an inverted index."""

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.near_duplicates import NearDuplicates, shingles

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=25).map(" ".join)


def jaccard(one: str, other: str) -> float:
    """By the definition."""
    left, right = shingles(one), shingles(other)
    return len(left & right) / len(left | right) if left | right else 0.0


@given(st.lists(WORDS, max_size=8), WORDS)
def test_the_closest_is_the_one_the_definition_gives(seen: list[str], text: str) -> None:
    index = NearDuplicates()
    for number, one in enumerate(seen):
        index.add(str(number), one)
    found = index.closest(text)
    best = max((jaccard(one, text) for one in seen), default=0.0)
    assert (found.jaccard if found else 0.0) == best
    if found is not None:
        assert jaccard(seen[int(found.key)], text) == best


def test_case_and_punctuation_do_not_hide_a_copy() -> None:
    index = NearDuplicates()
    index.add("first", "Well, I went to the market on Sunday!")
    found = index.closest("well I went to the market, on sunday")
    assert found is not None and found == ("first", 1.0)
