"""Fold lookalike characters to their ASCII ones.

Models write non-breaking hyphens, full-width colons, curly quotes and bold mathematical letters where a form
asks for plain ones. Folding keeps the length, so what was recognised in the folded text is cut from the
original one, and nobody's words are altered.
"""

import functools
import unicodedata

_SIGNS = {
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u207b\u208b\u2212\ufe31\ufe32\ufe58\ufe63\uff0d",
    ":": "\u02d0\u02f8\u0589\u05c3\u2236\ua789\ufe13\ufe55\uff1a",
    "'": "\u02b9\u02bb\u02bc\u02c8\u2018\u2019\u201a\u201b\u2032\u2035\uff07\u00b4",
    '"': "\u02ba\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u300c\u300d\u300e\u300f\uff02",
    "|": "\u00a6\u01c0\u2223\u23d0\u2502\uff5c",
    "*": "\u2217\u204e\u2731",
    "[": "\u3010\u27e6",
    "]": "\u3011\u27e7",
    "<": "\u2039\u27e8\u3008",
    ">": "\u203a\u27e9\u3009\u2192\u21d2\u2794\u279c",
}
_TABLE = {ord(lookalike): sign for sign, lookalikes in _SIGNS.items() for lookalike in lookalikes}


@functools.lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    sign = _TABLE.get(ord(character))
    if sign:
        return sign
    if character.isspace():
        return "\n" if character == "\n" else " "
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 and plain.isascii() else character


def folded(text: str) -> str:
    """`text`, as long as before, with dashes, colons, quotes, spaces and letters that only look like ASCII
    as ASCII."""
    return text if text.isascii() and "\t" not in text else "".join(map(_fold, text))
