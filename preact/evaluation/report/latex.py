"""Write LaTeX documents that a small TeX compiles.

For pdfLaTeX with nothing but `article`, geometry and graphicx; booktabs is used where it is
installed. It knows nothing of what a document says.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from oceanchat.latex import comment, escaped

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
