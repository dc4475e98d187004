"""Whether length gives a level away, by trait, and how that is said."""

from oceanchat.records import Turn
from oceanchat.statistics.length import (
    AnswerLengths,
    LengthFigures,
    answer_lengths,
    asked_length,
    asked_sentences,
    length_concerns,
    length_figures,
)
from oceanchat.traits import Level, Trait
from tests.oceanchat.release.factories import make_dialogue


def lengths(trait: Trait, level: Level, words: list[float], exchanges: int = 4) -> list[AnswerLengths]:
    return [AnswerLengths(trait, level, f"{trait} {level} {n}", w, exchanges) for n, w in enumerate(words)]


def test_only_answers_count() -> None:
    turns = (
        Turn(role="questioner", text="Would you say that it was a long and weary day?"),
        Turn(role="discloser", text="Not so long."),
        Turn(role="questioner", text="And then?"),
        Turn(role="discloser", text="I slept for ten hours."),
    )
    counted = answer_lengths(make_dialogue(1, "N-").model_copy(update={"turns": turns}))
    assert (counted.words, counted.exchanges, counted.cluster) == (4.0, 2, "author-1")


def test_unknown_authors_are_not_taken_for_one_author() -> None:
    first, second = (answer_lengths(make_dialogue(n, "N-", author="")) for n in (1, 2))
    assert first.cluster != second.cluster


def test_each_trait_with_both_levels_has_its_figures() -> None:
    figures = length_figures(
        [
            *lengths(Trait.E, Level.HIGH, [30, 40, 50]),
            *lengths(Trait.E, Level.LOW, [10, 12, 14]),
            *lengths(Trait.O, Level.HIGH, [10, 20], exchanges=3),
            *lengths(Trait.O, Level.LOW, [10, 20], exchanges=5),
            *lengths(Trait.N, Level.LOW, [10]),
        ]
    )
    assert {trait: figure.value for trait, figure in figures.words.items()} == {"O": 0.5, "E": 1.0}
    assert {trait: figure.value for trait, figure in figures.exchanges.items()} == {"O": 0.0, "E": 0.5}
    concerns = length_concerns(figures)
    telling = "words an answer alone tells high from low for Extraversion (1.000, 0.5"
    assert telling in concerns[0] and "; 3 high and 3 low dialogues)" in concerns[0]
    # Of two and two dialogues the interval holds 0.5: nothing is shown yet.
    too_few = "Too few dialogues to say whether the number of exchanges alone tells high from low for"
    assert concerns[1].startswith(f"{too_few} Openness (0.000, 0.000 to 0.6")
    assert len(concerns) == 3 and length_concerns(LengthFigures({}, figures.exchanges)) == [
        f"{too_few} Openness (0.000, {figures.exchanges['O'].cells()[1]})."
    ]


def test_nothing_is_said_within_a_quarter_and_three_quarters() -> None:
    edges = length_figures([*lengths(Trait.A, Level.HIGH, [5, 7]), *lengths(Trait.A, Level.LOW, [6, 4])])
    assert edges.words["A"].value == 0.75 and length_concerns(edges) == []


def test_a_writer_that_does_not_heed_the_length_is_named() -> None:
    states = {"passed": 20, "gate:answer-length": 100, "gate:near-duplicate": 2, "gate:named": 9}
    ignoring = asked_length({"O": "8-40", "C": "8-40"}, [states, {"passed": 3}])
    assert ignoring == ({"O": "8-40", "C": "8-40"}, 125, 100)
    first, concern = asked_sentences(ignoring)
    assert "asked for 8-40 words an answer for O, C," in first and "of 125 dialogues 100 missed" in first
    assert concern.startswith("It does not heed the lengths it is asked for: 20.0%")
    heeding = asked_length({"O": "8-40", "E": "10-60"}, [{"passed": 20, "off-trait": 9}])
    assert heeding is not None and heeding.missed == 0
    first, about_extraversion = asked_sentences(heeding)
    assert "8-40 words an answer for O and 10-60 words an answer for E" in first
    assert about_extraversion.startswith("Talkativeness belongs to Extraversion")
    assert asked_length({}, [{"passed": 20}]) is None
