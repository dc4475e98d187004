"""Cut run-on sentences where new thoughts begin.

A run-on is hundreds of words typed without full stops. The strongest signs are tried first, weaker ones only
on pieces still too long. Knows nothing of Punkt.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

RUN_ON = 60
"""Words above which a sentence counts as a run-on."""
LONG = 30
"""Words above which a piece of a run-on is cut again."""
MIN_WORDS = 4
"""Words a piece must keep where the sign is punctuation."""
MIN_WORDS_UNMARKED = 7
"""Words a piece must keep where only words tell that a thought begins."""

_SUBJECT = (
    r"(?:i|i'm|im|i've|ive|i'll|i'd|he|he's|hes|she|she's|shes|it|it's|its|we|we're|they|they're|you|you're"
    r"|there|there's|theres|this|that's|thats|my|what|why|how|when)(?![\w'])"
)
_NOMINATIVE = (
    r"(?:i|i'm|im|i've|ive|i'll|i'd|he|he's|hes|she|she's|shes|it's|we|we're|they|they're|there's|that's)"
    r"(?![\w'])"
)
"""Subjects that cannot be objects of the verb before."""
_LINKS = r"(?:and|but|so|or|then|because|cause|well|anyways?|oh|ok|okay|man|now|maybe|also|plus|though)"
_GOVERNS = """
    that what when where why who how if because cause and but or so as than since until till while
    though although think thought know knew guess wish hope hoped say said says feel felt believe mean
    swear bet wonder like the thing things way time all everything nothing something anything much many
    one people place whatever whenever before after am is are was were do does did can could should
    would will have had not just with for of to in on at by about from which whom whose this my your his
    her
"""
"""Words after which a subject goes on with the clause."""

_FREE = "".join(rf"(?<!\b{word}\s)" for word in _GOVERNS.split())


class _Sign(NamedTuple):
    """A thought begins at the end of the match, if the pieces keep `min_words` words."""

    pattern: re.Pattern[str]
    min_words: int


_SIGNS = tuple(
    _Sign(re.compile(pattern, re.IGNORECASE), min_words)
    for pattern, min_words in (
        (r"\s{2,}|(?<=[.!?>;])\s+", MIN_WORDS),
        (r"(?:\.{2,}|…|\s-+|--+)\s+", MIN_WORDS),
        (rf",\s+(?=(?:{_LINKS}\s+)?{_SUBJECT})", MIN_WORDS),
        (rf"\s(?={_LINKS}\s+{_SUBJECT})", MIN_WORDS_UNMARKED),
        (rf"\s{_FREE}(?={_NOMINATIVE})", MIN_WORDS_UNMARKED),
        (r",\s+|\s(?=(?:and|but)\s)", MIN_WORDS_UNMARKED),
    )
)
"""Strongest first."""


def cut(text: str, start: int, end: int) -> list[int]:
    """Where the pieces of the run-on `text[start:end]` start after the first, in order.

    Empty when it is not a run-on.
    """
    if end - start <= RUN_ON or len(text[start:end].split()) <= RUN_ON:
        return []
    pieces = [(start, end)]
    for sign in _SIGNS:
        pieces = [smaller for piece in pieces for smaller in _cut_by(sign, text, *piece)]
    return [begin for begin, _ in pieces[1:]]


def _cut_by(sign: _Sign, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The piece cut at every sign that leaves enough words on both sides; whole when it is short enough."""
    left = len(text[start:end].split())
    if left > LONG:
        counted, words = start, 0
        for match in sign.pattern.finditer(text, start, end):
            words += len(text[counted : match.end()].split())
            counted = match.end()
            if words >= sign.min_words and left - words >= sign.min_words:
                yield start, counted
                start, left, words = counted, left - words, 0
    yield start, end
