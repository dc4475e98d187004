"""Flaws that answers show without any judge.

Whether they were cut off, repeat themselves, give the persona prompt away, turn to the reader as an assistant
does, or are no English that the backbone would write. Each is a rule over one answer, can be wrong about it,
and is counted over an interview; no answer is changed or left out.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from oceanchat.prompts import default_folder
from preact.evaluation.interview.interviewing import Interview, InterviewAnswer

Flaw = Literal["cut", "repeats", "prompt-leak", "second-person", "assistant", "machine", "not-fluent"]
FLAWS: Mapping[Flaw, str] = {
    "cut": "were cut off at the most tokens an answer may take",
    "repeats": "repeat their own words (more than a tenth of their 4-grams)",
    "prompt-leak": "give the persona prompt away (five of its words in a row, or a trait's name)",
    "second-person": "speak of the reader more than of themselves",
    "assistant": "talk as an assistant does (offers help, lists advice)",
    "machine": "step out of the part and speak as a machine",
    "not-fluent": "are less likely to their backbone than any of 30 answers written by hand",
}
"""What an answer with the flaw does, after 'answers'."""

LEAKED_WORDS = 5
REPEATED = 0.1
"""Share of an answer's 4-grams that occurred before in it, above which it repeats itself."""
_MIN_WORDS = 5
"""Words below which neither repetition nor fluency is told."""

_WORD = re.compile(r"[a-z]+(?:['\u2019][a-z]+)?")
_TRAIT_NAMES = re.compile(
    r"\b(conscientiousness|extraversion|agreeableness|neuroticism|(high|low) openness|openness to experience"
    r"|big five)\b|</?persona>|\{persona\}",
    re.IGNORECASE,
)
_FIRST = re.compile(r"(?:i|me|my|mine|myself|we|us|our|ours|ourselves)(?:'\w+)?")
_SECOND = re.compile(r"(?:you|your|yours|yourself|yourselves)(?:'\w+)?")
_ASSISTANT = re.compile(
    r"\b(how (can|may) i (help|assist)|i(['\u2019]m| am) here to (help|assist)|(is|was) there anything else"
    r"|feel free to (ask|reach|let|share)|let me know if (you|there)|happy to (assist|help you)"
    r"|here (are|is) (a few|some|a list|the|my|an?) ?(list|tips|steps|ways|examples?|suggestions|general)"
    r"|it(['\u2019]s| is) (important|worth) (to note|to remember|noting)"
    r"|thank you for (asking|sharing|your question))\b"
    r"|^\s*(\d+[.)]|[-*\u2022]) \S[^\n]*\n+\s*(\d+[.)]|[-*\u2022]) ",
    re.IGNORECASE | re.MULTILINE,
)


class FlawCount(NamedTuple):
    """How many answers show a flaw."""

    shown: int
    total: int
    """Answers of which it is known whether they do; 0 where nobody can say."""

    @property
    def share(self) -> float:
        """Of the answers it is known of; 0 where there are none."""
        return self.shown / self.total if self.total else 0.0


def flaw_counts(interview: Interview) -> dict[Flaw, FlawCount]:
    """How many of the given answers show each flaw; empty, refused and failed ones are counted elsewhere."""
    given = [answer for answer in interview.answers if answer.state == "answered"]
    limit = max(interview.fluent, default=None)
    seen = [flaws_of(answer, limit) for answer in given]
    ends = sum(answer.finish_reason != "" for answer in given)
    losses = 0 if limit is None else sum(answer.loss is not None for answer in given)
    totals: dict[Flaw, int] = {"cut": ends, "not-fluent": losses}
    return {flaw: FlawCount(sum(flaw in own for own in seen), totals.get(flaw, len(given))) for flaw in FLAWS}


def flaws_of(answer: InterviewAnswer, limit: float | None = None) -> frozenset[Flaw]:
    """The flaws of one answer; `limit` is the highest loss, in nats a token, of a fluent one."""
    text, words = answer.answer, _words(answer.answer)
    enough = len(words) >= _MIN_WORDS
    signs: dict[Flaw, bool] = {
        "cut": answer.finish_reason == "length",
        "repeats": enough and _repeated(words) > REPEATED,
        "prompt-leak": _leaks(text, words),
        "second-person": _to_the_reader(words),
        "assistant": _ASSISTANT.search(text) is not None,
        "machine": answer.speaks_as_machine,
        "not-fluent": enough and limit is not None and answer.loss is not None and answer.loss > limit,
    }
    return frozenset(flaw for flaw, shown in signs.items() if shown)


def _words(text: str) -> list[str]:
    return [word.replace("\u2019", "'") for word in _WORD.findall(text.lower())]


def _grams(words: list[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(itertools.islice(words, start, None) for start in range(size)), strict=False))


def _repeated(words: list[str]) -> float:
    grams = _grams(words, 4)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def _leaks(text: str, words: list[str]) -> bool:
    return _TRAIT_NAMES.search(text) is not None or not _prompt_grams().isdisjoint(
        _grams(words, LEAKED_WORDS)
    )


@functools.cache
def _prompt_grams() -> frozenset[tuple[str, ...]]:
    """Five words in a row of any persona template that ships."""
    texts: Iterable[str] = (path.read_text("utf-8") for path in sorted(default_folder().glob("persona*.md")))
    return frozenset(gram for text in texts for gram in _grams(_words(text), LEAKED_WORDS))


def _to_the_reader(words: list[str]) -> bool:
    second = sum(_SECOND.fullmatch(word) is not None for word in words)
    return second >= 2 and second > sum(_FIRST.fullmatch(word) is not None for word in words)
