"""Plain tables: numbers to the right, text as it is, whatever it holds."""

from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from oceanchat.cli.display.tables import fit, print_table


def test_numbers_are_aligned_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "rows", "mean"), [("a", 1234, 0.5), ("bcd", 7, 12.25)], "Title")
    title, header, first, second = capsys.readouterr().out.splitlines()
    assert title.rstrip() == "Title" and header.split() == ["name", "rows", "mean"]
    assert first.split() == ["a", "1,234", "0.50"] and second.split() == ["bcd", "7", "12.25"]
    assert first.rstrip().endswith(" 0.50") and len(first.rstrip()) == len(second.rstrip())


def test_cells_are_neither_markup_nor_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word " * 20
    print_table(("text",), [("[bold]x[/] :smile:",), (long,)])
    printed = capsys.readouterr().out
    assert "[bold]x[/] :smile:" in printed and long.strip() in printed and "\x1b" not in printed


def test_a_table_without_rows_has_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [])
    assert capsys.readouterr().out.split() == ["a", "b"]


@pytest.mark.parametrize(
    ("width", "header"), [(80, ["off-target", "rejected"]), (18, ["target", "rejected"])]
)
def test_a_narrow_terminal_gets_a_narrow_table_with_whole_headers(width: int, header: list[str]) -> None:
    table, out = (
        Table("off-target", "rejected", box=None, pad_edge=False),
        Console(width=width, file=StringIO()),
    )
    fit(table, out)
    out.print(table)
    assert isinstance(out.file, StringIO) and out.file.getvalue().splitlines()[-1].split() == header
