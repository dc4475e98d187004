"""The tables of rated models, in four formats.

The paper's Table 3 first, then trait-levels, agreement and differences. Notes stay with their figures in
every format. Nothing is computed here.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import click

from oceanchat.cli.display.footnotes import Footnotes
from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.display.tables import print_table
from oceanchat.counting import counted
from oceanchat.latex import comment, escaped, tabular
from oceanchat.release.card.markdown import table as markdown_table
from oceanchat.statistics.agreement import ROUGH
from oceanchat.statistics.figure import SHARE, Figure
from oceanchat.statistics.model_ratings import LIVE, WEIGHTS, RatingReport, SystemFigures
from oceanchat.statistics.rating_file import SCALES

STYLES = ("table", "markdown", "latex")
_MARKS = {"table": " [{}]", "markdown": "<sup>{}</sup>", "latex": "\x02{}\x03"}
_MEAN = ".2f"
_COEFFICIENT = ".2f"


class _Section(NamedTuple):
    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


def print_rating_report(report: RatingReport, style: str) -> None:
    """The tables of an evaluation on stdout, in one of STYLES."""
    notes = Footnotes(_MARKS[style])
    sections = [_table_three(report, notes), _by_level(report, notes), _agreement(report, notes)]
    if len(report.systems) > 1:
        sections.append(_differences(report, notes))
    for section in sections:
        if style == "table":
            print_table(section.headers, section.rows, section.title)
            print_sentence("")
        elif style == "markdown":
            click.echo(f"**{section.title}**\n\n{markdown_table(section.headers, section.rows)}")
        else:
            click.echo(_latex(section))
    lead = {"table": "", "markdown": "- ", "latex": "% "}[style]
    for line in (*_methods(report), *notes.lines(), *report.remarks):
        if style == "table":
            print_sentence(line)
        else:
            click.echo(lead + line)


def _methods(report: RatingReport) -> list[str]:
    """What the tables show, in sentences that stay with them."""
    lines = [
        "Intervals are 95 %, over starting questions: Wilson's for clustered draws for alignment, a cluster"
        " bootstrap for other means and for differences; those of agreement are over"
        f" {'conversations' if report.unit == 'shared' else 'questions'}.",
        "Alpha is Krippendorff's, AC2 is Gwet's with"
        f" {WEIGHTS} weights over the whole scale (of two points: AC1).",
    ]
    if report.unit == "live":
        lines.append(f"In parentheses: {LIVE}.")
    if len(report.systems) == 1:
        lines.append("Ratings of one system: there is nothing to compare it with.")
    return lines


def _table_three(report: RatingReport, notes: Footnotes) -> _Section:
    rows = [(name, *_cells(figures, notes)) for name, figures in report.systems.items()]
    number = f"Evaluation {report.evaluation}, " if report.evaluation else ""
    counts = {
        f"{counted(each.ratings, 'rating')} of {counted(each.conversations, 'conversation')} by"
        f" {counted(each.annotators, 'annotator')} a system"
        for each in report.systems.values()
    }
    ratings = sum(each.ratings for each in report.systems.values())
    size = counts.pop() if len(counts) == 1 else counted(ratings, "rating")
    over = "" if report.unit == "shared" else " over questions"
    title = f"{number}{report.unit}: {size}; mean (Fleiss' kappa{over}), interval of the mean"
    return _Section(title, ("Model", *map(str.capitalize, SCALES)), rows)


def _by_level(report: RatingReport, notes: Footnotes) -> _Section:
    rows = [
        (code, name, *_cells(figures, notes))
        for code, systems in report.trait_levels.items()
        for name, figures in systems.items()
    ]
    return _Section("By trait-level", ("", "Model", *map(str.capitalize, SCALES)), rows)


def _cells(figures: SystemFigures, notes: Footnotes) -> list[str]:
    """One cell a criterion: mean, kappa in parentheses, interval of the mean."""
    cells = []
    for criterion in figures.criteria.values():
        mean, interval = criterion.mean.cells(_MEAN)
        kappa = notes.marked(criterion.fleiss_kappa.cells(_COEFFICIENT)[0], _of_value(criterion.fleiss_kappa))
        text = f"{notes.marked(mean, criterion.mean.note)} ({kappa})"
        cells.append(f"{text}, {interval}" if interval else text)
    return cells


def _own(figure: Figure) -> str:
    """A figure's note without what is true of every figure of a live evaluation."""
    return figure.note.removeprefix(LIVE).removeprefix("; ")


def _of_value(figure: Figure) -> str:
    """A figure's note without what is about its interval, which stands elsewhere."""
    parts = _own(figure).split("; ")
    return "; ".join(part for part in parts if not (part.startswith("interval from") or part.endswith(ROUGH)))


def _agreement(report: RatingReport, notes: Footnotes) -> _Section:
    def cell(figure: Figure, form: str) -> str:
        value, interval = figure.cells(form)
        return notes.marked(f"{value}, {interval}" if interval else value, _own(figure))

    rows = [
        (
            system if name == "alignment" else "",
            name,
            str(each.scores),
            "nominal, 0 or 1" if len(SCALES[name]) == 2 else "ordinal, 1 to 5",
            cell(each.observed, SHARE),
            cell(each.fleiss_kappa, _COEFFICIENT),
            cell(each.alpha, _COEFFICIENT),
            cell(each.ac2, _COEFFICIENT),
        )
        for system, figures in report.systems.items()
        for name, each in figures.criteria.items()
    ]
    headers = ("Model", "criterion", "scores", "scale of alpha", "observed", "Fleiss' kappa", "alpha", "AC2")
    return _Section("Agreement", headers, rows)


def _differences(report: RatingReport, notes: Footnotes) -> _Section:
    rows = []
    for each in report.differences:
        value, interval = each.difference.cells("+.2f")
        pair = f"{each.system} - {each.other}"
        rows.append(
            (pair, each.criterion, str(each.questions), notes.marked(value, each.difference.note), interval)
        )
    return _Section(
        "Differences over the same starting questions",
        ("Models", "criterion", "questions", "difference", "95 % interval"),
        rows,
    )


def _latex(section: _Section) -> str:
    """A tabular in the style of booktabs, below its title."""
    cells = [list(map(_raised, row)) for row in (section.headers, *section.rows)]
    return f"{comment(section.title)}\n{tabular(cells[0], cells[1:], words=len(section.headers))}\n"


def _raised(cell: str) -> str:
    """A cell as LaTeX, the marks of its notes raised."""
    plain, *marked = re.split("\x02(.*?)\x03", cell)
    raised = zip(marked[::2], marked[1::2], strict=True)
    return escaped(plain) + "".join(rf"\textsuperscript{{{mark}}}{escaped(text)}" for mark, text in raised)
