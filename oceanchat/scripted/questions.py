"""Questions of the scripted questioner.

An opening question comes from a neutral theme, follow-ups take up what was heard. Which intents a
conversation goes through is one of several skeletons, fixed by its theme and opening. Sees the theme and the
conversation, never the seed topic, trait or level.
"""

import functools
import random
import re
from collections.abc import Mapping, Sequence

from oceanchat.scripted.conversation import DISCLOSER, SpokenLine, intents, read_lines
from oceanchat.scripted.grammar import fill, parts
from oceanchat.scripted.topics import kind_of_theme

PAIR = "pair"
_SKELETONS: tuple[tuple[str, ...], ...] = (
    ("detail", PAIR, "others", "after", "next", "ordinary", "usual", "why"),
    (PAIR, "detail", "why", "next", "usual", "others", "after", "ordinary"),
    ("why", "detail", "others", "usual", "next", PAIR, "after", "ordinary"),
    ("detail", "others", PAIR, "after", "usual", "why", "ordinary", "next"),
    ("ordinary", "detail", "after", PAIR, "why", "next", "others", "usual"),
    ("detail", "after", "usual", "next", PAIR, "others", "why", "ordinary"),
    (PAIR, "usual", "detail", "others", "next", "why", "after", "ordinary"),
    ("detail", "why", "ordinary", "next", "others", PAIR, "usual", "after"),
    ("others", "detail", "after", "ordinary", "why", PAIR, "usual", "next"),
    ("usual", "why", PAIR, "next", "detail", "after", "others", "ordinary"),
)
_ECHO, _REACTION, CLOSING = 0.3, 0.12, 0.2
"""Shares of follow-ups that begin with a thing just named or a short reaction, and of dialogues that the
questioner closes with a last word."""
_NAMED = re.compile(r"\b(the|a|an|my) ((?:[a-z]+ )?)([a-z]+)\b")


@functools.cache
def _echoed() -> frozenset[str]:
    """Things that can be asked back about in a word."""
    return frozenset(parts("echoes")["nouns"].split())


def opening(kind: str, rng: random.Random) -> str:
    """A first question about a kind of topic."""
    asks = parts("questions")["openings"]
    when = {tense: rng.choice(asks[tense]) for tense in ("now", "since")}
    return fill(rng.choice(asks[kind]), when, rng)


def _echo(answer: str) -> str:
    """The last thing named in an answer as a one-word question; empty where there is none."""
    named = [match for match in _NAMED.findall(answer) if match[2] in _echoed()]
    if not named:
        return ""
    article, _, noun = named[-1]
    return f"{'Your' if article == 'my' else 'The'} {noun}? "


def _ask(intent: str, kind: str, rng: random.Random) -> str:
    if intent.startswith(PAIR):
        return str(rng.choice(rng.choice(parts("smalltalk")[kind]["pairs"])["ask"]))
    return fill(rng.choice(parts("questions")["follow_up"][intent]), {}, rng)


def next_question(theme: str, lines: Sequence[SpokenLine], rng: random.Random) -> str:
    """The opening question, or a follow-up on the last answer that asks nothing twice."""
    kind = kind_of_theme(theme)
    if not lines:
        return opening(kind, rng)
    skeleton = random.Random(f"{theme}\n{lines[0].text}").choice(_SKELETONS)
    asked = [PAIR if ":" in intent else intent for intent in intents(lines)]
    left = [intent for intent in skeleton if intent not in asked] or list(skeleton)
    question = _ask(left[0], kind, rng)
    answers = [line.text for line in lines if line.speaker == DISCLOSER]
    chance = rng.random()
    if chance < _ECHO and answers:
        return _echo(answers[-1]) + question
    if chance < _ECHO + _REACTION:
        return f"{rng.choice(parts('questions')['reactions']['plain'])} {question}"
    return question


def last_word(rng: random.Random) -> str:
    """What the questioner may say when the last answer is given."""
    return fill(rng.choice(parts("questions")["reactions"]["closing"]), {}, rng)


def question_reply(tags: Mapping[str, str], rng: random.Random) -> str:
    """The reply to the `question` task."""
    return next_question(tags.get("theme", ""), read_lines(tags.get("conversation", "")), rng)
