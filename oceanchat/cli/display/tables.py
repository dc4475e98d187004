"""Plain tables on stdout.

What they show is data: nothing in it is read as markup. On a terminal no line is wider than the terminal and
no cell is cut; elsewhere a row is one line, however long.
"""

import re
import sys
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from oceanchat.cli.display.notes import fitted, in_lines

_ANY_WIDTH = 10_000
_INDENT = 4


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """A plain table on stdout; numbers are aligned to the right.

    On a terminal too narrow for it headers are broken first, then what stands in brackets goes below, then
    cells are broken between words, and long names in themselves; where even that does not fit, a row is a
    paragraph.
    """
    out = stdout_console()
    if title:
        _print(out, fitted(title) if out.is_terminal else title, "italic")
    cells = [list(headers), *([_text(cell) for cell in row] for row in rows)]
    right = [bool(rows) and isinstance(cell, int | float) for cell in (rows[0] if rows else headers)]
    layout = _layout(cells, out.width)
    if layout is None:
        for row in cells[1:]:
            _print(out, _paragraph(cells[0], row, out.width - 1))
        return
    for number, shown in enumerate(layout.cells):
        for line in _lines(shown, right, layout):
            _print(out, line, "" if number else "bold")


def table_fits(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> bool:
    """Whether the terminal is wide enough for a table with whole cells."""
    cells = [list(headers), *([_text(cell) for cell in row] for row in rows)]
    return _layout_of(cells, _whole, 2, stdout_console().width) is not None


def print_heading(text: str) -> None:
    """What the lines below it are about."""
    out = stdout_console()
    _print(out, fitted(text) if out.is_terminal else text, "bold")


class _Layout(NamedTuple):
    cells: Sequence[Sequence[str]]
    widths: Sequence[int]
    gap: int


def _layout(cells: Sequence[Sequence[str]], width: int) -> _Layout | None:
    """How the rows, of which the first is the headers, get into a width; None: not at all."""
    below = [cells[0], *([cell.replace(" (", "\n(") for cell in row] for row in cells[1:])]
    ways: list[tuple[Sequence[Sequence[str]], Callable[[str], list[str]]]]
    ways = [(cells, _whole), (below, _whole), (cells, str.split), (cells, _pieces)]
    layouts = (_layout_of(*way, gap, width) for way in ways for gap in (2, 1))
    return next(filter(None, layouts), None)


def _layout_of(
    cells: Sequence[Sequence[str]], parts: Callable[[str], list[str]], gap: int, width: int
) -> _Layout | None:
    """The layout in which headers can be broken and cells only between their `parts`; None: too wide."""
    columns = list(zip(*cells, strict=True))
    most = [max(cell_len(line) for cell in column for line in _whole(cell)) for column in columns]
    least = [
        max(map(cell_len, ("", *_pieces(head), *(part for cell in body for part in parts(cell)))))
        for head, *body in columns
    ]
    widths = _shared_out(least, most, width - gap * (len(columns) - 1))
    return None if widths is None else _Layout(cells, widths, gap)


def _whole(cell: str) -> list[str]:
    return cell.split("\n")


_PIECE = re.compile(r"(?:[^\s/_-]|(?<![^\W\d_]{2})[/_-])*(?:(?<=[^\W\d_]{2})[/_-]|\s+|$)")


def _pieces(text: str) -> list[str]:
    """What a text can be broken into: its words, and within a name behind its hyphens and slashes."""
    return [piece.strip() for piece in _PIECE.findall(text)]


def _broken(text: str, width: int) -> list[str]:
    """A text in lines of at most `width`, broken between its pieces; within a word where it must be."""
    lines = [""]
    for word in re.findall(r"\S+\s*|\s+", text):
        for piece in [word] if cell_len(word.strip()) <= width else _PIECE.findall(word):
            if lines[-1] and cell_len((lines[-1] + piece).rstrip()) > width:
                lines.append("")
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def _shared_out(least: Sequence[int], most: Sequence[int], room: int) -> list[int] | None:
    """Widths of columns between two bounds that together get into the room; None where the least do not."""
    widths = list(most)
    while sum(widths) > room:
        wide = [number for number, width in enumerate(widths) if width > least[number]]
        if not wide:
            return None
        widths[max(wide, key=lambda number: widths[number])] -= 1
    return widths


def _lines(row: Sequence[str], right: Sequence[bool], layout: _Layout) -> list[str]:
    """One row as lines; headers stand at the bottom of theirs."""
    is_header = row is layout.cells[0]
    parts = [
        [line for part in _whole(cell) for line in _broken(part, width)]
        for cell, width in zip(row, layout.widths, strict=True)
    ]
    if is_header:
        height = max(map(len, parts))
        parts = [[""] * (height - len(part)) + part for part in parts]
    sides: list[Callable[[str, int], str]] = [_to_the_right if side else _to_the_left for side in right]
    return [
        (" " * layout.gap)
        .join(side(part, width) for side, part, width in zip(sides, line, layout.widths, strict=True))
        .rstrip()
        for line in zip_longest(*parts, fillvalue="")
    ]


def _to_the_right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text


def _to_the_left(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _paragraph(headers: Sequence[str], row: Sequence[str], width: int) -> str:
    """A row that fits no table: each cell behind its header."""
    named = zip(headers[1:], row[1:], strict=True)
    rest = "; ".join(f"{header} {cell}".strip() for header, cell in named if cell)
    lead = f"{headers[0]} {row[0]}".strip()
    lines = in_lines(f"{lead}: {rest}" if lead and rest else lead or rest, width - _INDENT)
    return f"\n{' ' * _INDENT}".join(lines)


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _print(out: Console, text: str, style: str = "") -> None:
    out.print(Text(text, style=style), soft_wrap=True)


def stdout_console() -> Console:
    """A console on stdout that leaves every text as it is."""
    # Piped output has no width of its own, so no cell is broken.
    plain: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
    return Console(**plain) if sys.stdout.isatty() else Console(width=_ANY_WIDTH, no_color=True, **plain)
