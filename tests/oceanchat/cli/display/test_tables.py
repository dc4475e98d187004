"""Plain tables: numbers to the right, text as it is, whatever it holds."""

from collections.abc import Callable

import pytest
from rich.console import Console

from oceanchat.cli.display import tables
from oceanchat.cli.display.build import print_funnel
from oceanchat.cli.display.tables import print_table
from oceanchat.pipeline.report import Outcome
from oceanchat.records import Funnel
from oceanchat.traits import Level, Trait, TraitLevel
from tests.terminals import CONTROL


def test_more_than_were_asked_for_are_not_so_many_of_fewer(capsys: pytest.CaptureFixture[str]) -> None:
    funnel = Funnel(candidates={}, seeds={}, dialogues={"passed": 3})
    print_funnel([Outcome(TraitLevel(Trait.O, Level.HIGH), count, funnel) for count in (2, 3)])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("O+")]
    assert [row.split("  ")[-1].strip() for row in rows] == ["3, 2 asked", "3 of 3"]


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


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes stdout a terminal of a width."""

    def of(width: int) -> None:
        monkeypatch.setattr(tables, "stdout_console", lambda: Console(width=width, force_terminal=True))

    return of


@pytest.mark.parametrize(
    ("width", "header"),
    [
        (80, ["off-target", "rejected"]),
        (18, ["target", "rejected"]),
        (8, ["off-target", "3;", "rejected", "4"]),
    ],
)
def test_headers_are_broken_at_hyphens_and_then_rows_become_paragraphs(
    columns: Callable[[int], None], capsys: pytest.CaptureFixture[str], width: int, header: list[str]
) -> None:
    columns(width)
    print_table(("", "off-target", "rejected"), [("", 3, 4)])
    lines = CONTROL.sub("", capsys.readouterr().out).splitlines()
    assert (lines[-2] if width > 8 else " ".join(lines)).split() == header


def test_what_stands_in_brackets_goes_below_where_the_terminal_is_narrow(
    columns: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    headers, rows = ("calls", "cost"), [("1,234 (1,100 to 1,400)", "$0.20 ($0.10 to $0.30)")]
    columns(40)
    assert not tables.table_fits(headers, rows) and tables.table_fits(headers, [("1", "2")])
    print_table(headers, rows)
    _, first, second = (line.split() for line in capsys.readouterr().out.splitlines())
    assert first == ["1,234", "$0.20"] and " ".join(second) == "(1,100 to 1,400) ($0.10 to $0.30)"


@pytest.mark.parametrize("width", range(24, 90, 6))
def test_at_every_width_all_words_are_there_and_no_line_is_wider(
    columns: Callable[[int], None], capsys: pytest.CaptureFixture[str], width: int
) -> None:
    columns(width)
    rows = [("O+", "a sentence of several words", 12, "0.5 (0.4 to 0.6)"), ("N-", "", 7, "-")]
    print_table(("", "what it is", "off-target", "share"), rows)
    lines = CONTROL.sub("", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= width
    words = " ".join(lines).replace(";", " ").replace(":", " ").split()
    assert [word for row in rows for cell in row for word in str(cell).split() if word not in words] == []


def test_a_funnel_of_thousands_fits_80_columns(
    columns: Callable[[int], None], capsys: pytest.CaptureFixture[str]
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
    columns(80)
    print_funnel([Outcome(TraitLevel(Trait.O, Level.HIGH), 1_000, funnel)])
    printed = CONTROL.sub("", capsys.readouterr().out)
    assert max(map(len, printed.splitlines())) <= 80 and "…" not in printed
    for words in ("29,458", "23,456", "rejected", "written", "1,000 of"):
        assert words in printed
