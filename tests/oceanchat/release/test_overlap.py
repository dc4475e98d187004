"""Near-duplicate pairs are exactly those a plain comparison of all pairs finds."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.near_duplicates import shingles
from oceanchat.release.overlap import near_pairs, repeats

WORDS = st.lists(st.sampled_from("abcde"), min_size=0, max_size=14).map(" ".join)


@given(st.lists(WORDS, max_size=9), st.sampled_from([0.2, 0.5, 0.8, 1.0]))
def test_all_pairs_above_the_threshold_are_found_and_no_other(texts: list[str], threshold: float) -> None:
    found = {(pair.first, pair.second) for pair in near_pairs(texts, threshold, n=2)}
    sets = [shingles(text, 2) for text in texts]
    expected = {
        (one, other)
        for one, other in combinations(range(len(texts)), 2)
        if sets[one]
        and sets[other]
        and len(sets[one] & sets[other]) >= threshold * len(sets[one] | sets[other])
    }
    assert found == expected


def test_the_similarity_is_that_of_the_sets() -> None:
    (pair,) = near_pairs(["a b c d e f", "a b c d e f g", "x y z u v w"], 0.5)
    assert (pair.first, pair.second, pair.jaccard) == (0, 1, 2 / 3)


def test_repeats_wants_the_words_in_a_row() -> None:
    source = "the cat sat on the mat today"
    assert repeats("I think the cat sat on the floor", source, 5)
    assert not repeats("the cat on sat the mat", source, 5)
    assert not repeats("the cat", source, 5)
