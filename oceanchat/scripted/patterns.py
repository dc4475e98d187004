"""Find many word patterns in one pass.

Patterns are written in a small language over plain words. A pattern is words in a row: `stem*` ends freely,
`a/b` is either, `~` skips up to three words within the clause, `@name` is one of WORD_CLASSES; each `!` at
the end adds to the weight of 1. Knows nothing of traits.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

WORD_CLASSES: Mapping[str, frozenset[str]] = {
    "i": frozenset(["i", "im", "ive", "id", "ill", "me", "my", "myself", "we", "our", "us", "were"]),
    "neg": frozenset(
        [
            "not",
            "no",
            "never",
            "dont",
            "didnt",
            "doesnt",
            "isnt",
            "wasnt",
            "arent",
            "werent",
            "cant",
            "cannot",
            "couldnt",
            "wont",
            "wouldnt",
            "havent",
            "hasnt",
            "hadnt",
            "hardly",
            "barely",
            "without",
            "aint",
            "nor",
        ]
    ),
    "hate": frozenset(
        {"hate", "hated", "hates", "hating", "dislike", "disliked", "despise", "detest", "loathe"}
    ),
    "love": frozenset(
        {"love", "loved", "loves", "loving", "like", "liked", "enjoy", "enjoyed", "adore", "adored"}
    ),
}
"""What `@name` stands for in a pattern, in words without apostrophes."""

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)*|[.,;:!?()]")
_BREAK = "|"
_GAP = 3
_CACHED_WORDS = 60_000


class PatternMatch(NamedTuple):
    """Where a pattern matches a text."""

    group: str
    """The key of the lexicon that holds the pattern."""
    start: int
    end: int
    """Token positions, end excluded."""
    weight: float
    negated: bool
    """Whether a negation stands within three words before it, in the same clause."""


class _Pattern(NamedTuple):
    group: str
    elements: tuple[str, ...]
    weight: float


def tokens_of(text: str) -> list[str]:
    """Lower-case words without apostrophes; punctuation becomes the clause break '|'."""
    lowered = text.lower().replace("\u2019", "'")
    return [token.replace("'", "") if token[0].isalpha() else _BREAK for token in _TOKEN.findall(lowered)]


def split_patterns(listed: str) -> list[str]:
    """The patterns of a list separated by semicolons and line breaks."""
    return [piece.strip() for piece in re.split(r"[;\n]", listed) if piece.strip()]


class PatternIndex:
    """Patterns in named groups, looked up by their first word."""

    def __init__(self, groups: Mapping[str, Iterable[tuple[str, float]]]) -> None:
        """`groups` maps a key to its patterns, each with a factor for its weight."""
        self._exact: dict[str, list[_Pattern]] = {}
        self._stems: dict[str, list[_Pattern]] = {}
        self._cache: dict[str, tuple[_Pattern, ...]] = {}
        for group, patterns in groups.items():
            for text, factor in patterns:
                self._insert(group, text, factor)

    def _insert(self, group: str, text: str, factor: float) -> None:
        bare = text.rstrip("!")
        elements = tuple(bare.replace("'", "").split())
        pattern = _Pattern(group, elements, (1 + len(text) - len(bare)) * factor)
        for first in _heads(elements[0]):
            if first.endswith("*"):
                self._stems.setdefault(first[:-1], []).append(pattern)
            else:
                self._exact.setdefault(first, []).append(pattern)

    def _starting(self, token: str) -> tuple[_Pattern, ...]:
        known = self._cache.get(token)
        if known is None:
            patterns = list(self._exact.get(token, ()))
            for length in range(2, len(token) + 1):
                patterns.extend(self._stems.get(token[:length], ()))
            if len(self._cache) >= _CACHED_WORDS:
                self._cache.clear()
            known = self._cache[token] = tuple(patterns)
        return known

    def find(self, tokens: Sequence[str]) -> Iterator[PatternMatch]:
        """All patterns in the tokens, in order of their start; overlapping ones too."""
        for start, token in enumerate(tokens):
            for pattern in self._starting(token):
                end = _match(pattern.elements, 1, tokens, start + 1)
                if end:
                    yield PatternMatch(pattern.group, start, end, pattern.weight, is_negated(tokens, start))


def is_negated(tokens: Sequence[str], start: int) -> bool:
    """Whether one of the three words before `start`, within the clause, is a negation."""
    for position in range(start - 1, max(start - 4, -1), -1):
        if tokens[position] == _BREAK:
            return False
        if tokens[position] in WORD_CLASSES["neg"]:
            return True
    return False


def _heads(element: str) -> Iterator[str]:
    for choice in element.split("/"):
        if choice.startswith("@"):
            yield from WORD_CLASSES[choice[1:]]
        else:
            yield choice


def _fits(element: str, token: str) -> bool:
    for choice in element.split("/"):
        if choice.startswith("@"):
            if token in WORD_CLASSES[choice[1:]]:
                return True
        elif choice.endswith("*"):
            if token.startswith(choice[:-1]):
                return True
        elif choice == token:
            return True
    return False


def _match(elements: Sequence[str], element: int, tokens: Sequence[str], at: int) -> int:
    """The token position after the match, or 0 when the rest of the pattern is not there."""
    if element == len(elements):
        return at
    if elements[element] == "~":
        for skipped in range(_GAP + 1):
            end = _match(elements, element + 1, tokens, at + skipped)
            if end:
                return end
            if at + skipped >= len(tokens) or tokens[at + skipped] == _BREAK:
                return 0
        return 0
    if at >= len(tokens) or not _fits(elements[element], tokens[at]):
        return 0
    return _match(elements, element + 1, tokens, at + 1)
