"""All pairs of near-duplicates, and no other."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.near_duplicates import shingles
from oceanchat.near_pairs import near_pairs

MORE_WORDS = st.lists(st.sampled_from("abcde"), min_size=0, max_size=14).map(" ".join)


@given(st.lists(MORE_WORDS, max_size=9), st.sampled_from([0.2, 0.5, 0.8, 1.0]))
def test_all_pairs_above_the_threshold_are_found_and_no_other(texts: list[str], threshold: float) -> None:
    pairs = {(pair.first, pair.second) for pair in near_pairs(texts, threshold, n=2)}
    sets = [shingles(text, 2) for text in texts]
    expected = {
        (left, right)
        for left, right in combinations(range(len(texts)), 2)
        if sets[left]
        and sets[right]
        and len(sets[left] & sets[right]) >= threshold * len(sets[left] | sets[right])
    }
    assert pairs == expected


def test_the_similarity_is_that_of_the_sets() -> None:
    (pair,) = near_pairs(["a b c d e f", "a b c d e f g", "x y z u v w"], 0.5)
    assert (pair.first, pair.second, pair.jaccard) == (0, 1, 2 / 3)
