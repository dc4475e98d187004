"""Control answers whose score is known beforehand.

Every judge scores them beside the interview. Clear answers of both levels must be told apart; what says
nothing of anybody's character gives no ground for a score; the same content must score alike when it is said
at greater length; and words without their order are no answer. Nothing here knows of systems.
"""

import math
import random
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from oceanchat.traits import TRAITS, Level, Trait
from preact.evaluation.clear_answers import clear_answers
from preact.evaluation.judge.groups import rate_in_groups
from preact.evaluation.judge.verdicts import MIDPOINT, Judge, Judgement, JudgeVerdict, Mode, Pair
from preact.evaluation.transcripts import JsonLines

ControlKind = Literal[
    "high", "low", "blank", "gibberish", "off-topic", "echo", "assistant",
    "high-long", "low-long", "high-shuffled", "low-shuffled",
]  # fmt: skip
SAYS_NOTHING: dict[ControlKind, str] = {
    "blank": "blank answers",
    "gibberish": "gibberish",
    "off-topic": "English about other things",
    "echo": "the question echoed",
    "assistant": "an assistant's phrases",
}
"""Kinds that give no ground for a score, in words."""
MIN_GAP = 1.0
"""Scale points by which clear high answers must score above clear low ones for a judge to be trusted."""
MAX_LENGTH_EFFECT = 0.5
"""Scale points by which the same content may score higher or lower for being said at greater length."""
MAX_SHUFFLED = 0.75
"""Share of the gap that may be left when words lose their order, before a judge is said to count words."""
_TOLERANCE = 0.5
"""Scale points from the midpoint within which a score says nothing."""
_LETTERS = "bcdfghjklmnpqrstvwxz"
_OFF_TOPIC = (
    "The kettle is on the second shelf, beside the blue cups. Its lid came off last winter, and there is a "
    "spare one in the drawer under the sink.",
    "The number seven bus leaves from the stop by the bridge at ten past the hour. It takes twenty minutes "
    "to the station.",
    "A litre of the white paint covers about ten square metres. The wall behind the door took two coats in "
    "May, the ceiling one.",
)
_ASSISTANT = (
    "As an AI language model, I do not have personal experiences, but I can provide information on this "
    "topic.",
    "Thank you for your question. Is there anything else I can assist you with today?",
    "There are several factors to consider. Please provide more details so that I can give you a suitable "
    "response.",
)
_PADDING = (
    " That is the short of it. I could put the same thing into other words and go through it once more from "
    "the beginning, but it would come to what has just been said.",
    " So much for that question, as it was put. There is a longer way to say it, with a sentence for each "
    "part of it in its turn, and at its end one would be where one is now.",
    " This is the answer to what was asked, and what comes after it, such as this sentence and the one "
    "before, adds some words to it and nothing else that was not there.",
)
"""What makes an answer longer and says nothing."""


class Control(NamedTuple):
    """One trait's control answers of one kind, as they are shown together."""

    kind: ControlKind
    trait: Trait
    pairs: tuple[Pair, ...]
    number: int = 0
    """Of the pair, where each is shown alone."""

    @property
    def key(self) -> tuple[str, Trait, int]:
        """Identifies the control: each is judged only once."""
        return self.kind, self.trait, self.number


class ControlCheck(NamedTuple):
    """How a judge scored the controls."""

    gaps: dict[Trait, float]
    """Score of clear high answers less that of clear low ones, in scale points; NaN where one is missing."""
    rated: dict[ControlKind, int]
    """Kinds that say nothing -> traits (of five) for which they were given a score off the midpoint."""
    length_effect: float
    """Mean of the score of longer answers less that of the same content, in scale points; NaN if unknown."""
    shuffled: float
    """Share of the gap between clear answers that is left when their words are shuffled; NaN if unknown."""
    warnings: tuple[str, ...]
    """One sentence for each thing that is wrong; empty when the judge passes."""


def controls(mode: Mode = "batch") -> list[Control]:
    """All controls as a mode shows them: three pairs together, or each of them alone."""
    together = [control for trait in TRAITS for control in _of_trait(trait)]
    if mode != "item":
        return together
    return [
        control._replace(pairs=(pair,), number=number)
        for control in together
        for number, pair in enumerate(control.pairs)
    ]


def _of_trait(trait: Trait) -> list[Control]:
    own = [clear for clear in clear_answers() if clear.trait is trait]
    questions = tuple(dict.fromkeys(clear.question for clear in own))
    answers: dict[ControlKind, Sequence[str]] = {
        "blank": ("",) * len(questions),
        "gibberish": tuple(map(_gibberish, questions)),
        "off-topic": _OFF_TOPIC,
        "echo": questions,
        "assistant": _ASSISTANT,
    }
    asked = {kind: questions for kind in answers}
    for level in Level:
        kinds: tuple[ControlKind, ControlKind, ControlKind] = (
            ("high", "high-long", "high-shuffled") if level is Level.HIGH
            else ("low", "low-long", "low-shuffled")
        )  # fmt: skip
        clear = [each for each in own if each.level is level]
        plain = [each.answer for each in clear]
        long = [answer + padding for answer, padding in zip(plain, _PADDING, strict=True)]
        answers |= dict(zip(kinds, (plain, long, [*map(_shuffled, plain)]), strict=True))
        asked |= dict.fromkeys(kinds, tuple(each.question for each in clear))
    return [Control(kind, trait, tuple(map(Pair, asked[kind], answers[kind]))) for kind in answers]


def judgement_of(control: Control, verdict: JudgeVerdict) -> Judgement:
    """A control's verdict in the form in which judgements are stored."""
    return Judgement(
        trait_level=control.kind,
        run=0,
        trait=control.trait,
        number=control.number,
        repeat=0,
        items=(),
        **verdict._asdict(),
    )


async def rate_controls(judge: Judge, mode: Mode, folder: Path) -> tuple[Judgement, ...]:
    """Rate what has not been rated of the controls and store it in the folder's controls.jsonl."""
    lines = JsonLines(folder / "controls.jsonl", Judgement)
    lines.mend()
    done = {(judgement.trait_level, judgement.trait, judgement.number) for judgement in lines.read()}
    remaining = [control for control in controls(mode) if control.key not in done]

    async def rate(control: Control) -> Judgement:
        return judgement_of(control, await judge.rate(control.trait, control.pairs, mode, sample=0))

    await rate_in_groups(judge.concurrency, remaining, rate, lines)
    return read_controls(folder)


def read_controls(folder: Path) -> tuple[Judgement, ...]:
    """The verdicts on the controls; `trait_level` holds the kind of control."""
    return tuple(JsonLines(folder / "controls.jsonl", Judgement).read())


Scores = dict[tuple[str, Trait], float]


def check(judgements: Sequence[Judgement]) -> ControlCheck:
    """What the controls show about the judge, in numbers and in words."""
    given: dict[tuple[str, Trait], list[float]] = defaultdict(list)
    for judgement in judgements:
        if judgement.score is not None:
            given[judgement.trait_level, judgement.trait].append(judgement.score)
    scores = {key: statistics.fmean(own) for key, own in given.items()}
    gaps = {trait: _difference(scores, trait, "high", "low") for trait in TRAITS}
    rated = {kind: _rated(scores, kind) for kind in SAYS_NOTHING}
    pairs = [(trait, level) for trait in TRAITS for level in Level]
    effects = [_difference(scores, trait, f"{level.value}-long", level.value) for trait, level in pairs]
    length_effect = _mean(effects)
    gap = _mean(list(gaps.values()))
    asked = any(judgement.trait_level == "high-shuffled" for judgement in judgements)
    share = _shuffled_gap(scores) / gap if asked and gap >= MIN_GAP else math.nan
    warnings = [
        *_gap_warnings(gaps),
        *(
            f"the judge rates {SAYS_NOTHING[kind]} as if something had been said, in {count} of 5 traits"
            for kind, count in rated.items()
            if count
        ),
    ]
    if abs(length_effect) > MAX_LENGTH_EFFECT:
        likes = "longer" if length_effect > 0 else "shorter"
        warnings.append(
            f"the judge likes {likes} answers: the same content scores {length_effect:+.2f} points when it "
            "is said at greater length"
        )
    if share > MAX_SHUFFLED:
        warnings.append(
            f"the judge counts words: {share:.0%} of what it tells apart is left when the words are shuffled"
        )
    return ControlCheck(gaps, rated, length_effect, share, tuple(warnings))


def _gap_warnings(gaps: dict[Trait, float]) -> list[str]:
    warnings: list[str] = []
    measured = [gap for gap in gaps.values() if not math.isnan(gap)]
    if len(measured) < len(gaps):
        warnings.append(
            f"the judge gave no score to clear answers of {len(gaps) - len(measured)} of 5 traits"
        )
    if measured and statistics.fmean(measured) < MIN_GAP:
        warnings.append(
            f"the judge does not tell clear high answers from clear low ones: it rates them "
            f"{statistics.fmean(measured):+.2f} points apart where {MIN_GAP:.0f} is the least to expect"
        )
    else:
        weak = [trait.label for trait, gap in gaps.items() if gap < MIN_GAP]
        if weak:
            warnings.append(f"the judge hardly tells high from low in {', '.join(weak)}")
    return warnings


def _rated(scores: Scores, kind: ControlKind) -> int:
    own = (scores.get((kind, trait), MIDPOINT) for trait in TRAITS)
    return sum(abs(score - MIDPOINT) > _TOLERANCE for score in own)


def _shuffled_gap(scores: Scores) -> float:
    """The mean gap between shuffled answers; one that was given no score is told from nothing."""
    gaps = [_difference(scores, trait, "high-shuffled", "low-shuffled") for trait in TRAITS]
    return statistics.fmean(0.0 if math.isnan(gap) else gap for gap in gaps)


def _difference(scores: Scores, trait: Trait, first: str, second: str) -> float:
    """The score of one kind less that of another; NaN where either is missing."""
    return scores.get((first, trait), math.nan) - scores.get((second, trait), math.nan)


def _mean(values: Sequence[float]) -> float:
    """The mean of what is known; NaN where nothing is."""
    known = [value for value in values if not math.isnan(value)]
    return statistics.fmean(known) if known else math.nan


def _gibberish(question: str) -> str:
    """Strings of consonants, the same for the same question on every machine."""
    random_letters = random.Random(question)
    words = ["".join(random_letters.choices(_LETTERS, k=random_letters.randint(2, 9))) for _ in range(14)]
    return " ".join(words) + "."


def _shuffled(answer: str) -> str:
    """The answer's words in an order drawn by the answer itself."""
    words = answer.split()
    random.Random(answer).shuffle(words)
    return " ".join(words)
