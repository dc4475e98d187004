"""Bring a scripted answer to a length.

What is too long is cut to its first sentences, or to one of them and its first clauses; what is too short
goes on. Knows sentences and words, nothing of what they say.
"""

import re
from collections.abc import Iterable

SENTENCE = re.compile(r"(?<=[.?!])\s+")
CLOSE = 2
"""Words by which a length may be missed without anything being done about it."""
_CLAUSE = re.compile(r",? (?=(?:and|but|so|because|before|after|while|when|which|with|until|then)\b)|[,;] ")


def to_length(answer: str, words: int, lines: Iterable[str]) -> str:
    """The answer with about so many words, gone on with sentences of `lines` where it is too short."""
    whole = SENTENCE.split(answer)
    fitting = [whole[:end] for end in range(1, len(whole) + 1) if count(whole[:end]) <= words + CLOSE]
    shortest = min((_cut(sentence, words) for sentence in whole), key=lambda one: _off([one], words))
    sentences = fitting[-1] if fitting else [shortest]
    for line in lines:
        if count(sentences) >= words - CLOSE:
            break
        for sentence in SENTENCE.split(line):
            if count([*sentences, sentence]) > words + CLOSE:
                break
            sentences.append(sentence)
    return " ".join(sentences)


def count(sentences: Iterable[str]) -> int:
    """Words of these sentences."""
    return sum(len(sentence.split()) for sentence in sentences)


def _off(sentences: Iterable[str], words: int) -> int:
    return abs(count(sentences) - words)


def _cut(sentence: str, words: int) -> str:
    """The sentence, or where it is too long as many of its clauses as come closest."""
    ends = [match.start() for match in _CLAUSE.finditer(sentence)]
    readings = [sentence, *(sentence[:end] + "." for end in ends if count([sentence[:end]]) >= 3)]
    return min(readings, key=lambda reading: _off([reading], words))
