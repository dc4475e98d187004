"""Ask for answers of a balanced length.

Length is not a trait. So that it does not become one, the writer is given a number of words for each answer,
drawn from one sequence that both levels of a trait share: number `slot` of either level asks for the same.
The sequence spreads evenly over the range however far one goes along it, so that any part of a build is
balanced, also where the other level is not built.
"""

import math
import random
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from oceanchat.traits import TRAITS, Trait

FREE = "free"
DEFAULT_LOW, DEFAULT_HIGH = 8, 40
SPREAD = 0.25
"""How far the answers of one dialogue lie around its own length, as a share of that."""
_STEP = (math.sqrt(5) - 1) / 2
"""Steps of the golden ratio spread evenly over the unit interval, however many there are."""
_RANGE = re.compile(r"(\d{1,4})\s*-\s*(\d{1,4})")


class WordRange(NamedTuple):
    """The least and the most words an answer is asked to have."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"


class AnswerWords(NamedTuple):
    """What --answer-words asks for; None stands for answers of any length."""

    general: WordRange | None
    by_trait: Mapping[Trait, WordRange | None]
    """Traits with a range of their own."""

    def of(self, trait: Trait) -> WordRange | None:
        """The range of a trait's answers."""
        return self.by_trait.get(trait, self.general)

    @property
    def most(self) -> int:
        """The most words asked for of any answer; 0 where all are free."""
        return max(words.high if words else 0 for words in (self.general, *self.by_trait.values()))

    def __str__(self) -> str:
        own = (f"{trait.value}={_shown(self.by_trait[trait])}" for trait in TRAITS if trait in self.by_trait)
        return ",".join((_shown(self.general), *own))


def _shown(words: WordRange | None) -> str:
    return FREE if words is None else str(words)


def default_answer_words(longest_turn: int) -> AnswerWords:
    """What is asked for where nothing is said: 8 to 40 words, as far as a turn may be as long."""
    return AnswerWords(WordRange(DEFAULT_LOW, min(DEFAULT_HIGH, longest_turn)), {})


def parse_answer_words(text: str, longest_turn: int) -> AnswerWords:
    """Read '8-40', 'free' and 'E=10-60', several of them between commas.

    Raises ValueError that says what is wrong. A trait's own range counts for that trait alone.
    """
    general = default_answer_words(longest_turn).general
    by_trait: dict[Trait, WordRange | None] = {}
    letters = {trait.value: trait for trait in TRAITS}
    seen: set[str] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        letter, equals, words = part.rpartition("=")
        letter = letter.strip().upper()
        if equals and letter not in letters:
            raise ValueError(f"'{part}' names no trait; write one of {', '.join(letters)}, such as E=10-60")
        if letter in seen:
            whose = f"of {letter}" if letter else "of all traits"
            raise ValueError(f"it gives the range {whose} twice; give it once")
        seen.add(letter)
        if equals:
            by_trait[letters[letter]] = _parse_range(words.strip(), longest_turn)
        else:
            general = _parse_range(words.strip(), longest_turn)
    if not seen:
        raise ValueError("it should be a range of words such as 8-40, or free")
    return AnswerWords(general, {trait: words for trait, words in by_trait.items() if words != general})


def asked_of(build: Mapping[str, Any], trait: Trait) -> str | None:
    """The words that a stored build's config asks for of an answer about a trait; None where any length will
    do, as for all builds before there were any."""
    try:
        words = parse_answer_words(str(build["answer_words"]), int(build["words"])).of(trait)
    except (KeyError, ValueError):
        return None
    return None if words is None else str(words)


def _parse_range(text: str, longest_turn: int) -> WordRange | None:
    if text.casefold() == FREE:
        return None
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no range of words; write one such as 8-40, or free")
    words = WordRange(int(match[1]), int(match[2]))
    if not 1 <= words.low <= words.high:
        raise ValueError(f"'{text}' should go from 1 or more words up, such as 8-40")
    if words.high > longest_turn:
        raise ValueError(f"'{text}' goes beyond the {longest_turn} words a turn may have; raise --words")
    return words


def target_words(words: WordRange, trait: Trait, seed: int, slot: int, exchanges: int) -> tuple[int, ...]:
    """The words asked for of each answer of dialogue number `slot` of either level of a trait.

    The dialogue has a length of its own, its answers lie evenly spread around that, in a drawn order.
    """
    start = random.Random(f"answer words {seed} {trait.value}").random()
    own = words.low + (start + slot * _STEP) % 1 * (words.high - words.low)
    steps = [SPREAD * ((2 * number + 1) / exchanges - 1) for number in range(exchanges)]
    random.Random(f"answer words {seed} {trait.value} {slot}").shuffle(steps)
    return tuple(min(max(round(own * (1 + step)), words.low), words.high) for step in steps)
