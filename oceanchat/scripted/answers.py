"""Answers of the scripted self-discloser.

They show one facet at one level through what the person does. A story runs through a conversation (how it
started, what happened, what others said, what came of it); reasons, habits and plans are the facet's. An
answer whose length is asked for is cut short, or goes on with habits and with what shows nothing. Sees what
the disclose and write prompts give, nothing else.
"""

import itertools
import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from oceanchat.errors import InputError
from oceanchat.facets import FACETS, facet_named
from oceanchat.scripted.conversation import (
    DISCLOSER,
    QUESTIONER,
    START,
    SpokenLine,
    intent_of,
    read_lines,
    write_lines,
)
from oceanchat.scripted.fitting import SENTENCE, to_length
from oceanchat.scripted.grammar import fill, parts
from oceanchat.scripted.lexica import FACET_LEVELS, FacetLevel
from oceanchat.scripted.questions import CLOSING, last_word, next_question
from oceanchat.scripted.topics import kinds, topics_in
from oceanchat.scripted.voice import ScriptedVoice, voice_for
from oceanchat.traits import LEVELS, TraitLevel

_PLAIN_IF_WEAK, _PLAIN = 0.75, 0.3
"""Shares of answers that show nothing: in a weak conversation, and of habits and plans in any other."""
_MAY_BE_PLAIN = frozenset({"usual", "ordinary", "next"})
_DRAWS = 4
"""So often an answer is drawn again that repeats a sentence."""
_WORDS, _EXCHANGES, _MAX_EXCHANGES = 80, 5, 40


def facet_level_of(tags: Mapping[str, str]) -> FacetLevel:
    """The facet-level that the tags ask for; a facet they leave out or misspell is replaced by the trait's
    first, a trait-level likewise by the first of all."""
    try:
        asked = TraitLevel.parse(f"{tags.get('level', '')} {tags.get('trait', '')}")
    except InputError:
        asked = TraitLevel(next(iter(FACETS)), LEVELS[0])
    facet = facet_named(tags.get("facet", ""))
    if facet is None or facet.trait is not asked.trait:
        facet = FACETS[asked.trait][0]
    return FACET_LEVELS[f"{facet.id}-{asked.level.value}"]


def _part(facet_level: FacetLevel) -> Mapping[str, Any]:
    trait_level = facet_level.trait_level
    file = f"{trait_level.trait.label.lower()}_{trait_level.level.value}"
    part: Mapping[str, Any] = parts(file)[facet_level.key]
    return part


def _lines_for(facet_level: FacetLevel, story: int, intent: str) -> Sequence[str]:
    part = _part(facet_level)
    if intent in part["any"]:
        return list(part["any"][intent])
    return [part["stories"][story % len(part["stories"])][intent]]


def answer(voice: ScriptedVoice, intent: str, rng: random.Random) -> str:
    """One answer to a question of that intent."""
    if ":" in intent:
        kind, number = intent.split(":")
        return fill(rng.choice(parts("smalltalk")[kind]["pairs"][int(number)]["answer"]), voice.slots, rng)
    plain = _PLAIN_IF_WEAK if voice.weak else _PLAIN * (intent in _MAY_BE_PLAIN)
    if rng.random() < plain:
        return fill(rng.choice(parts("smalltalk")["plain"][intent]), voice.slots, rng)
    return fill(rng.choice(_lines_for(voice.facet_level, voice.story, intent)), voice.slots, rng)


def answer_of(
    voice: ScriptedVoice, intent: str, rng: random.Random, words: int | None, spoken: Collection[str]
) -> str:
    """One answer to a question of that intent, of about so many words where it is said how many; what was
    `spoken` before is not repeated then, as far as there is something else to say."""
    text = answer(voice, intent, rng)
    if words is None:
        return text
    for _ in range(_DRAWS):
        if not _known(text, spoken):
            break
        text = answer(voice, intent, rng)
    further = (line for line in _further(voice, intent, rng) if line not in text and not _known(line, spoken))
    return to_length(text, words, further)


def _further(voice: ScriptedVoice, intent: str, rng: random.Random) -> Iterator[str]:
    """What an answer can go on with: plain words on the same matter and the facet's habits, then any plain
    words."""
    plain: Mapping[str, Sequence[str]] = parts("smalltalk")["plain"]
    habits = (
        [] if voice.weak else [line for lines in _part(voice.facet_level)["any"].values() for line in lines]
    )
    near = [*(plain.get(intent, ()) if intent != START else ()), *habits]
    far = [line for other, lines in plain.items() if other not in (intent, START, "why") for line in lines]
    for lines in (near, far):
        for line in rng.sample(lines, len(lines)):
            yield fill(line, voice.slots, rng)


def _known(line: str, spoken: Collection[str]) -> bool:
    return any(sentence in text for text in spoken for sentence in SENTENCE.split(line))


def _within(text: str, words: int) -> str:
    """As many whole sentences as the word limit allows; the first is cut if it must be."""
    sentences: list[str] = []
    for sentence in SENTENCE.split(text):
        if sentences and sum(len(part.split()) for part in (*sentences, sentence)) > words:
            break
        sentences.append(sentence)
    return " ".join(" ".join(sentences).split()[:words])


def _number(text: str, otherwise: int) -> int:
    digits = re.search(r"\d{1,6}", text)
    return max(1, int(digits.group())) if digits else otherwise


def _lengths(tags: Mapping[str, str]) -> Iterator[int | None]:
    """The words asked for of each answer, None of those that nothing is said of."""
    yield from (max(1, int(digits)) for digits in re.findall(r"\d{1,4}", tags.get("answer_words", "")))
    yield from itertools.repeat(None)


def disclose_reply(tags: Mapping[str, str], rng: random.Random) -> str:
    """The reply to the `disclose` task."""
    lines = read_lines(tags.get("conversation", ""))
    questions = [line.text for line in lines if line.speaker == QUESTIONER] or [""]
    voice = voice_for(tags.get("seed_topic", ""), facet_level_of(tags), questions[0])
    intent = intent_of(questions[-1], len(questions) == 1)
    reply = answer_of(voice, intent, rng, next(_lengths(tags)), [line.text for line in lines])
    return _within(reply, _number(tags.get("words", ""), _WORDS))


def write_reply(tags: Mapping[str, str], rng: random.Random) -> str:
    """The reply to the `write` task: both parts of the conversation, each knowing what it may."""
    seed_topic = tags.get("seed_topic", "")
    words = _number(tags.get("words", ""), _WORDS)
    exchanges = min(_number(tags.get("exchanges", ""), _EXCHANGES), _MAX_EXCHANGES)
    subjects = topics_in(seed_topic)
    theme = kinds()[subjects[0].kind if subjects else "mind"]
    voice = voice_for(seed_topic, facet_level_of(tags), str(rng.random()))
    lines: list[SpokenLine] = []
    for turn, length in zip(range(exchanges), _lengths(tags), strict=False):
        question = next_question(theme, lines, rng)
        lines.append(SpokenLine(QUESTIONER, _within(question, words)))
        spoken = [line.text for line in lines]
        reply = answer_of(voice, intent_of(question, turn == 0), rng, length, spoken)
        lines.append(SpokenLine(DISCLOSER, _within(reply, words)))
    if rng.random() < CLOSING:
        lines.append(SpokenLine(QUESTIONER, last_word(rng)))
    return write_lines(lines)
