"""Decode the lines of a text file.

Byte by byte: UTF-8 where the bytes are UTF-8, cp1252 where they are not, latin-1 for the few that cp1252
leaves out; UTF-16 where the file says so. Knows nothing of tables.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from oceanchat.corpus.rows import refuse

_ESCAPED = re.compile("[\udc80-\udcff]")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\x0b\f\r")) + b"\x7f"
_PROBE = 4096


def checked_lines(path: Path) -> Iterator[str]:
    """The lines of a file with their ends. Raises CorpusError for an empty, binary or unreadable file."""
    try:
        if path.stat().st_size == 0:
            refuse(path, "is empty; give a file that holds something")
        if is_binary(path):
            refuse(path, "is a binary file; give text, or a .parquet or .xlsx file under that name")
        yield from lines(path)
    except OSError as error:
        refuse(path, f"cannot be read: {error.strerror}; check its permissions")


def is_binary(path: Path) -> bool:
    """Whether more than three and a twentieth of a file's first bytes are control characters."""
    start = _start(path)
    if _utf16(start):
        return False
    return len(start) - len(start.translate(None, _CONTROL)) > max(3, len(start) // 20)


def lines(path: Path) -> Iterator[str]:
    """Decoded lines with their ends, the mark of the encoding left out."""
    utf16 = _utf16(_start(path))
    encoding, errors = (utf16, "replace") if utf16 else ("utf-8-sig", "surrogateescape")
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        for line in file:
            yield _ESCAPED.sub(_windows, line)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_PROBE)


def _utf16(start: bytes) -> str:
    """The form of UTF-16 that a file begins in, by its mark or by every other byte being NUL; else empty."""
    if start.startswith(_UTF16):
        return "utf-16"
    for form, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros, others = start[first::2], start[1 - first :: 2]
        if len(start) > 20 and zeros.count(0) > len(zeros) * 9 // 10 and b"\0" not in others:
            return form
    return ""


def _windows(escaped: re.Match[str]) -> str:
    """The character a byte that is not UTF-8 stands for."""
    byte = escaped.group().encode("utf-8", "surrogateescape")
    return byte.decode("cp1252", "ignore") or byte.decode("latin-1")
