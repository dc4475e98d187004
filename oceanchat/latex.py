"""Plain text and tables as LaTeX.

Plain ASCII that pdfLaTeX sets with nothing but its own fonts. What a document says is not known here.
"""

import re
import unicodedata
from collections.abc import Sequence

_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    # After the end of a table's row, a rule or an item a bare [ or * would be read as its option.
    **{character: f"{{{character}}}" for character in "[]*"},
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''", "`": "`{}", "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT SINGLE QUOTATION MARK}": "`{}", "\N{LEFT DOUBLE QUOTATION MARK}": "``",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "''", "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}", "ß": r"\ss{}",
    "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}",
    "§": r"\S{}", "±": r"$\pm$", "µ": r"$\mu$", "\N{MINUS SIGN}": "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{GREEK SMALL LETTER LAMDA}": r"$\lambda$",
}  # fmt: skip
"""What does not stand for itself."""
_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r",
            "\u030c": "v", "\u0327": "c"}  # fmt: skip
_HYPHENS = re.compile("-(?=-)")
_SPACE = re.compile(r"\s+")


def escaped(text: str) -> str:
    """Plain text as LaTeX, on one line; a character that LaTeX's own fonts lack becomes [U+code]."""
    return _HYPHENS.sub("-{}", "".join(map(_character, _SPACE.sub(" ", text))))


def comment(text: str) -> str:
    """A comment of one line."""
    return "% " + " ".join(text.split()).encode("ascii", "backslashreplace").decode()


def tabular(headings: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table of LaTeX cells; the first `words` columns are set to the left, the others in the middle."""
    line = " & ".join
    return "\n".join(
        (
            rf"\begin{{tabular}}{{{'l' * words}{'c' * (len(headings) - words)}}}",
            r"\toprule",
            line(headings) + r" \\",
            r"\midrule",
            *(line(row) + r" \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
        )
    )


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if " " <= character <= "\x7e":
        return character
    letter, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and marks[0] in _ACCENTS and letter.isascii() and letter.isalpha():
        base = rf"\{letter}" if letter in "ij" and marks[0] != "\u0327" else letter
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"
