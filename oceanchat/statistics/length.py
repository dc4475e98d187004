"""How well answer lengths tell levels apart.

Length is not a trait: where the answers of one level are simply longer, a model, a judge or a classifier can
be right about the level without knowing anything of the trait. For each trait this is the probability that
a dialogue of the high level is longer than one of the low level. Records in, figures out.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from oceanchat.counting import counted
from oceanchat.records import Dialogue
from oceanchat.statistics.auc import Clustered, clustered_auc
from oceanchat.statistics.figure import COEFFICIENT, SHARE, Figure
from oceanchat.statistics.intervals import wilson
from oceanchat.traits import TRAITS, Level, Trait

ANSWER_LENGTH, NEAR_DUPLICATE = "answer-length", "near-duplicate"
"""The gate of dialogues whose answers miss the length asked for, and the only one after it."""
TOLERANCE, TOLERATED_WORDS = 1 / 3, 4
"""How far the mean words of an answer may lie from those asked for: a third of them, and always so many."""
HEEDED = 0.5
"""A writer that keeps to the lengths asked for less often than this does not heed them."""
CONCERN_BELOW, CONCERN_ABOVE = 0.25, 0.75
"""Beyond these, length gives the level away."""


class AnswerLengths(NamedTuple):
    """How long the answers of one dialogue are."""

    trait: Trait
    level: Level
    cluster: str
    """The author or, where the author is not known, the dialogue."""
    words: float
    """Mean words of an answer."""
    exchanges: int
    """Answers in the dialogue."""


class AskedLength(NamedTuple):
    """How long answers were asked to be, and how many dialogues were as long."""

    ranges: Mapping[str, str]
    """The words asked for of an answer, such as '8-40', by the letter of the trait."""
    written: int
    """Dialogues that came as far as that gate."""
    missed: int
    """Those it rejected."""

    @property
    def compliance(self) -> Figure:
        """Share of those dialogues that kept to the length asked for, with Wilson's 95 % interval."""
        return wilson(self.written - self.missed, self.written)


class LengthFigures(NamedTuple):
    """P(high longer than low) of every trait with dialogues of both levels, by its letter."""

    words: Mapping[str, Figure]
    """By mean words of an answer."""
    exchanges: Mapping[str, Figure]
    """By the number of exchanges."""
    dialogues: Mapping[str, tuple[int, int]] = MappingProxyType({})
    """Dialogues of the high and of the low level; empty where only the figures are known."""


def mean_words(answers: Sequence[str]) -> float:
    """Mean words of an answer; 0 without answers."""
    return sum(len(answer.split()) for answer in answers) / len(answers) if answers else 0.0


def misses_length(answers: Sequence[str], asked: Sequence[int]) -> bool:
    """Whether the answers are, in the mean, far from the words asked for of each."""
    wanted = sum(asked) / len(asked)
    return abs(mean_words(answers) - wanted) > max(TOLERANCE * wanted, TOLERATED_WORDS)


def answer_lengths(dialogue: Dialogue) -> AnswerLengths:
    """The lengths of a dialogue's answers."""
    answers = [turn.text for turn in dialogue.turns if turn.role == "discloser"]
    cluster = dialogue.author or f"dialogue {dialogue.id}"
    return AnswerLengths(dialogue.trait, dialogue.level, cluster, mean_words(answers), len(answers))


def length_figures(lengths: Iterable[AnswerLengths]) -> LengthFigures:
    """How well words an answer and exchanges tell the two levels of each trait apart, authors drawn whole."""
    by_level: dict[tuple[Trait, Level], list[AnswerLengths]] = {}
    for one in lengths:
        by_level.setdefault((one.trait, one.level), []).append(one)
    words, exchanges, dialogues = {}, {}, {}
    for trait in TRAITS:
        high, low = by_level.get((trait, Level.HIGH), []), by_level.get((trait, Level.LOW), [])
        if high and low:
            words[trait.value] = clustered_auc(_words(high), _words(low))
            exchanges[trait.value] = clustered_auc(_exchanges(high), _exchanges(low))
            dialogues[trait.value] = len(high), len(low)
    return LengthFigures(words, exchanges, dialogues)


def _words(lengths: Sequence[AnswerLengths]) -> list[Clustered]:
    return [Clustered(one.words, one.cluster) for one in lengths]


def _exchanges(lengths: Sequence[AnswerLengths]) -> list[Clustered]:
    return [Clustered(one.exchanges, one.cluster) for one in lengths]


def length_concerns(figures: LengthFigures) -> list[str]:
    """What length gives away, a sentence for each measure, and what follows.

    Where the dialogues are too few to tell, that is said in its place.
    """
    shown, unclear = [], []
    for what, by_trait in (("words an answer", figures.words), ("exchanges", figures.exchanges)):
        named: dict[bool, list[str]] = {True: [], False: []}
        for trait, figure in by_trait.items():
            if is_concern(figure):
                named[_leaves_half_out(figure)].append(_named(trait, figure, figures))
        tells = f"the number of {what} alone tells high from low for"
        shown += [f"{tells.capitalize()} {', '.join(named[True])}."] if named[True] else []
        few = f"Too few dialogues to say whether {tells}"
        unclear += [f"{few} {', '.join(named[False])}."] if named[False] else []
    if not shown:
        return unclear
    return [
        *shown,
        *unclear,
        "What is trained on these dialogues can learn length instead of the trait, and a judge can be right"
        " by counting words; compare levels at equal length.",
    ]


def asked_length(ranges: Mapping[str, str], dialogues: Iterable[Mapping[str, int]]) -> AskedLength | None:
    """How far a writer kept to `ranges`, from how many `dialogues` of each trait-level are in which state;
    None where nothing was asked for."""
    mine, later = f"gate:{ANSWER_LENGTH}", f"gate:{NEAR_DUPLICATE}"
    written = missed = 0
    for states in dialogues:
        missed += states.get(mine, 0)
        written += sum(
            n for state, n in states.items() if not state.startswith("gate:") or state in (mine, later)
        )
    return AskedLength(ranges, written, missed) if ranges else None


def asked_sentences(asked: AskedLength) -> list[str]:
    """What was asked for, whether the writer kept to it, and whose trait talkativeness is."""
    traits: dict[str, list[str]] = {}
    for trait, words in asked.ranges.items():
        traits.setdefault(words, []).append(trait)
    ranges = " and ".join(f"{words} words an answer for {', '.join(of)}" for words, of in traits.items())
    sentences = [
        f"The writer was asked for {ranges}, in equal measure for both levels; of"
        f" {counted(asked.written, 'dialogue')}"
        f" {asked.missed:,} missed that by more than a third and were rejected (gate:{ANSWER_LENGTH})."
    ]
    heeding = asked.compliance
    if heeding.value is not None and heeding.value < HEEDED:
        sentences.append(
            f"It does not heed the lengths it is asked for: {heeding.text(SHARE)} of its dialogues keep to"
            " them, and those that do are the ones that had that length anyway."
        )
    if Trait.E.value in asked.ranges:
        sentences.append(
            "Talkativeness belongs to Extraversion, and equal lengths leave it out; that trait can have a"
            " range of its own (--answer-words E=10-60) or none (E=free)."
        )
    return sentences


def is_concern(figure: Figure) -> bool:
    """Whether length gives the level away, if the figure is right."""
    return figure.value is not None and not CONCERN_BELOW <= figure.value <= CONCERN_ABOVE


def _leaves_half_out(figure: Figure) -> bool:
    """Whether the interval, if there is one, holds no 0.5, which would mean that length says nothing."""
    return figure.low is None or figure.high is None or not figure.low <= 0.5 <= figure.high


def _named(trait: str, figure: Figure, figures: LengthFigures) -> str:
    """A trait with how often high is longer, its interval, and of how many dialogues."""
    value, interval = figure.cells(COEFFICIENT)
    counts = figures.dialogues.get(trait)
    parts = [f"{value}, {interval}" if interval else value]
    parts += [f"{counts[0]:,} high and {counts[1]:,} low dialogues"] if counts else []
    return f"{Trait(trait).label} ({'; '.join(parts)})"
