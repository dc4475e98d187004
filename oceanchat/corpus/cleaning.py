"""Repair damaged characters, keeping their offsets.

ftfy decides what mojibake meant. It gives no offsets, so each damaged run goes to it alone, and every
repaired character maps to the run it came from. The rest is ours: entities escaped several times, HTML tags,
control characters, and marks that old Macintosh programs left, which ftfy does not know. Knows nothing of
sentences.
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from ftfy import fix_encoding
from ftfy.badness import is_bad
from ftfy.chardata import UTF8_DETECTOR_RE

_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe\uffff"

_REMNANTS = {"Õ": "’", "Ð": "–", "\ufffd": "’", "â€": "”"}  # noqa: RUF001
"""What became of Macintosh quotes and dashes, what is left of an apostrophe that some program lost, and of a
closing quote whose last byte cp1252 does not have."""

_BLOCKS = "br|hr|p|div|li|ul|ol|tr|h[1-6]|blockquote"
_INLINE = "b|i|u|em|strong|span|font|a|small|s|strike|sup|sub|center|big"
_LT, _GT = "(?:<|&(?:amp;){0,3}lt;)", "(?:>|&(?:amp;){0,3}gt;)"
_DAMAGE = re.compile(
    rf"(?P<line_break>(?i:{_LT}/?(?:{_BLOCKS})(?:\s[^<>\n]{{0,200}}?)?/?{_GT}))"
    rf"|(?P<tag>(?i:{_LT}/?(?:{_INLINE})(?:\s[^<>\n]{{0,200}}?)?/?{_GT}))"
    r"|(?P<entity>&(?:amp;){0,3}(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    rf"|(?P<invisible>[{_INVISIBLE}])"
    r"|(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff])"
    r"|(?P<remnant>(?<=[A-Za-z])Õ(?=[a-z])|(?<=\s)Ð(?=\s)|(?<=[A-Za-z])\ufffd(?=(?:s|t|m|d|ll|re|ve)\b)"
    r"|(?<=[\w.,!?…])â€(?=[\s.,;:!?)]|$))"
)

_SUSPICIOUS = re.compile(r"[^\t\n\r -%'-;=-~]")
"""Every damage starts with one of these; text without any, the usual case, is passed twenty times faster."""


class CleanText(NamedTuple):
    """A repaired text, and where in the given text each of its characters stands."""

    text: str
    starts: list[int] | None
    """Start in the given text of each character; None when nothing was repaired."""
    ends: list[int] | None
    """End in the given text of each character; None when nothing was repaired."""

    def given_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the given text behind `text[start:end]`, which must not be empty."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


class _Repair(NamedTuple):
    """What `given[start:end]` should have been."""

    start: int
    end: int
    text: str


def clean(text: str) -> CleanText:
    """The text with its damage repaired. Control characters become spaces, invisible ones and tags go."""
    suspect = _SUSPICIOUS.search(text)
    repairs = [] if suspect is None else list(_repairs(text, suspect.start()))
    if not repairs:
        return CleanText(text, None, None)
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for repair in repairs:
        parts += [text[at : repair.start], repair.text]
        starts += [*range(at, repair.start), *[repair.start] * len(repair.text)]
        ends += [*range(at + 1, repair.start + 1), *[repair.end] * len(repair.text)]
        at = repair.end
    parts.append(text[at:])
    starts += range(at, len(text))
    ends += range(at + 1, len(text) + 1)
    return CleanText("".join(parts), starts, ends)


def readable(text: str) -> str:
    """The text repaired and set on one line with single spaces."""
    return " ".join(clean(text).text.split())


def _repairs(text: str, at: int) -> Iterator[_Repair]:
    """All repairs from `at` on, in order: mojibake, and other damage in between."""
    for run in UTF8_DETECTOR_RE.finditer(text, at):
        repaired = _DAMAGE.sub(_repaired, fix_encoding(run.group())) if is_bad(run.group()) else run.group()
        if repaired != run.group() and not _DAMAGE.match(text, run.start()):
            yield from _other_repairs(text, at, run.start())
            yield _Repair(*run.span(), repaired)
            at = run.end()
    yield from _other_repairs(text, at, len(text))


def _other_repairs(text: str, start: int, end: int) -> Iterator[_Repair]:
    return (_Repair(*damage.span(), _repaired(damage)) for damage in _DAMAGE.finditer(text, start, end))


def _repaired(damage: re.Match[str]) -> str:
    match damage.lastgroup:
        case "entity":
            return _decoded(damage.group())
        case "remnant":
            return _REMNANTS[damage.group()]
        case "invisible" | "tag":
            return ""
        case "line_break":
            return "\n"
        case _:
            return _control(damage.group())


def _decoded(entity: str) -> str:
    """The character an entity stands for, however often its ampersand was escaped; unknown ones stay."""
    decoded = entity
    for _ in range(4):
        decoded = html.unescape(decoded)
    return "".join(char if char.isprintable() else " " for char in decoded)


def _control(char: str) -> str:
    """A control character as a space, or as what cp1252 means by it (a cp1252 file read as latin-1)."""
    if "\x80" <= char <= "\x9f":
        return char.encode("latin-1").decode("cp1252", "ignore") or " "
    return " "
