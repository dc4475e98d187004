"""Plain tables: numbers to the right, text as it is, whatever it holds."""

import pytest

from oceanchat.cli.display.tables import print_table


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
