"""Plain tables: numbers to the right, text as it is, whatever it holds."""

import sys
from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from oceanchat.cli.display import build, tables
from oceanchat.cli.display.build import print_funnel
from oceanchat.cli.display.tables import fit, print_table
from oceanchat.pipeline.report import Outcome
from oceanchat.records import Funnel
from oceanchat.traits import Level, Trait, TraitLevel


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


def test_what_stands_in_brackets_goes_below_where_the_terminal_is_narrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, rows = ("calls", "cost"), [("1,234 (1,100 to 1,400)", "$0.20 ($0.10 to $0.30)")]
    narrow = Console(width=40)
    monkeypatch.setattr(tables, "stdout_console", lambda: narrow)
    assert not tables.table_fits(headers, rows) and tables.table_fits(headers, [("1", "2")])
    narrow.file = sys.stdout
    print_table(headers, rows)
    _, first, second = (line.split() for line in capsys.readouterr().out.splitlines())
    assert first == ["1,234", "$0.20"] and " ".join(second) == "(1,100 to 1,400) ($0.10 to $0.30)"


def test_a_funnel_of_thousands_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    funnel = Funnel(
        candidates={
            "neutral": 23_456,
            "off-target": 3_456,
            "surplus": 1_234,
            "failed": 12,
            "selected": 1_300,
        },
        seeds={"written": 1_290, "failed": 10},
        dialogues={"passed": 1_000, "off-trait": 180, "gate:short": 110},
    )
    monkeypatch.setattr(build, "stdout_console", lambda: Console(width=80, file=sys.stdout))
    print_funnel([Outcome(TraitLevel(Trait.O, Level.HIGH), 1_000, funnel)])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80 and "…" not in printed
    for words in ("29,458", "23,456", "rejected", "written", "1,000 of"):
        assert words in printed
