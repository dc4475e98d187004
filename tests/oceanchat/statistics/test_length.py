"""Whether length gives a level away, by trait, and how that is said."""

from oceanchat.records import Turn
from oceanchat.statistics.length import AnswerLengths, answer_lengths, length_concerns, length_figures
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
    assert "words an answer alone tells high from low for Extraversion (1.000)" in concerns[0]
    assert "exchanges alone tells high from low for Openness (0.000)" in concerns[1]
    assert len(concerns) == 3


def test_nothing_is_said_within_a_quarter_and_three_quarters() -> None:
    edges = length_figures([*lengths(Trait.A, Level.HIGH, [5, 7]), *lengths(Trait.A, Level.LOW, [6, 4])])
    assert edges.words["A"].value == 0.75 and length_concerns(edges) == []
