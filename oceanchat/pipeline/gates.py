"""Reject dialogues by rules before paying for checks.

The first gate to reject a dialogue names its state. A gate is a function of the dialogue and the build's
bounds. The near-duplicate gate remembers what passed before, in canonical order, so its verdicts do not
depend on which answer came first. No model is asked here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from oceanchat.llm.folding import folded
from oceanchat.llm.refusals import is_refusal
from oceanchat.near_duplicates import NearDuplicates, shingles
from oceanchat.pipeline.replies.character_words import leading_words, self_description
from oceanchat.pipeline.replies.leftovers import markup_in, placeholder_in
from oceanchat.pipeline.replies.spoken import direction_in
from oceanchat.records import Role, Turn, transcript
from oceanchat.statistics.length import ANSWER_LENGTH, NEAR_DUPLICATE, mean_words, misses_length

SIMILAR = 0.5
"""Jaccard similarity of word 5-grams from which two dialogues are near-duplicates."""
COPIED = 8
"""Words in a row of the essay that count as copied."""

_NAMED = re.compile(
    r"\b(openness|conscientious(ness)?|extra?o?version|extra?o?verted|extra?o?verts?|introver(t|ts|ted|sion)"
    r"|agreeable(ness)?|neurotic(ism)?|big five|personality (trait|type)s?|emotional stability"
    r")\b",
    re.IGNORECASE,
)
_ASSISTANT = re.compile(
    r"\b(as an ai|language model|i'?m an ai|i am an ai|as a(n| virtual) assistant|how can i (help|assist) you"
    r"|i (can(no|')t|am unable to|'m unable to) (assist|comply|fulfil|help (you )?with (that|this|your)"
    r" request)|is there anything else i can)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Bounds:
    """The limits on a dialogue's shape."""

    exchanges: int
    """Exchanges asked for; with 5, dialogues of 6 to 12 turns pass."""
    words: int
    """Maximum words in a turn."""

    @property
    def turns(self) -> tuple[int, int]:
        """Minimum and maximum turns: one more than the exchanges, and two more than twice them."""
        return self.exchanges + 1, 2 * self.exchanges + 2


@dataclass(frozen=True)
class GateInput:
    """What a gate decides on."""

    turns: tuple[Turn, ...]
    essay: str
    """The essay the seed topic stands in; empty when there is none."""
    bounds: Bounds
    answer_words: tuple[int, ...] = ()
    """The words asked for of each answer; empty where none were."""


Gate = Callable[[GateInput], str | None]
"""Returns why the gate rejects the dialogue, None when it lets it pass."""


class GateRejection(NamedTuple):
    """Which gate rejected a dialogue, and why."""

    gate: str
    reason: str

    @property
    def state(self) -> str:
        """The state of the dialogue in the store."""
        return f"gate:{self.gate}"


def roles(gate_input: GateInput) -> str | None:
    """The questioner begins and the two alternate."""
    expected = ("questioner", "discloser")
    for index, turn in enumerate(gate_input.turns):
        if turn.role != expected[index % 2]:
            return f"turn {index + 1} is the {turn.role}'s"
    return None


def opening(gate_input: GateInput) -> str | None:
    """The dialogue begins with a question."""
    return (
        None
        if gate_input.turns[0].text.rstrip("\"'\u201d )").endswith("?")
        else "the first turn is no question"
    )


def length(gate_input: GateInput) -> str | None:
    """The number of turns lies within the bounds."""
    minimum, maximum = gate_input.bounds.turns
    count = len(gate_input.turns)
    return None if minimum <= count <= maximum else f"{count} turns, {minimum} to {maximum} are allowed"


def words(gate_input: GateInput) -> str | None:
    """No turn is longer than the bound."""
    longest = max(len(turn.text.split()) for turn in gate_input.turns)
    return (
        None
        if longest <= gate_input.bounds.words
        else f"a turn of {longest} words, {gate_input.bounds.words} are allowed"
    )


def answer_length(gate_input: GateInput) -> str | None:
    """The answers are about as long as they were asked to be."""
    answers = [turn.text for turn in gate_input.turns if turn.role == "discloser"]
    asked = gate_input.answer_words[: len(answers)]
    if not asked or not misses_length(answers, asked):
        return None
    return f"{mean_words(answers):.0f} words an answer, {sum(asked) / len(asked):.0f} were asked for"


def named(gate_input: GateInput) -> str | None:
    """No trait or level is named outright."""
    return _match(_NAMED, gate_input, "names")


def assistant(gate_input: GateInput) -> str | None:
    """Nobody refuses or speaks like an assistant."""
    refusing = next(
        (turn.text for turn in gate_input.turns if turn.role == "discloser" and is_refusal(turn.text)), None
    )
    return f"says '{refusing[:40]}'" if refusing else _match(_ASSISTANT, gate_input, "says")


def leftovers(gate_input: GateInput) -> str | None:
    """Nothing is left of a reply's form or of an essay's blanks."""
    for turn in gate_input.turns:
        left_over = markup_in(turn.text)
        if left_over:
            return f"holds {left_over}"
        blank = placeholder_in(turn.text)
        if blank:
            return f"holds a blank, '{blank}'"
    return None


def stage(gate_input: GateInput) -> str | None:
    """Nobody's looks and gestures are described."""
    return _first(direction_in, gate_input, "questioner", "discloser")


def self_described(gate_input: GateInput) -> str | None:
    """The self-discloser shows a trait and is not summed up in adjectives."""
    return _first(self_description, gate_input, "discloser")


def leading(gate_input: GateInput) -> str | None:
    """The questioner puts no feeling and no trait into the other's mouth."""
    return _first(leading_words, gate_input, "questioner")


def copied(gate_input: GateInput) -> str | None:
    """No run of COPIED words of the essay is repeated."""
    if not gate_input.essay:
        return None
    essay = shingles(gate_input.essay, COPIED)
    for turn in gate_input.turns:
        shared = sorted(shingles(turn.text, COPIED) & essay)
        if shared and len(shared[0].split()) >= COPIED:
            return f"repeats the essay: '{shared[0]}'"
    return None


def _first(find: Callable[[str], str | None], gate_input: GateInput, *roles: Role) -> str | None:
    for turn in gate_input.turns:
        words = find(turn.text) if turn.role in roles else None
        if words:
            return f"says '{words}'"
    return None


def _match(pattern: re.Pattern[str], gate_input: GateInput, verb: str) -> str | None:
    for turn in gate_input.turns:
        match = pattern.search(folded(turn.text))
        if match:
            return f"{verb} '{match.group(0)}'"
    return None


GATES: tuple[tuple[str, Gate], ...] = (
    ("copied", copied),
    ("roles", roles),
    ("opening", opening),
    ("length", length),
    ("words", words),
    ("named", named),
    ("assistant", assistant),
    ("leftovers", leftovers),
    ("stage", stage),
    ("self-described", self_described),
    ("leading", leading),
    (ANSWER_LENGTH, answer_length),
)
"""All gates but the last one, in order; add a new one before ANSWER_LENGTH.

What repeats its essay is called copied whatever else is wrong with it: by that state its words are withheld
where the essay may not be passed on.
"""
_OF_WHOLE_DIALOGUES = ("length", "copied", ANSWER_LENGTH)
"""Gates that say nothing of a dialogue that is still being written."""


def early_rejection(turns: Sequence[Turn], bounds: Bounds) -> GateRejection | None:
    """The first gate that rejects a dialogue whatever its further turns will be."""
    gate_input = GateInput(tuple(turns), "", bounds)
    for name, gate in GATES:
        reason = None if name in _OF_WHOLE_DIALOGUES else gate(gate_input)
        if reason is not None:
            return GateRejection(name, reason)
    return None


@dataclass
class GateRunner:
    """Runs the dialogues of one trait-level through all gates, in canonical order.

    The near-duplicate gate compares with what passed the gates, whatever the check says later: it rejects
    before any check is paid for.
    """

    bounds: Bounds
    _passed: NearDuplicates = field(default_factory=NearDuplicates)

    def rejection(
        self,
        key: str,
        turns: Sequence[Turn],
        essay: str,
        answer_words: tuple[int, ...] = (),
        early: GateRejection | None = None,
    ) -> GateRejection | None:
        """The first gate that rejects the dialogue; None when it passes, which is then remembered under
        `key`.

        `early` is what rejected it before the essay was at hand; it stands unless the essay is repeated.
        """
        gate_input = GateInput(tuple(turns), essay, self.bounds, answer_words)
        if early is not None and copied(gate_input) is None:
            return early
        for name, gate in GATES:
            reason = gate(gate_input)
            if reason is not None:
                return GateRejection(name, reason)
        text = transcript(gate_input.turns)
        closest = self._passed.closest(text)
        if closest is not None and closest.jaccard >= SIMILAR:
            shared = f"{closest.jaccard:.0%} of its 5-grams are those of {closest.key}"
            return GateRejection(NEAR_DUPLICATE, shared)
        self._passed.add(key, text)
        return None
