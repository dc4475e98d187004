"""Whatever dialect a CSV file is in, its rows are read, and a broken one costs itself alone."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oceanchat.corpus.delimited import delimited_records
from oceanchat.corpus.rows import BadRow
from oceanchat.corpus.tables import TableRecord, table_rows
from tests.oceanchat.corpus.sources import write


def has_text(cells: object) -> bool:
    return isinstance(cells, list) and "text" in [str(cell).strip().casefold() for cell in cells]


def rows(path: Path | str) -> list[object]:
    path = Path(path)
    read = table_rows(delimited_records(path, has_text), path, has_text, "'TEXT' ({named})")
    return [row if isinstance(row, BadRow) else dict(row) for row in read]


def test_cells_missing_at_the_end_are_empty_and_empty_ones_beyond_are_dropped(tmp_path: Path) -> None:
    content = "id,TEXT,cOPN\na,one\nb,two,y,,\nc,three,n\nd\ne,five,y,more\n\n"
    a, b, c, d, e = rows(write(tmp_path / "e.csv", content))
    assert (a, b) == ({"id": "a", "text": "one", "copn": ""}, {"id": "b", "text": "two", "copn": "y"})
    assert c == {"id": "c", "text": "three", "copn": "n"}
    assert d == BadRow(5, "1 cells where the header has 3")
    assert e == BadRow(6, "4 cells where the header has 3")


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\r\nid;TEXT\r\na;one, two\r\n",
        'sep=\t\nid\tTEXT\na\t"one, two"\n',
        '"SEP=|"\nid|TEXT\na|one, two\n',
        "id;TEXT\na;one, two\n",
        "id|TEXT\na|one, two\n",
        '"id","TEXT"\n"a","one, two"\n',
        'Export of 3 May, 2011, by ann\n\nid,TEXT\na,"one, two"\n',
        'id,TEXT,,\na,"one, two"\n',
        'id,TEXT,text\na,"one, two",other\n',
    ],
)
def test_the_delimiter_is_the_one_that_shows_the_header(tmp_path: Path, content: str) -> None:
    assert rows(write(tmp_path / "e.csv", content)) == [{"id": "a", "text": "one, two"}]


def test_numbers_that_r_puts_before_each_row_are_no_column(tmp_path: Path) -> None:
    content = '"id","TEXT"\n"1","a","one"\n"2","b","two"\n"3","c","three"\n'
    texts = [row["text"] for row in rows(write(tmp_path / "e.csv", content)) if isinstance(row, dict)]
    assert texts == ["one", "two", "three"]


def test_backslashed_quotes_are_read_where_doubled_ones_do_not_fit(tmp_path: Path) -> None:
    backslashed = 'id,TEXT,cOPN\na,"she said \\"go\\", and went",y\nb,"C:\\new \\\\ ""x""",n\n'
    assert rows(write(tmp_path / "b.csv", backslashed)) == [
        {"id": "a", "text": 'she said "go", and went', "copn": "y"},
        {"id": "b", "text": 'C:\\new \\ "x"', "copn": "n"},
    ]
    doubled = 'id,TEXT\na,"the folder C:\\"\nb,"she said ""go"", and went"\n'
    assert [row["text"] for row in rows(write(tmp_path / "d.csv", doubled)) if isinstance(row, dict)] == [
        "the folder C:\\",
        'she said "go", and went',
    ]


def test_a_quotation_mark_left_open_costs_its_row_alone(tmp_path: Path) -> None:
    lines = [f'r{n},"text {n}\n of two lines, ""quoted""",y' for n in range(6)]
    lines[2] = 'r2,"left open,y'
    read = rows(write(tmp_path / "e.csv", "id,TEXT,cOPN\n" + "\n".join(lines)))
    assert [row["id"] for row in read if isinstance(row, dict)] == ["r0", "r1", "r3", "r4", "r5"]
    assert [row.line for row in read if isinstance(row, BadRow)] == [6]


def test_stray_quotes_within_a_line_are_text(tmp_path: Path) -> None:
    content = 'id,TEXT\na,"so" he said\nb,the 5" pipe\n'
    assert [row["text"] for row in rows(write(tmp_path / "e.csv", content)) if isinstance(row, dict)] == [
        "so he said",
        'the 5" pipe',
    ]


def test_a_cell_that_is_far_too_long_is_one_bad_row(tmp_path: Path) -> None:
    content = f'id,TEXT\na,one\nb,"{"x" * 4_000_001}"\nc,three\n'
    first, second, third = rows(write(tmp_path / "e.csv", content))
    assert isinstance(second, BadRow) and second.line == 3
    assert (first, third) == ({"id": "a", "text": "one"}, {"id": "c", "text": "three"})


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(table=st.lists(st.tuples(CELL, CELL), max_size=8), breaks=st.sets(st.integers(0, 7), max_size=2))
def test_every_line_is_read_or_counted(
    tmp_path: Path, table: list[tuple[str, str]], breaks: set[int]
) -> None:
    lines = ["id,TEXT"]
    for number, cells in enumerate(table):
        quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
        lines.append(quoted if number not in breaks else f'{number},"open')
    read = rows(write(tmp_path / "e.csv", "\n".join(lines) + "\n"))
    assert len(read) >= len(table)
    sound = [cells for number, cells in enumerate(table) if number not in breaks]
    if len(sound) == len(table):
        assert read == [{"id": first, "text": second} for first, second in table]


def test_records_know_their_lines(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "e.csv", 'TEXT\n"a\nb"\nc\n'))
    assert [r.line for r in delimited_records(path, has_text) if isinstance(r, TableRecord)] == [1, 2, 4]
