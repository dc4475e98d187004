"""Write LaTeX that a small TeX compiles.

Plain ASCII for pdfLaTeX with nothing but `article`, geometry and graphicx; booktabs is used where it is
installed. It knows nothing of what a document says.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
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
_MINUS = re.compile(r"(?<!\w)-(?=\d)")
_PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[a4paper,margin=2.2cm]{geometry}
\usepackage{graphicx}
\IfFileExists{booktabs.sty}{\usepackage{booktabs}}{%
  \newcommand{\toprule}{\hline}\newcommand{\midrule}{\hline}\newcommand{\bottomrule}{\hline}}
\newsavebox{\tablebox}
% A table that is wider than the page is made as narrow as the page.
\newcommand{\fitted}[1]{\sbox{\tablebox}{#1}\ifdim\wd\tablebox>\linewidth
  \resizebox{\linewidth}{!}{\usebox{\tablebox}}\else\usebox{\tablebox}\fi}
\setlength{\tabcolsep}{3pt}
\setlength{\belowcaptionskip}{6pt}
\renewcommand{\arraystretch}{1.15}
\renewcommand{\labelitemi}{$\bullet$}
\sloppy"""


class LatexTable(NamedTuple):
    """A numbered table, what must be read with it, and where its figures come from."""

    number: int
    """The paper's number of the table, which it keeps here."""
    caption: str
    tabulars: Sequence[str]
    """LaTeX, one under another."""
    notes: Sequence[str]
    """Plain sentences under the table: intervals in words, and limits."""
    sources: Sequence[str]
    """Plain lines that name a file and its fields, one a comment."""


def escaped(text: str) -> str:
    """Plain text as LaTeX, on one line; a character that LaTeX's own fonts lack becomes [U+code]."""
    return _HYPHENS.sub("-{}", "".join(map(_character, " ".join(text.split()))))


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


def table(content: LatexTable) -> str:
    """A floating table with its caption above and its notes below, and a comment for each source."""
    blocks = [rf"\fitted{{%{chr(10)}{_with_minus(block)}}}" for block in content.tabulars]
    notes = [
        rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {escaped(note)}}}" for note in content.notes
    ]
    return "\n".join(
        (
            *(comment(f"Table {content.number}: {source}") for source in content.sources),
            r"\begin{table}[htbp]",
            rf"\setcounter{{table}}{{{content.number - 1}}}",
            r"\centering\small",
            rf"\caption{{{escaped(content.caption)}}}",
            rf"\label{{tab:{content.number}}}",
            "\n\\par\\medskip\n".join(blocks),
            *notes,
            r"\end{table}",
        )
    )


def points(texts: Sequence[str]) -> str:
    """A list of plain sentences."""
    return "\n".join((r"\begin{itemize}", *(rf"\item {escaped(t)}" for t in texts), r"\end{itemize}"))


def document(blocks: Sequence[str]) -> str:
    """A whole document of blocks of LaTeX."""
    return "\n\n".join((_PREAMBLE, r"\begin{document}", *blocks, r"\end{document}")) + "\n"


def _with_minus(block: str) -> str:
    """Figures below zero with a minus instead of a hyphen."""
    return _MINUS.sub("$-$", block)


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if " " <= character <= "\x7e":
        return character
    letter, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and marks[0] in _ACCENTS and letter.isascii() and letter.isalpha():
        base = rf"\{letter}" if letter in "ij" and marks[0] != "\u0327" else letter
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"[U+{ord(character):04X}]"
