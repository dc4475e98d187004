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
        "<br>",
        "&lt;i&gt;",
        "\x05",
        "\x92",
        "\u200b",
        "\ud800",
        "â€™",
        "donÕt",
        "â€",
        "ÃƒÂ©",
        "\u00f0\u0178\u02dc\u20ac",
    ]
)
DAMAGED = st.lists(st.one_of(PIECES, st.text(max_size=8))).map("".join)


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("he said &quot;hi&quot; &amp; left", 'he said "hi" & left'),
        ("twice &amp;amp;lt;3 escaped", "twice <3 escaped"),
        ("itâ€™s a cafÃ©", "it\u2019s a café"),
        ("caf\u00c3\u0192\u00c2\u00a9 damaged twice", "café damaged twice"),
        ("GroÃŸe StraÃŸe in SÃ£o Paulo", "Große Straße in São Paulo"),
        ("I â™¥ you \u00f0\u0178\u02dc\u20ac", "I \u2665 you \U0001f600"),
        ("invisible \u00e2\u20ac\u2039 mojibake", "invisible mojibake"),
        ("he said â€œhi,â€ and left", "he said \u201chi,\u201d and left"),
        ("IÕm late Ð again", "I\u2019m late \u2013 again"),
        ("don\ufffdt I\x92m", "don\u2019t I\u2019m"),
        ("eat\x05an apple", "eat an apple"),
        ("zero\u200bwidth", "zerowidth"),
        ("AT&T; R&D &nope; fish & chips", "AT&T; R&D &nope; fish & chips"),
        ("two\n lines  and\ttabs", "two lines and tabs"),
        ("one<br/>two &lt;br&gt; <em>three</em> a<3 if a < b > c", "one two three a<3 if a < b > c"),
    ],
)
def test_damage_is_repaired(damaged: str, repaired: str) -> None:
    assert readable(damaged) == repaired


@pytest.mark.parametrize(
    "text",
    ["A naïve façade, \u201cquoted\u201d.", "\u0152uvre, étoile, Noël", "\u20ac5 \u2013 £3", "Привет, мир"],
)
def test_sound_text_is_left_alone(text: str) -> None:
    assert clean(text).text == text


def test_a_repaired_run_maps_to_the_damaged_one() -> None:
    cleaned = clean("a cafÃ© \u00c3\u0192\u00c2\u00a9 b")
    assert cleaned.text == "a café é b"
    assert [cleaned.given_span(at, at + 1) for at in (5, 7, 9)] == [(5, 7), (8, 12), (13, 14)]


@given(DAMAGED)
def test_each_clean_character_has_its_offsets_in_order(text: str) -> None:
    cleaned = clean(text)
    spans = [cleaned.given_span(at, at + 1) for at in range(len(cleaned.text))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    for char, (start, end) in zip(cleaned.text, spans, strict=True):
        sound = end - start == 1 and " " <= text[start] <= "~"
        assert text[start] == char or not sound


@given(DAMAGED)
def test_the_result_holds_nothing_that_cannot_be_stored(text: str) -> None:
    assert not any(char < " " and char not in "\t\n\r" for char in clean(text).text)
    readable(text).encode("utf-8")
