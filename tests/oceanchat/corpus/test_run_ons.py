"""Essays without a full stop become thoughts of a readable length."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.corpus.run_ons import LONG, RUN_ON, cut

THOUGHTS = (
    "my roommate left the window open again so the whole room is freezing",
    "i wonder if the bakery on the corner is still open this late",
    "and i should really call my sister before she thinks i forgot her",
    "but it is hard to find the time when every class wants an essay",
)


def pieces(text: str) -> list[str]:
    starts = [0, *cut(text, 0, len(text)), len(text)]
    return [text[start:end].strip() for start, end in pairwise(starts)]


def test_a_sentence_of_ordinary_length_is_never_cut() -> None:
    assert cut("and i " * (RUN_ON // 2), 0, RUN_ON * 3) == []


def test_a_run_on_is_cut_where_thoughts_begin() -> None:
    cuts = pieces(" ".join(THOUGHTS * 4))
    assert len(cuts) >= 8
    assert all(
        piece.startswith(("my roommate left", "i wonder", "and i should", "but it is")) for piece in cuts
    )


def test_marks_come_before_words() -> None:
    text = "  ".join(["the bus was late and i was cold but i waited for it anyway"] * 6)
    assert pieces(text) == ["the bus was late and i was cold but i waited for it anyway"] * 6


def test_a_subordinate_clause_keeps_its_verb() -> None:
    text = " ".join(["everything that i know about the people whom i love is what they told me"] * 6)
    assert not any(piece.startswith("i ") for piece in pieces(text))


@given(
    st.lists(
        st.sampled_from(["i", "and", "so", "it", "cake,", "sleep", "...", "-", "because", "\n"]), max_size=300
    )
)
def test_cuts_are_in_order_inside_the_text_and_lose_nothing(words: list[str]) -> None:
    text = " ".join(words)
    starts = cut(text, 0, len(text))
    assert starts == sorted(set(starts))
    assert all(0 < start < len(text) for start in starts)
    assert " ".join(pieces(text)).split() == text.split()


def test_long_pieces_are_cut_again() -> None:
    text = " ".join(THOUGHTS * 30)
    assert max(len(piece.split()) for piece in pieces(text)) <= LONG
