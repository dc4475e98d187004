"""The self-discloser: answers that show one facet at one level through what the person does.

A story runs through a conversation (how it started, what happened, what others said, what came of it);
reasons, habits and plans are the facet's. Sees what the disclose and write prompts give, nothing else.
"""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from oceanchat.errors import InputError
from oceanchat.scripted.conversation import (
    DISCLOSER,
    QUESTIONER,
    Line,
    intent_of,
    read_lines,
    write_lines,
)
from oceanchat.scripted.grammar import fill, parts
from oceanchat.scripted.lexica import SIDES, Side
from oceanchat.scripted.persona import Persona, persona
from oceanchat.scripted.questions import CLOSING, last_word, next_question
from oceanchat.scripted.topics import kinds, topics_in
from oceanchat.traits import FACETS, LEVELS, TraitLevel, facet_named

_PLAIN_IF_WEAK, _PLAIN = 0.75, 0.3
"""Shares of answers that show nothing: in a weak conversation, and of habits and plans in any other."""
_MAY_BE_PLAIN = frozenset({"usual", "ordinary", "next"})
_WORDS, _EXCHANGES, _MOST_EXCHANGES = 80, 5, 40
_SENTENCE = re.compile(r"(?<=[.?!])\s+")


def side_of(tags: Mapping[str, str]) -> Side:
    """The facet-level that the tags ask for; a facet they leave out or misspell is replaced by the trait's
    first, a trait-level likewise by the first of all."""
    try:
        asked = TraitLevel.parse(f"{tags.get('level', '')} {tags.get('trait', '')}")
    except InputError:
        asked = TraitLevel(next(iter(FACETS)), LEVELS[0])
    facet = facet_named(tags.get("facet", ""))
    if facet is None or facet.trait is not asked.trait:
        facet = FACETS[asked.trait][0]
    return SIDES[f"{facet.id}-{asked.level.value}"]


def _lines_for(side: Side, story: int, intent: str) -> Sequence[str]:
    part: Mapping[str, Any] = parts(f"{side.facet.trait.label.lower()}_{side.level.value}")[side.key]
    if intent in part["any"]:
        return list(part["any"][intent])
    return [part["stories"][story % len(part["stories"])][intent]]


def answer(who: Persona, intent: str, rng: random.Random) -> str:
    """One answer to a question of that intent."""
    if ":" in intent:
        kind, number = intent.split(":")
        return fill(rng.choice(parts("smalltalk")[kind]["pairs"][int(number)]["answer"]), who.slots, rng)
    plain = _PLAIN_IF_WEAK if who.weak else _PLAIN * (intent in _MAY_BE_PLAIN)
    if rng.random() < plain:
        return fill(rng.choice(parts("smalltalk")["plain"][intent]), who.slots, rng)
    return fill(rng.choice(_lines_for(who.side, who.story, intent)), who.slots, rng)


def _within(text: str, words: int) -> str:
    """As many whole sentences as the word limit allows; the first is cut if it must be."""
    kept: list[str] = []
    for sentence in _SENTENCE.split(text):
        if kept and sum(len(part.split()) for part in (*kept, sentence)) > words:
            break
        kept.append(sentence)
    return " ".join(" ".join(kept).split()[:words])


def _number(text: str, otherwise: int) -> int:
    found = re.search(r"\d{1,6}", text)
    return max(1, int(found.group())) if found else otherwise


def disclose_reply(tags: Mapping[str, str], rng: random.Random) -> str:
    """The reply to the `disclose` task."""
    lines = read_lines(tags.get("conversation", ""))
    questions = [line.text for line in lines if line.speaker == QUESTIONER] or [""]
    who = persona(tags.get("seed_topic", ""), side_of(tags), questions[0])
    intent = intent_of(questions[-1], len(questions) == 1)
    said = answer(who, intent, rng)
    return _within(said, _number(tags.get("words", ""), _WORDS))


def write_reply(tags: Mapping[str, str], rng: random.Random) -> str:
    """The reply to the `write` task: both parts of the conversation, each knowing what it may."""
    seed_topic = tags.get("seed_topic", "")
    words = _number(tags.get("words", ""), _WORDS)
    exchanges = min(_number(tags.get("exchanges", ""), _EXCHANGES), _MOST_EXCHANGES)
    found = topics_in(seed_topic)
    theme = kinds()[found[0].kind if found else "mind"]
    who = persona(seed_topic, side_of(tags), str(rng.random()))
    lines: list[Line] = []
    for turn in range(exchanges):
        question = next_question(theme, lines, rng)
        lines.append(Line(QUESTIONER, _within(question, words)))
        said = answer(who, intent_of(question, turn == 0), rng)
        lines.append(Line(DISCLOSER, _within(said, words)))
    if rng.random() < CLOSING:
        lines.append(Line(QUESTIONER, last_word(rng)))
    return write_lines(lines)
