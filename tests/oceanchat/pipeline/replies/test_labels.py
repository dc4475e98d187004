"""Labels are read forgivingly and never guessed, whatever the reply looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import UnreadableReply
from oceanchat.facets import FACETS, facet_named
from oceanchat.pipeline.replies.labels import FacetLabel, parse_label, parse_labels, read_label
from oceanchat.traits import Level, Trait


def labeled(name: str, level: str, strength: int, reason: str = "because") -> FacetLabel:
    facet = facet_named(name)
    assert facet is not None
    return FacetLabel(facet, Level(level), strength, reason)


@pytest.mark.parametrize(
    "reply",
    [
        "Reason: because\nLabel: fantasy-high\nStrength: 4",
        "Strength: 4\nLABEL: FANTASY-HIGH\nReason: because",
        "**Reason:** because\n**Label:** `fantasy-high`\n**Strength:** 4/5",
        'reason: because\noutput: "Fantasy - High"\nstrength: 4 (clear)',
        "Reason: because\nLabel: high fantasy\nStrength: 4",
        "Reason: because\nLabel: fantasy-high, ideas-high\nStrength: 4",
        "Reason: because\nLabel: fantasy (high)\nStrength: 4.",
        "- Reason: because\n- Label: fantasy_high\n- Strength: 4",
        "Reason: because\nLabel: fantasy\u2011high\nStrength\uff1a4",
        "Reason: because\nLabel: fantasy-high (4)",
        "Reason: because\nLabel: fantasy-high, strength 4",
        "Reason: because\nLabel: ID fantasy-high\nStrength: 4.5",
        "Reason: because\nLabel: fantasy (level: high)\nStrength: 8/10",
        "Reason: because\n\n### Label\nfantasy-high\n\n### Strength\n4 out of 5",
        "Reason: because\n| Label: fantasy-high | Strength: 4",
        "<think>Label: ideas-low</think>\nReason: because\nLabel: fantasy-high\nStrength: strong",
        '{"reason": "because", "label": "fantasy-high", "strength": 4}',
        '```json\n{"reason": "because", "facet": "fantasy", "level": "high", "strength": 4}\n```',
        "<reason>because</reason>\n<label>fantasy-high</label>\n<strength>4</strength>",
    ],
)
def test_a_label_is_read_whatever_its_dress(reply: str) -> None:
    assert parse_label(reply, Trait.O) == labeled("fantasy", "high", 4)


@pytest.mark.parametrize(
    "reply",
    [
        "Label: neutral",
        "Reason: an advert\nLabel: **Neutral**",
        '"neutral"',
        "Label: neutral (no bearing on openness)",
        "The sentence is neutral because it states no feeling.",
        "Label: none",
        "Label: N/A",
        "Label: neutral - not about the writer",
    ],
)
def test_neutral_is_a_label(reply: str) -> None:
    label = parse_label(reply, Trait.O)
    assert label is not None and label.facet is None and label.strength == 0


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I think this is quite open.",
        "Label: fantasy-high",  # no strength
        "Label: fantasy-high\nStrength: 9",
        "Label: fantasy\nStrength: 3",  # no level
        "Label: anxiety-high\nStrength: 3",  # a facet of another trait
        "Label: fantasy-high, ideas-low\nStrength: 3",  # both levels
        "Label: neutral or fantasy-high\nStrength: 2",
        "Label: sparkle-high\nStrength: 3",
        "Label: not fantasy-high\nStrength: 3",
        "Label: fantasy-high\nLabel: fantasy-low\nStrength: 3",
        "Label: fantasy-high\nStrength: -3",
        "Label: neutral? fantasy?",
        "Label: fantasy-high\nStrength: 3-4",
    ],
)
def test_an_unclear_label_is_never_guessed(reply: str) -> None:
    assert parse_label(reply, Trait.O) is None


@given(st.text(), st.sampled_from(list(Trait)))
def test_any_text_is_a_label_or_none(reply: str, trait: Trait) -> None:
    label = parse_label(reply, trait)
    assert label is None or label.facet is None or label.facet.trait is trait


@given(st.sampled_from(FACETS[Trait.N]), st.sampled_from(list(Level)), st.integers(1, 5))
def test_every_label_in_the_asked_for_form_is_read_back(facet: object, level: Level, strength: int) -> None:
    reply = f"Reason: r\nLabel: {facet.id}-{level.value}\nStrength: {strength}"  # type: ignore[attr-defined]
    assert parse_label(reply, Trait.N) == FacetLabel(facet, level, strength, "r")  # type: ignore[arg-type]


@given(st.text(), st.integers(1, 20))
def test_any_text_gives_one_label_or_none_for_each_sentence(reply: str, count: int) -> None:
    assert len(parse_labels(reply, Trait.O, count)) == count


def test_numbered_labels_go_to_their_sentences() -> None:
    reply = "2. neutral | a fact\n1. fantasy-high 4 | dreams\n4) ideas-low 2 | bored\n\n2024. A note."
    first, second, third, fourth = parse_labels(reply, Trait.O, 4)
    assert first == labeled("fantasy", "high", 4, "dreams")
    assert second is not None and second.facet is None
    assert third is None
    assert fourth == labeled("ideas", "low", 2, "bored")


@pytest.mark.parametrize(
    "numbers", [(1, 2), (0, 1, 2), (1, 2, 3, 4)], ids=["one left out", "from 0", "one too many"]
)
def test_no_label_is_taken_for_another_sentences_where_the_numbers_do_not_fit(
    numbers: tuple[int, ...],
) -> None:
    reply = "\n".join(f"{number}. fantasy-high 4 | dreams" for number in numbers)
    assert parse_labels(reply, Trait.O, 3) == [None] * 3


def test_a_number_given_twice_is_unclear() -> None:
    assert parse_labels("1. fantasy-high 4 | a\n1. fantasy-low 4 | b", Trait.O, 1) == [None]


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("", "no line that begins with 'Label:'"),
        ("Label: Openness-high\nStrength: 3", "'Openness-high' is no label"),
        ("Label: anxiety-high\nStrength: 3", "'anxiety' is no facet of the list"),
        ("Label: fantasy-high", "no strength"),
        ("Label: fantasy-high\nStrength: 9", "'9' is none of"),
        ("Label: fantasy-high, ideas-low\nStrength: 3", "more than one label"),
    ],
)
def test_what_is_wrong_with_a_label_is_said(reply: str, problem: str) -> None:
    with pytest.raises(UnreadableReply, match=problem):
        read_label(reply, Trait.O)


@pytest.mark.parametrize(
    "reply",
    [
        "1. fantasy-high 4 | dreams\n2. neutral | a fact\n3. ideas-low 2 | bored",
        "Sure!\n\n1) fantasy-high 4/5 | dreams\n2) neutral | a fact\n3) ideas-low (2) | bored\n\nMore?",
        "**1.** **fantasy-high** 4 | dreams\n**2.** neutral | a fact\n**3.** Ideas-Low, strength 2 | bored",
        "| No | Label | Reason |\n|---|---|---|\n| 1. | fantasy-high 4 | dreams |\n| 2. | neutral | a fact |"
        "\n"
        "| 3. | ideas-low 2 | bored |",
        "| 1 | fantasy-high | 4 | dreams |\n| 2 | neutral | 0 | a fact |\n| 3 | ideas-low | 2 | bored |",
        "1. fantasy-high 4 - dreams\n2. neutral - a fact\n3. ideas-low - 2 - bored",
        "1. ID fantasy-high 4: dreams\n2. none; a fact\n3. ideas\u2011low 2 \u2013 bored",
        "1. The sentence dreams, so fantasy is high.\n2. A fact.\n3. Bored, which points to low ideas.\n\n"
        "Labels:\n"
        "1. fantasy-high 4 | dreams\n2. neutral | a fact\n3. ideas-low 2 | bored",
    ],
)
def test_many_labels_are_read_whatever_their_dress(reply: str) -> None:
    first, second, third = parse_labels(reply, Trait.O, 3)
    assert first == labeled("fantasy", "high", 4, "dreams")
    assert second == FacetLabel(None, None, 0, "a fact")
    assert third == labeled("ideas", "low", 2, "bored")
