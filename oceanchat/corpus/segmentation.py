"""Essays into sentences: nltk's Punkt with parameters of our own, then our rules for text that people type.

The only user of nltk, of which it loads the Punkt module alone. Every sentence keeps its place in the essay;
what cannot serve as a seed topic is set aside under a name. Knows nothing of traits.
"""

import importlib
import importlib.util
import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from itertools import pairwise
from types import ModuleType
from typing import Any, Literal, NamedTuple

from oceanchat.corpus.boundaries import sentence_starts
from oceanchat.corpus.cleaning import clean, readable
from oceanchat.corpus.run_ons import RUN_ON, cut
from oceanchat.records import Essay, Sentence, content_id

SetAside = Literal["no-words", "too-short", "too-long", "repeated"]

FEWEST_WORDS = 4
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
    if words < FEWEST_WORDS:
        return "too-short"
    if len(text.split()) > RUN_ON:
        return "too-long"
    return "repeated" if text.casefold() in seen else None


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of a clean text, without the whitespace around it."""
    tokenizer = _tokenizer()
    punkt = [start for start, _ in tokenizer.span_tokenize(text)][1:]
    for start, end in pairwise([0, *sentence_starts(text, punkt), len(text)]):
        for begin, stop in pairwise([start, *cut(text, start, end), end]):
            piece = text[begin:stop]
            if kept := piece.strip():
                begin += piece.index(kept)
                yield begin, begin + len(kept)


_PLAIN_END = re.compile(r"([^\W\d_]{2,})([.?!])\s")
"""A word of letters, one mark and a space."""


@cache
def _tokenizer() -> Any:
    """Punkt with the parameters in punkt.json."""
    punkt = _punkt_module()
    own = json.loads(resources.files("oceanchat.corpus").joinpath("punkt.json").read_text("utf-8"))
    parameters = punkt.PunktParameters()
    parameters.abbrev_types = abbreviations = set(own["abbreviations"])
    parameters.sent_starters = set(own["sentence_starters"])
    for word in parameters.sent_starters:
        # Seen capitalised at the start of sentences and in lower case inside them: "p.m. The" is a boundary.
        parameters.ortho_context[word] = punkt._ORTHO_BEG_UC | punkt._ORTHO_MID_LC
    tokenizer = punkt.PunktSentenceTokenizer(parameters)
    thorough = tokenizer.text_contains_sentbreak

    def contains_break(context: str) -> bool:
        # Punkt's answer without its tokens for the plain case, which is most of them: half of the time saved.
        plain = _PLAIN_END.match(context)
        if plain and (plain[2] != "." or plain[1].lower() not in abbreviations):
            return True
        return bool(thorough(context))

    tokenizer.text_contains_sentbreak = contains_break
    return tokenizer


_LOADING = threading.Lock()


def _punkt_module() -> Any:
    """nltk.tokenize.punkt without `import nltk`, which loads scipy and scikit-learn where they are installed.

    That would cost over a second and 200 MB. Bare packages stand in for nltk's own while its Punkt module
    loads and leave again afterwards, so that whoever imports nltk later gets all of it.
    """
    with _LOADING:
        if "nltk" in sys.modules:
            return importlib.import_module("nltk.tokenize.punkt")
        home = importlib.util.find_spec("nltk")
        if home is None or not home.submodule_search_locations:
            raise ModuleNotFoundError("nltk is not installed", name="nltk")
        folder = home.submodule_search_locations[0]
        try:
            for name, place in (("nltk", folder), ("nltk.tokenize", f"{folder}/tokenize")):
                sys.modules[name] = stand_in = ModuleType(name)
                stand_in.__path__ = [place]
            return importlib.import_module("nltk.tokenize.punkt")
        finally:
            for name in [name for name in sys.modules if name == "nltk" or name.startswith("nltk.")]:
                del sys.modules[name]
