"""Split essays into sentences.

Punkt goes first, then come our rules for text that people type. Every sentence keeps its offsets in the
essay; what cannot serve as a seed topic is set aside, counted by reason. Knows nothing of traits.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from oceanchat.corpus.boundaries import sentence_starts
from oceanchat.corpus.cleaning import clean, readable
from oceanchat.corpus.punkt import punkt_tokenizer
from oceanchat.corpus.run_ons import RUN_ON, cut
from oceanchat.records import Essay, Sentence, content_id

SetAside = Literal["no-words", "too-short", "too-long", "repeated"]

MIN_WORDS = 4
"""Words a sentence needs to say something that a dialogue can be about."""

_STRAY = re.compile(r"^[ ,;.)]+|(?<=[.!?])(?: \.)+$|[ ,;]+$")
"""Marks at the ends of a sentence that belong to its neighbours or were typed twice."""

_WORD = re.compile(r"[^\W\d_][\w'’-]*")  # noqa: RUF001


class TextSpan(NamedTuple):
    """A sentence in a text: always `text == given[start:end]`, damage included (`readable` repairs it)."""

    text: str
    start: int
    end: int


class Segmented(NamedTuple):
    """The sentences of one essay, and how many were set aside for which reason."""

    sentences: list[Sentence]
    set_aside: Counter[SetAside]


def segment(text: str) -> list[TextSpan]:
    """The sentences of a text, in order, without overlap.

    Together they leave out nothing but whitespace, control and invisible characters. A run-on without full
    stops is cut where new thoughts seem to begin.
    """
    given = clean(text)
    spans = []
    for start, end in _pieces(given.text):
        given_start, given_end = given.given_span(start, end)
        spans.append(TextSpan(text[given_start:given_end], given_start, given_end))
    return spans


def sentences_of(essay: Essay) -> Segmented:
    """The sentences of an essay that can become seed topics, repaired and set on one line."""
    sentences: list[Sentence] = []
    set_aside: Counter[SetAside] = Counter()
    seen: set[str] = set()
    for span in segment(essay.text):
        text = _STRAY.sub("", readable(span.text))
        if reason := _unusable(text, seen):
            set_aside[reason] += 1
            continue
        seen.add(text.casefold())
        sentences.append(
            Sentence(
                id=content_id(essay.id, str(span.start), str(span.end)),
                essay_id=essay.id,
                author=essay.author,
                start=span.start,
                end=span.end,
                text=text,
            )
        )
    return Segmented(sentences, set_aside)


def _unusable(text: str, seen: set[str]) -> SetAside | None:
    words = len(_WORD.findall(text))
    if not words:
        return "no-words"
    if words < MIN_WORDS:
        return "too-short"
    if len(text.split()) > RUN_ON:
        return "too-long"
    return "repeated" if text.casefold() in seen else None


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of a clean text, without the whitespace around it."""
    punkt = [start for start, _ in punkt_tokenizer().span_tokenize(text)][1:]
    for start, end in pairwise([0, *sentence_starts(text, punkt), len(text)]):
        for begin, stop in pairwise([start, *cut(text, start, end), end]):
            piece = text[begin:stop]
            if sentence := piece.strip():
                begin += piece.index(sentence)
                yield begin, begin + len(sentence)
