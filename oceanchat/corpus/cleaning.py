"""Repair what text picks up on its way: HTML entities, control characters, mojibake.

The repaired text keeps a map back to the text as given, so a position in one is a position in the other.
Knows nothing of sentences.
"""

import html
import re
from typing import NamedTuple

_SUSPECTS = "‘’‚“”„–—…•·€£©®°½éèêàâçñöüäïôûîíóáú\N{NO-BREAK SPACE}"  # noqa: RUF001
"""Characters whose UTF-8 bytes, read as cp1252, are the usual mojibake."""

_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe\uffff"


def _from_windows(raw: bytes) -> str:
    """Bytes as Windows reads them: cp1252, and latin-1 for the five bytes that cp1252 leaves out."""
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in raw)


_MOJIBAKE = {_from_windows(char.encode("utf-8")): char for char in _SUSPECTS}
"""What is seen -> what was meant."""

_APOSTROPHES = {"Õ": "’", "Ð": "–", "\ufffd": "’"}  # noqa: RUF001
"""What became of Macintosh quotes and dashes, and what is left of an apostrophe that some program lost."""

_DAMAGE = re.compile(
    r"(?P<entity>&(?:amp;){0,3}(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    rf"|(?P<mojibake>{'|'.join(sorted(map(re.escape, _MOJIBAKE), key=len, reverse=True))})"
    rf"|(?P<invisible>[{_INVISIBLE}])"
    r"|(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff])"
    r"|(?P<apostrophe>(?<=[A-Za-z])Õ(?=[a-z])|(?<=\s)Ð(?=\s)|(?<=[A-Za-z])\ufffd(?=(?:s|t|m|d|ll|re|ve)\b))"
)


_SUSPICIOUS = re.compile(r"[^\t\n\r -%'-~]")
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


def clean(text: str) -> CleanText:
    """The text with its damage repaired. Control characters become spaces, invisible ones go."""
    suspect = _SUSPICIOUS.search(text)
    if suspect is None or _DAMAGE.search(text, suspect.start()) is None:
        return CleanText(text, None, None)
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for damage in _DAMAGE.finditer(text):
        parts += [text[at : damage.start()], repaired := _repaired(damage)]
        starts += [*range(at, damage.start()), *[damage.start()] * len(repaired)]
        ends += [*range(at + 1, damage.start() + 1), *[damage.end()] * len(repaired)]
        at = damage.end()
    parts.append(text[at:])
    starts += range(at, len(text))
    ends += range(at + 1, len(text) + 1)
    return CleanText("".join(parts), starts, ends)


def readable(text: str) -> str:
    """The text repaired and set on one line with single spaces."""
    return " ".join(clean(text).text.split())


def _repaired(damage: re.Match[str]) -> str:
    seen = damage.group()
    match damage.lastgroup:
        case "entity":
            return _decoded(seen)
        case "mojibake":
            return _MOJIBAKE[seen]
        case "apostrophe":
            return _APOSTROPHES[seen]
        case "invisible":
            return ""
        case _:
            return _control(seen)


def _decoded(entity: str) -> str:
    """The character an entity stands for, however often its ampersand was escaped; unknown ones stay."""
    decoded = entity
    for _ in range(4):
        decoded = html.unescape(decoded)
    return "".join(char if char.isprintable() else " " for char in decoded)


def _control(char: str) -> str:
    """A control character as a space, or as what cp1252 means by it (a cp1252 file read as latin-1)."""
    if "\x80" <= char <= "\x9f":
        return _from_windows(char.encode("latin-1")).replace(char, " ")
    return " "
