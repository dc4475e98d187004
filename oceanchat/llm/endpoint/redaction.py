"""Redact secrets that an endpoint echoes.

A secret is found as it is, escaped as JSON or Python would, percent-encoded, in base64 and broken over lines.
A secret as short as a word is no secret in an answer, whose words it would eat: it is redacted in error
messages only, and there only where it stands alone. Knows nothing of HTTP.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote, unquote

MASK = "***"
SHORT = 12
"""Characters; a shorter secret is looked for in error messages only."""
_BREAK = r"(?:(?:\s|\\+[nrt])*(?:[\r\n]|\\+[nr])(?:\s|\\+[nrt])*)?"
"""A line break, real or escaped, with whatever indents the next line."""
_ESCAPES = (b"\\n", b"\\r", b"\\t")
_CODE_POINT = re.compile(rb"\\+u00[0-7]|\\+x[0-7]")
_QUOTED = "\"'\\/"


class Redactor:
    """Knows the secrets of one connection."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        long = sorted((form for form in forms if len(form) >= SHORT), key=len, reverse=True)
        short = sorted((form for form in forms if 0 < len(form) < SHORT), key=len, reverse=True)
        self._squeezed = tuple({_squeezed(form.encode()) for form in long})
        self._long = re.compile("|".join(map(_anyhow, long))) if long else None
        alone = "|".join(map(re.escape, short))
        self._short = re.compile(rf"(?<![0-9A-Za-z])(?:{alone})(?![0-9A-Za-z])") if short else None

    def answer(self, body: bytes) -> bytes:
        """The body of a reply without the secrets; its words are untouched."""
        if self._long is None or not self._may_hold(body):
            return body
        return self._long.sub(MASK, body.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        )

    def error(self, text: str) -> str:
        """An error's text without the secrets, the short ones too."""
        if self._long is not None:
            text = self._long.sub(MASK, text)
        return text if self._short is None else self._short.sub(MASK, text)

    def _may_hold(self, body: bytes) -> bool:
        """Quick look: whether the exact search is worth its time."""
        squeezed = _squeezed(body)
        return any(secret in squeezed for secret in self._squeezed) or (
            b"\\" in body and _CODE_POINT.search(body) is not None
        )


def _forms(secret: str) -> set[str]:
    """The spellings of a secret that servers repeat."""
    plain = unquote(secret)
    forms = {secret, plain, quote(plain, safe="")}
    if ":" in secret:  # a user and a password, as the header holds them
        forms.add(b64encode(plain.encode()).decode())
    return {form for form in forms if form}


def _squeezed(text: bytes) -> bytes:
    for escape in _ESCAPES:
        text = text.replace(escape, b"")
    return text.translate(None, b" \t\r\n\\")


def _anyhow(secret: str) -> str:
    """A pattern for a secret, each character escaped or not, broken over lines or not."""
    return _BREAK.join(map(_character, secret))


def _character(character: str) -> str:
    plain = re.escape(character)
    if character in _QUOTED:
        plain = rf"\\*{plain}"
    code = ord(character)
    if code > 0x7F:
        return plain
    return rf"(?:{plain}|\\+u00{code:02x}|\\+u00{code:02X}|\\+x{code:02x})"
