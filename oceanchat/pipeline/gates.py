"""The free gates a dialogue passes before the paid check; the first that closes names its state.

Each gate is a function of the dialogue and the build's bounds. The near-duplicate gate remembers what passed
before, in canonical order, so its verdicts do not depend on which answer came first. No model is asked here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from oceanchat.llm.parsing import is_refusal
from oceanchat.near_duplicates import NearDuplicates, shingles
from oceanchat.records import Turn, transcript

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
    r"|i (can(no|')t|am unable to|'m unable to) (help|assist|comply|provide|fulfil)|i'?m sorry, but i"
    r"|is there anything else i can)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Bounds:
    """What a dialogue's shape is held against."""

    exchanges: int
    """Exchanges asked for; with 5, dialogues of 6 to 12 turns pass."""
    words: int
    """Most words in a turn."""

    @property
    def turns(self) -> tuple[int, int]:
        """Fewest and most turns: one more than the exchanges, and two more than twice them."""
        return self.exchanges + 1, 2 * self.exchanges + 2


@dataclass(frozen=True)
class Draft:
    """What the gates look at."""

    turns: tuple[Turn, ...]
    essay: str
    """The essay the seed topic stands in; empty when there is none."""
    bounds: Bounds


Gate = Callable[[Draft], str | None]
"""Returns why the gate closes, None when it lets the dialogue pass."""


def roles(draft: Draft) -> str | None:
    """The questioner begins and the two alternate."""
    expected = ("questioner", "discloser")
    for place, turn in enumerate(draft.turns):
        if turn.role != expected[place % 2]:
            return f"turn {place + 1} is the {turn.role}'s"
    return None


def opening(draft: Draft) -> str | None:
    """The dialogue begins with a question."""
    return (
        None if draft.turns[0].text.rstrip("\"'\u201d )").endswith("?") else "the first turn is no question"
    )


def length(draft: Draft) -> str | None:
    """The number of turns lies within the bounds."""
    least, most = draft.bounds.turns
    count = len(draft.turns)
    return None if least <= count <= most else f"{count} turns, {least} to {most} are allowed"


def words(draft: Draft) -> str | None:
    """No turn is longer than the bound."""
    longest = max(len(turn.text.split()) for turn in draft.turns)
    return (
        None
        if longest <= draft.bounds.words
        else f"a turn of {longest} words, {draft.bounds.words} are allowed"
    )


def named(draft: Draft) -> str | None:
    """No trait or level is named outright."""
    return _found(_NAMED, draft, "names")


def assistant(draft: Draft) -> str | None:
    """Nobody refuses or speaks like an assistant."""
    refusing = next(
        (turn.text for turn in draft.turns if turn.role == "discloser" and is_refusal(turn.text)), None
    )
    return f"says '{refusing[:40]}'" if refusing else _found(_ASSISTANT, draft, "says")


def copied(draft: Draft) -> str | None:
    """No run of COPIED words of the essay is repeated."""
    if not draft.essay:
        return None
    essay = shingles(draft.essay, COPIED)
    for turn in draft.turns:
        shared = sorted(shingles(turn.text, COPIED) & essay)
        if shared and len(shared[0].split()) >= COPIED:
            return f"repeats the essay: '{shared[0]}'"
    return None


def _found(pattern: re.Pattern[str], draft: Draft, verb: str) -> str | None:
    for turn in draft.turns:
        match = pattern.search(turn.text.replace("\u2019", "'"))
        if match:
            return f"{verb} '{match.group(0)}'"
    return None


GATES: tuple[tuple[str, Gate], ...] = (
    ("roles", roles),
    ("opening", opening),
    ("length", length),
    ("words", words),
    ("named", named),
    ("assistant", assistant),
    ("copied", copied),
)
"""All gates but the last one, in order; add a new one here."""
NEAR_DUPLICATE = "near-duplicate"


@dataclass
class Gatekeeper:
    """Holds dialogues of one trait-level against all gates, in canonical order.

    Accepted, for the near-duplicate gate, is what passed the gates: it closes before any check is paid.
    """

    bounds: Bounds
    _passed: NearDuplicates = field(default_factory=NearDuplicates)

    def closed_by(self, key: str, turns: Sequence[Turn], essay: str) -> tuple[str, str] | None:
        """The first gate that closes and why; None when the dialogue passes, which is then remembered under
        `key`."""
        draft = Draft(tuple(turns), essay, self.bounds)
        for name, gate in GATES:
            why = gate(draft)
            if why is not None:
                return name, why
        text = transcript(draft.turns)
        closest = self._passed.closest(text)
        if closest is not None and closest.jaccard >= SIMILAR:
            return NEAR_DUPLICATE, f"{closest.jaccard:.0%} of its 5-grams are those of {closest.key}"
        self._passed.add(key, text)
        return None
