"""Damage is repaired, and every repaired character knows where it came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.corpus.cleaning import clean, readable

PIECES = st.sampled_from(
    [
        "&quot;",
        "&amp;amp;",
        "&#39;",
        "&#0;",
        "&#xD800;",
        "&nope;",
        "\x05",
        "\x92",
        "\u200b",
        "\ud800",
        "â€™",
        "donÕt",
    ]
)
DAMAGED = st.lists(st.one_of(PIECES, st.text(max_size=8))).map("".join)


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("he said &quot;hi&quot; &amp; left", 'he said "hi" & left'),
        ("twice &amp;amp;lt;3 escaped", "twice <3 escaped"),
        ("itâ€™s a cafÃ©", "it\u2019s a café"),
        ("IÕm late Ð again", "I\u2019m late \u2013 again"),
        ("don\ufffdt I\x92m", "don\u2019t I\u2019m"),
        ("eat\x05an apple", "eat an apple"),
        ("zero\u200bwidth", "zerowidth"),
        ("AT&T; R&D &nope; fish & chips", "AT&T; R&D &nope; fish & chips"),
        ("two\n lines  and\ttabs", "two lines and tabs"),
    ],
)
def test_damage_is_repaired(damaged: str, repaired: str) -> None:
    assert readable(damaged) == repaired


def test_sound_text_is_left_alone() -> None:
    assert clean("A naïve façade, \u201cquoted\u201d.").text == "A naïve façade, \u201cquoted\u201d."


@given(DAMAGED)
def test_each_clean_character_has_its_place_in_order(text: str) -> None:
    cleaned = clean(text)
    places = [cleaned.given_span(at, at + 1) for at in range(len(cleaned.text))]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
    for char, (start, end) in zip(cleaned.text, places, strict=True):
        sound = end - start == 1 and " " <= text[start] <= "~"
        assert text[start] == char or not sound


@given(DAMAGED)
def test_the_result_holds_nothing_that_cannot_be_stored(text: str) -> None:
    assert not any(char < " " and char not in "\t\n\r" for char in clean(text).text)
    readable(text).encode("utf-8")
