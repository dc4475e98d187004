"""Write a comparison as a table.

Plain text, Markdown, LaTeX or JSON, in the layout of the paper's Tables 2, 4, 7 and 8. Best is bold (¹ in
plain text), second underlined (²), an asterisk marks a significant gain over the best baseline. Formatting
only: the figures come from the comparison.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from oceanchat.latex import escaped, tabular
from oceanchat.statistics.figure import Figure, number, signed
from preact.evaluation.comparison.comparing import (
    QUANTITIES,
    SMALLER_IS_BETTER,
    Comparison,
    ComparisonCell,
    ComparisonRow,
    TestedContrast,
)

FORMATS = ("table", "markdown", "latex", "json")
TERMINAL = 79
"""Columns that a usual terminal shows whole; a plain table that is wider is broken in two."""
_FIRST_OF_LOW = 2 + QUANTITIES.index("Avg+") + 1
"""The first column of the low levels, after backbone, model, the high levels and their mean."""
_RANKED = {
    "table": "¹ best  ² second",
    "markdown": "bold: best, underlined: second",
    "latex": "bold: best, underlined: second",
}


def render(comparison: Comparison, style: str, notes: Sequence[str] = ()) -> str:
    """The comparison in one of FORMATS; means first, then standard deviations where runs were repeated.

    `notes` stay with the table in every format: what is wrong, and the judge's controls.
    """
    if style == "json":
        return json.dumps({**as_json(comparison), "notes": list(notes)}, indent=2, ensure_ascii=False)
    parts = [means(comparison, style)]
    if any(len(row.runs) > 1 for row in comparison.rows):
        parts.append(spreads(comparison, style))
    return "\n\n".join([*parts, *_foot(comparison, style, notes)])


def means(comparison: Comparison, style: str) -> str:
    """The paper's Table 2 alone: the means with their marks, as plain text, Markdown or LaTeX."""
    cells = [[_mean(cells[name], style) for name in QUANTITIES] for cells in comparison.cells]
    return _DRAW[style](_headings(style, arrows=True), _lines(comparison.rows, cells, style))


def spreads(comparison: Comparison, style: str) -> str:
    """The paper's Table 8 alone: standard deviations over runs, as plain text, Markdown or LaTeX."""
    cells = [[number(cells[name].spread, 3) for name in QUANTITIES] for cells in comparison.cells]
    return _DRAW[style](_headings(style, arrows=False), _lines(comparison.rows, cells, style))


def _foot(comparison: Comparison, style: str, notes: Sequence[str]) -> list[str]:
    tests = render_tests(comparison).splitlines()
    lines = [*legend(comparison, style), *over_items(comparison), *steadiness(comparison), *tests, *notes]
    if style == "latex":
        return ["\n".join(f"% {line}" for line in lines)]
    return ["\n".join(f"- {line}" if style == "markdown" else line for line in lines)]


def legend(comparison: Comparison, style: str) -> list[str]:
    """What the marks and the second table mean, as far as there are any."""
    parts = [_RANKED[style]] if comparison.ranks else []
    if not comparison.marked:
        parts.append("nothing is marked as best: the judge is scripted")
    if comparison.marks_gains:
        star = "\\*" if style == "markdown" else "*"
        parts.append(
            f"{star} better than the best baseline, adjusted p < .05 over runs and above 0 over items"
        )
    if any(len(row.runs) > 1 for row in comparison.rows):
        parts.append("the lower table: standard deviations over runs")
    return ["; ".join(parts)] if parts else []


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data: rows with all runs, and every test. What is not a number becomes null."""
    return {
        "baselines": list(comparison.baselines),
        "rows": [
            {
                "backbone": row.backbone,
                "model": row.model,
                "runs": [{code: _plain(score) for code, score in run.items()} for run in row.runs],
                "quantities": {name: _cell(cell) for name, cell in cells.items()},
            }
            for row, cells in zip(comparison.rows, comparison.cells, strict=True)
        ],
        "tests": [
            {
                "model": test.model,
                "baseline": test.baseline,
                "quantity": test.quantity,
                "family": "primary (Holm)" if test.primary else "secondary (Benjamini-Hochberg)",
                **{name: _plain(value) for name, value in test.contrast._asdict().items()},
                "over_items": test.over_items.bounds(),
                "sign_flip_p": _plain(test.sign_flip),
                "adjusted_p": _plain(test.adjusted),
            }
            for test in comparison.tests
        ],
    }


def interval_cells(figure: Figure, digits: int = 2) -> list[str]:
    """A figure's value and the two ends of its interval as cells of a table."""
    return [number(part, digits) for part in (figure.value, figure.low, figure.high)]


def over_items(comparison: Comparison) -> list[str]:
    """Each system's Overall with its interval over items, where there is one."""
    return [
        f"{row.label}: Overall {cells['Overall'].over_items.text('.2f')}, 95 % over items"
        for row, cells in zip(comparison.rows, comparison.cells, strict=True)
        if cells["Overall"].over_items.low is not None
    ]


def steadiness(comparison: Comparison) -> list[str]:
    """One sentence for each system of which figures came out the same in every run."""
    return [
        f"{row.label}: every run gave the same {', '.join(names)}, which says nothing about other runs"
        for row in comparison.rows
        if (names := row.unvarying())
    ]


def render_tests(comparison: Comparison) -> str:
    """The primary contrasts in words, one per line; what could not be tested is left out and said."""
    return "\n".join(_test_line(test) for test in comparison.tests if test.primary)


def _test_line(test: TestedContrast) -> str:
    c = test.contrast
    figures = [
        _between("95 % over items", test.over_items.low, test.over_items.high),
        _between("95 % over runs", c.low, c.high),
        *(f"{name} {text}" for name, text in (
            ("t", number(c.t, 2)), ("Holm p", number(test.adjusted, 4)),
            ("sign-flip p", number(test.sign_flip, 4)), ("g", number(c.g, 2)),
        ) if text != "-"),
    ]  # fmt: skip
    inside = ", ".join(filter(None, figures))
    notes = "".join(f"; {note}" for note in (c.note, test.over_items.note) if note)
    return (
        f"{test.model} against {test.baseline}: Overall {signed(c.difference)}"
        f"{f' ({inside})' if inside else ''}{notes}"
    )


def _between(name: str, low: float | None, high: float | None) -> str:
    return "" if low is None or math.isnan(low) else f"{name} {number(low, 2)} to {number(high, 2)}"


def _headings(style: str, arrows: bool) -> list[str]:
    def heading(name: str) -> str:
        if style == "latex" and name != "Overall":
            name = f"{name[:-1]}$^{{{name[-1]}}}$"
        if not arrows or name == "Overall":
            return name
        down = name.replace("$^{", "").replace("}$", "") in SMALLER_IS_BETTER
        if style == "latex":
            return f"{name}$\\downarrow$" if down else f"{name}$\\uparrow$"
        return f"{name} {'↓' if down else '↑'}"

    return ["Backbone", "Model", *map(heading, QUANTITIES)]


def _lines(rows: Sequence[ComparisonRow], cells: Sequence[list[str]], style: str) -> list[list[str]]:
    clean: Callable[[str], str] = {
        "latex": escaped,
        "markdown": lambda text: text.replace("|", "\\|"),
    }.get(style, lambda text: text)
    return [[clean(row.backbone), clean(row.model), *line] for row, line in zip(rows, cells, strict=True)]


def _mean(cell: ComparisonCell, style: str) -> str:
    text = number(cell.mean, 2) + ("*" if cell.starred else "")
    marks: Mapping[str, tuple[str, str]] = {
        "markdown": ("**{}**", "<u>{}</u>"),
        "latex": ("\\textbf{{{}}}", "\\underline{{{}}}"),
        "table": ("{}¹", "{}²"),
    }
    return marks[style][cell.rank - 1].format(text) if cell.rank else text


def _text(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """One table or, where that is wider than a terminal, one of the high levels and one of the rest."""
    whole = _aligned(headings, lines)
    if max(map(len, whole.splitlines())) <= TERMINAL:
        return whole
    halves = (slice(2, _FIRST_OF_LOW), slice(_FIRST_OF_LOW, None))
    return "\n\n".join(
        _aligned([*headings[:2], *headings[half]], [[*line[:2], *line[half]] for line in lines])
        for half in halves
    )


def _aligned(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    rows = [
        "  ".join(
            cell.ljust(width) if n < 2 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (headings, *lines)
    ]
    return "\n".join(row.rstrip() for row in rows)


def _markdown(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", "---", *["---:"] * (len(headings) - 2)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (headings, rule, *lines))


_DRAW: Mapping[str, Callable[[Sequence[str], Sequence[Sequence[str]]], str]] = {
    "table": _text,
    "markdown": _markdown,
    "latex": partial(tabular, words=2),
}


def _plain(value: float | str) -> float | str | None:
    if isinstance(value, str) or math.isfinite(value):
        return value
    return None if math.isnan(value) else number(value, 0)


def _cell(cell: ComparisonCell) -> dict[str, Any]:
    return {
        "mean": _plain(cell.mean),
        "spread": _plain(cell.spread),
        "over_items": cell.over_items.bounds(),
        "rank": cell.rank,
        "starred": cell.starred,
    }
