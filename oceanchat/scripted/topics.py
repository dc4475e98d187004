"""Find the everyday things a text names.

Also knows how a person calls them, and a neutral theme. Reads topics.toml. Works on any text, a seed topic or
a theme; knows nothing of traits or conversations.
"""

import functools
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, NamedTuple

from oceanchat.scripted.patterns import tokens_of

_VAGUE = frozenset({"mind"})
"""Kinds that count only when nothing else is named."""
_MAX_WORDS = 3
_FALLBACKS = (
    "a letter I got",
    "a favor I was asked for",
    "the plan for the summer",
    "an appointment",
    "a visit",
    "the move",
    "an odd job",
    "a small project",
)


class Subject(NamedTuple):
    """One thing a text is about."""

    kind: str
    """A key of topics.toml, such as 'home'."""
    phrase: str
    """In the first person, such as 'my roommate'."""


@functools.cache
def kinds() -> Mapping[str, str]:
    """Kind -> its neutral theme."""
    return {kind: part["theme"] for kind, part in _file().items() if "theme" in part}


@functools.cache
def _file() -> Mapping[str, Any]:
    path = resources.files("oceanchat.scripted") / "topics.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@functools.cache
def _by_words() -> Mapping[tuple[str, ...], Subject]:
    table: dict[tuple[str, ...], Subject] = {}
    for kind in kinds():
        for entry in filter(None, map(str.strip, re.split(r"[;\n]", _file()[kind]["words"]))):
            words, phrase = (part.strip() for part in entry.split("="))
            for choice in words.split("/"):
                table.setdefault(tuple(choice.split()), Subject(kind, phrase))
    return table


@functools.cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(map(str.strip, _file()[name].split(";")))


def topics_in(text: str) -> list[Subject]:
    """The things named, in order, without repetition; those that say little come last, or not at all."""
    tokens = tokens_of(text)
    table = _by_words()
    subjects: list[Subject] = []
    at = 0
    while at < len(tokens):
        for length in range(_MAX_WORDS, 0, -1):
            subject = table.get(tuple(tokens[at : at + length]))
            if subject is not None:
                if subject not in subjects:
                    subjects.append(subject)
                at += length - 1
                break
        at += 1
    telling = [subject for subject in subjects if subject.kind not in _VAGUE] or subjects
    return sorted(telling, key=lambda subject: subject.phrase in _listed("late"))


def topic_of(text: str, pick: int) -> Subject:
    """The thing a text is mostly about; of a person, something done together. Where the text names nothing
    known it is something that might happen to anyone. `pick` chooses among equals."""
    subjects = topics_in(text)
    if not subjects:
        return Subject("mind", _FALLBACKS[pick % len(_FALLBACKS)])
    kind, phrase = subjects[0]
    if phrase in _listed("people"):
        together = _file()["with"]
        return Subject(kind, f"{together[pick % len(together)]} {phrase}")
    return subjects[0]


def kind_of_theme(theme: str) -> str:
    """The kind whose theme this is, or whose things it names; 'mind' where it names none."""
    for kind, words in kinds().items():
        if theme.strip().lower().endswith(words):
            return kind
    subjects = topics_in(theme)
    return subjects[0].kind if subjects else "mind"


def theme_reply(tags: Mapping[str, str]) -> str:
    """The reply to the `theme` task: what the seed topic touches on, in neutral words."""
    subjects = topics_in(tags.get("seed_topic", ""))
    return f"Theme: {kinds()[subjects[0].kind if subjects else 'mind']}"


def topic_reply(tags: Mapping[str, str]) -> str:
    """The reply to the `topic` task: the topic's two strongest words, side by side."""
    strongest = [term.strip() for term in tags.get("terms", "").split(",") if term.strip()][:2]
    return f"Label: {' and '.join(strongest)}"
