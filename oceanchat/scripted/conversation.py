"""Read and write conversations as text.

Also knows what each question was after. Questions that the scripted questioner asks are recognised exactly,
others by what they ask about. Knows the question parts, nothing of answers.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from oceanchat.scripted.grammar import parts, readings

QUESTIONER, DISCLOSER = "Questioner", "Self-discloser"
START = "start"
_LINE = re.compile(r"^\s*(Questioner|Self-discloser)\s*:\s*(.*)$", re.IGNORECASE)
_CUES = (
    ("why", re.compile(r"\bwhy\b|how come|what makes|reason|explain", re.IGNORECASE)),
    ("next", re.compile(r"\bnext\b|\bnow\b|tomorrow|\bplan|\bwill you|going to", re.IGNORECASE)),
    ("after", re.compile(r"\bafter|look back|\bended?\b|\bfelt\b|\bfeel\b|came of", re.IGNORECASE)),
    ("others", re.compile(r"\bwho\b|anyone|anybody|everyone|people|friends?\b|family|others", re.IGNORECASE)),
    ("usual", re.compile(r"usual|before|often|always|another time|last time|ever ", re.IGNORECASE)),
    ("ordinary", re.compile(r"ordinary|everyday|normal|\bday\b|\bweek\b|morning|evening", re.IGNORECASE)),
)


class SpokenLine(NamedTuple):
    """One turn."""

    speaker: str
    text: str


def read_lines(text: str) -> list[SpokenLine]:
    """The turns of a conversation; lines without a speaker belong to the turn before."""
    lines: list[SpokenLine] = []
    for raw in text.splitlines():
        match = _LINE.match(raw)
        if match:
            speaker = QUESTIONER if match.group(1).lower() == QUESTIONER.lower() else DISCLOSER
            lines.append(SpokenLine(speaker, match.group(2).strip()))
        elif lines and raw.strip():
            lines[-1] = SpokenLine(lines[-1].speaker, f"{lines[-1].text} {raw.strip()}".strip())
    return lines


def write_lines(lines: Iterable[SpokenLine]) -> str:
    """The turns as text, one per line."""
    return "\n".join(f"{line.speaker}: {line.text}" for line in lines)


@functools.cache
def _scripted_questions() -> Mapping[str, str]:
    """Question -> intent, for every question the scripted questioner can ask after the first."""
    table = {
        reading: intent
        for intent, asks in parts("questions")["follow_up"].items()
        for ask in asks
        for reading in readings(ask)
    }
    for kind, part in parts("smalltalk").items():
        for number, pair in enumerate(part.get("pairs", ())):
            table.update({ask: f"{kind}:{number}" for ask in pair["ask"]})
    return table


def intent_of(question: str, first: bool) -> str:
    """What a question is after: 'start', an intent of questions.toml, or 'kind:number' of smalltalk.toml."""
    if first:
        return START
    for ask in (question, *re.split(r"(?<=[.?!])\s+", question)[::-1]):
        known = _scripted_questions().get(ask)
        if known is not None:
            return known
    return next((intent for intent, cue in _CUES if cue.search(question)), "detail")


def intents(lines: Iterable[SpokenLine]) -> list[str]:
    """The intents of the questions asked so far, in order."""
    questions = [line.text for line in lines if line.speaker == QUESTIONER]
    return [intent_of(question, number == 0) for number, question in enumerate(questions)]
