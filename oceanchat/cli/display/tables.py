"""Plain tables on stdout.

What they show is data: nothing in it is read as markup.
"""

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_ANY_WIDTH = 10_000


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """A plain table on stdout; numbers are aligned to the right.

    Where the terminal is too narrow, what stands in brackets goes on a line of its own.
    """
    out = stdout_console()
    table = _plain_table(headers, rows, title)
    if is_too_wide(table, out):
        table = _plain_table(headers, [[_narrow(cell) for cell in row] for row in rows], title)
        fit(table, out)
    out.print(table)


def table_fits(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> bool:
    """Whether the terminal is wide enough for a table."""
    return not is_too_wide(_plain_table(headers, rows), stdout_console())


def is_too_wide(table: Table, out: Console) -> bool:
    """Whether a table is wider than the console."""
    return out.measure(table, options=out.options.update(max_width=_ANY_WIDTH)).maximum > out.width


def _plain_table(headers: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, title=title or None, title_justify="left")
    for column, header in enumerate(headers):
        right = bool(rows) and isinstance(rows[0][column], int | float)
        table.add_column(header, justify="right" if right else "left")
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    return table


def _narrow(cell: Any) -> Any:
    return cell.replace(" (", "\n(") if isinstance(cell, str) else cell


def fit(table: Table, out: Console) -> None:
    """Narrow the gaps of a table that is too wide for the console, and break its headers at hyphens."""
    if not is_too_wide(table, out):
        return
    table.collapse_padding = True
    for column in table.columns:
        column.header = str(column.header).replace("-", "-\n")


def _cell(cell: Any) -> Text:
    if isinstance(cell, float):
        return Text(f"{cell:,.2f}")
    return Text(f"{cell:,}" if isinstance(cell, int) else str(cell))


def stdout_console() -> Console:
    """A console on stdout that leaves every text as it is."""
    # Piped output has no width of its own, so no cell is cut.
    plain: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
    return Console(**plain) if sys.stdout.isatty() else Console(width=140, no_color=True, **plain)
