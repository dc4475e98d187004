"""Know titles and remarks around a dialogue.

A model introduces what it writes, gives it a title and comments on it; rules stand between. Here such lines
are told by their form and their first words, once it is known that no speaker's label begins them.
"""

import re
from typing import Literal

HeadingKind = Literal["dialogue", "notes", "title"]

_RULE = re.compile(
    r"[\s>]*(?:[-=_*~\u2500\u2501\u2550#+] ?){3,}\s*|[\s|:+-]*\|[\s|:+-]*"
    r"|\s*[(\[#]?\d{1,3}[.):\]]?\s*|[\d:,. ]{8,14}-->[\d:,. ]{8,14}"
)
_HEADING = re.compile(
    r"\s*(?:#{1,6}\s+(?P<hashed>.+)|\*\*(?P<bold>[^*]{1,80})\*\*:?|__(?P<under>[^_]{1,80})__:?"
    r"|(?P<capitals>[A-Z][A-Z .,'\"/&-]{3,60}[A-Z])"
    r"|(?P<counter>[*_(\[]{0,3}(?i:exchange|turn|round|part|scene|act)[ _]?#?\d{1,3}[*_)\]:.]{0,4})"
    r"|(?P<numbered>[*_(\[]{0,3}(?i:dialogue|conversation|version|option|draft) ?#?\d{1,2}[*_)\]:.]{0,4})"
    r"|(?P<colon>[A-Z][A-Za-z' -]{2,40}):)\s*"
)
_COUNTER = re.compile(r"\W*(?:exchange|turn|round|part|question|scene|act|section|line)\W*\d", re.IGNORECASE)
_DIALOGUE = re.compile(
    r"\b(?:dialogue|conversation|script|transcript|screenplay|final|revised|version|draft|attempt|take|option"
    r"|interview|output|answer)\b",
    re.IGNORECASE,
)
_NOTES = re.compile(
    r"\b(?:notes?|analysis|explanation|comments?|commentary|key|facets?|traits?|rationale|why|how|about"
    r"|checks?|checklist|word count|summary|breakdown|observations?|characters?|plan|planning|setting|cast"
    r"|outline|roles|reasoning|thoughts?|thinking|requirements|instructions|disclaimer|end|personality)\b",
    re.IGNORECASE,
)
_REMARKS = (
    r"notes?|n\.?b\.?|p\.?s\.?|word count|total|words|\d+ words|(?:the )?end|fin|end of|disclaimer",
    r"let me know|shall i|should i (?:write|change|make|add|go)|(?:i )?hope (?:this|that|it|you)|feel free",
    r"(?:would|do) you (?:like|want|prefer) (?:me|another|to|any|a different)|please let|as requested",
    r"if you(?:'d| would)? (?:like|want|need|prefer)|is there anything else|(?:i'm )?happy to|as you can see",
    r"(?:in )?this (?:dialogue|conversation|exchange|screenplay|response|script|version|interview|one)",
    r"this (?:captures|shows)|each (?:answer|turn|reply)|here(?:'s| is| are)|sure|certainly|of course",
    r"the (?:dialogue|conversation|self-discloser|questioner|interviewee|above|answers|facet|trait)",
    r"i(?:'ve| have) (?:kept|tried|written|made|aimed|avoided)|i (?:kept|aimed|made sure|avoided|wrote)",
    r"i tried to|explanation|analysis|facets?|traits?|dialogue|conversation|seed topic|exchanges?",
    r"fade|cut to|curtain|scene",
)
_REMARK = re.compile(rf"\W*(?:{'|'.join(_REMARKS)})\b", re.IGNORECASE)
"""How remarks on a text begin; asked only of lines that no speaker's label begins."""
_NAMED_LINE = re.compile(r"\W{0,4}[A-Z][\w' -]{1,30}:(?:\s|$)")


def is_rule(line: str) -> bool:
    """Whether a line is drawn, not written."""
    return _RULE.fullmatch(line) is not None


def heading_kind(line: str) -> HeadingKind | None:
    """Whether a line is a heading and of what: the dialogue itself, notes, or a mere title; None for text."""
    match = _HEADING.fullmatch(line)
    if match is None:
        return None
    words = next(text for text in match.groups() if text)
    if match["counter"] or _COUNTER.match(words):
        return "title"
    if _NOTES.search(words):
        return "notes"
    return "dialogue" if _DIALOGUE.search(words) else None if match["colon"] else "title"


def begins_remark(line: str) -> bool:
    """Whether a line without a speaker begins as remarks on a text do."""
    return _REMARK.match(line) is not None or _NAMED_LINE.match(line) is not None
