"""Reading anybody's labels."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import ConfigError, InputError
from oceanchat.statistics.agreement import Rating
from oceanchat.statistics.label_file import read_label_file, read_labels


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_numbers_become_numbers_and_missing_ones_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "item,annotator,value,stratum\n1,A,1,x\n1,B,1.0,x\n2,A,,x\n2,B,NA,x\n\n")
    assert read_labels(path) == [Rating("1", "A", 1.0, "x"), Rating("1", "B", 1.0, "x")]


def test_one_word_makes_all_values_words(tmp_path: Path) -> None:
    path = write(tmp_path, "annotator,item,value\nA,1,1\nB,1,yes\n")
    assert [rating.value for rating in read_labels(path)] == ["1", "yes"]


def test_other_separators_byte_order_marks_and_capitals_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffItem;Annotator;Value\n1;A;2\n")
    assert read_labels(path) == [Rating("1", "A", 2.0)]


def test_only_labels_count_where_purposes_are_told_apart(tmp_path: Path) -> None:
    path = write(
        tmp_path, "item,annotator,value,purpose\n1,A,yes,label\n1,A,no,repeat\n1,lead,no,adjudicate\n"
    )
    assert read_labels(path) == [Rating("1", "A", "yes")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item,value\n1,2\n", "lacks the column 'annotator'"),
        ("", "lacks the column 'item'"),
        ('\n[{"item": "1"}]', "is JSON; export it as CSV: it needs a row for each label"),
        ("a," * 9_000 + "\n", r"^.{300,700}, a,* \.\.\.\); it needs a row for each label"),
        ("item,annotator,value\n1,A,1\n1,A,2\n", r"annotator 'A' on item '1' \(lines 2 and 3\)"),
        ("item,annotator,value\n,A,1\n", "line 2 has no item"),
        ("item,annotator,value\n1,A\n", "line 2 has 2 fields"),
        ("item,annotator,value,value\n1,A,1,1\n", "column 'value' twice"),
        ('item,annotator,value\n1,"A,1\n', "is not valid CSV"),
        ("item,annotator,value\n1,A,1,2\n", "line 2 has 4 fields, the header 3"),
        ("item,annotator,value\n1,A,1\n\n1,B,1,2,3\n", "line 4 has 5 fields, the header 3"),
        ('item,annotator,value\n"a\nb",A,1\n2,A\n', "line 4 has 2 fields"),
        ('item,annotator,value\n1,"A"B,1\n', "is not valid CSV"),
        (b"item,annotator,value\n1,A,\x81\n", "is not text; export it as CSV UTF-8"),
        ("item,annotator,value\n1,A,1\0\n", "not text"),
        (b"PK\x03\0\0", "not text"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_labels(write(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv' cannot be read: No such file"):
        read_labels(tmp_path / "nothing.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_common_encodings_and_separators_are_read(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = [["item", "annotator", "value"], ["1", "Zo\u00eb", "\u00fcbel"], ["1", "Ann", "gut"]]
    path = write(tmp_path, "\r\n".join(separator.join(line) for line in lines).encode(encoding))
    assert read_labels(path) == [Rating("1", "Zo\u00eb", "\u00fcbel"), Rating("1", "Ann", "gut")]


@pytest.mark.parametrize("spelling", ["", " ", "NA", "n/a", "#N/A", "NaN", "null", "None", "<NA>"])
def test_every_spelling_of_a_missing_value_is_missing(tmp_path: Path, spelling: str) -> None:
    path = write(tmp_path, f"item,annotator,value\n1,A,2\n1,B,{spelling}\nNA,None,3\n")
    assert read_labels(path) == [Rating("1", "A", 2.0), Rating("NA", "None", 3.0)]


def test_nothing_is_converted_on_the_way(tmp_path: Path) -> None:
    path = write(tmp_path, "item,annotator,value,stratum\n007,1e3,yes,0x1\n7,1000,True,01\n")
    assert read_labels(path) == [Rating("007", "1e3", "yes", "0x1"), Rating("7", "1000", "True", "01")]


def test_a_workbook_gives_the_same_labels_as_a_csv_file(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (
        ["Item", "Annotator", "Value", None, None],
        [1, "A", 1],
        [],
        [1, "B", 2.5],
        ["x", "A", "#N/A"],
    ):
        book.active.append(row)
    book.save(tmp_path / "labels.xlsx")
    assert read_labels(tmp_path / "labels.xlsx") == [Rating("1", "A", 1.0), Rating("1", "B", 2.5)]
    book.active.append([1, "A", 2])
    book.save(tmp_path / "labels.XLSX")
    with pytest.raises(InputError, match=r"annotator 'A' on item '1' \(rows 2 and 6\)"):
        read_labels(tmp_path / "labels.XLSX")


def test_a_parquet_file_gives_the_same_labels_as_a_csv_file(tmp_path: Path) -> None:
    columns = {"Item": [1, 2, 3], "annotator": ["A"] * 3, "value": [4, None, 5], "other": [[1], [], [2]]}
    pd.DataFrame(columns).to_parquet(tmp_path / "labels.parquet")
    assert read_labels(tmp_path / "labels.parquet") == [Rating("1", "A", 4.0), Rating("3", "A", 5.0)]
    pd.DataFrame({"item": [1, 1], "annotator": ["A", "A"], "value": ["x", "y"]}).to_parquet(
        tmp_path / "x.parquet"
    )
    with pytest.raises(InputError, match=r"\(rows 1 and 2\)"):
        read_labels(tmp_path / "x.parquet")


@pytest.mark.parametrize(("name", "reason"), [("labels.xlsx", "as Excel"), ("labels.parquet", "as Parquet")])
@pytest.mark.parametrize("data", [b"", b"item,annotator,value\n", b"PK\x03\x04", b"PAR1xxxxPAR1"])
def test_a_damaged_table_is_one_line(tmp_path: Path, name: str, reason: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=f"cannot be read {reason}"):
        read_labels(tmp_path / name)


def test_a_format_whose_package_is_not_installed_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "labels.xlsx").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"pip install 'ocean-chat\[excel\]'"):
        read_labels(tmp_path / "labels.xlsx")


cell = st.sampled_from(
    ["1", "2.5", "a", "A", "yes", " ", "", "NA", 'say ""x""', "a,b", "x\ny", "x\r\ny", "\u00e9"]
)
rows = st.lists(st.lists(cell, min_size=1, max_size=5), max_size=6)


@given(rows, st.lists(st.sampled_from(["item", "annotator", "value", "stratum", "purpose", ""]), max_size=6))
def test_any_table_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]], more: list[str]
) -> None:
    header = ["item", "annotator", "value", *more]
    text = "\n".join(",".join(f'"{field}"' for field in line) for line in [header, *lines])
    try:
        read_labels(write(tmp_path_factory.getbasetemp(), text))
    except InputError as error:
        assert "label file" in str(error) and "\n" not in str(error).replace(text, "")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = write(tmp_path_factory.getbasetemp(), b"item,annotator,value\n" + junk)
    try:
        read_labels(path)
    except InputError as error:
        assert "label file" in str(error)


def test_what_is_missing_left_out_or_written_in_two_ways_is_said(tmp_path: Path) -> None:
    rows = ["1,a,Yes,label", "1,b,yes,label", "2,a,None,label", "2,b,<NA>,label", "3,a,,label"]
    rows += ["3,b,no,label", "1,a,no,repeat", "4,a,no,gold"]
    file = read_label_file(write(tmp_path, "\n".join(["item,annotator,value,purpose", *rows])))
    assert len(file.ratings) == 3
    assert file.remarks == (
        "rows of another purpose than 'label' left out: 1 'gold', 1 'repeat'",
        "3 rows read as missing labels (1 'None', 1 '<NA>', 1 empty); if one of these is an answer, write it"
        " in another word",
        "counted as different answers, though they differ only in capitals or number format: 'Yes', 'yes'",
    )


@pytest.mark.parametrize(
    ("values", "remark"),
    [
        (("1", "1.0", "2"), "read as the same number: '1', '1.0'"),
        (
            ("1", "1.0", "x"),
            "counted as different answers, though they differ only in capitals or number format: '1', '1.0'",
        ),
        (("1", "2", "3"), None),
    ],
)
def test_numbers_written_in_two_ways_are_named(
    tmp_path: Path, values: tuple[str, ...], remark: str | None
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["item,annotator,value", *(f"{n},a,{v}" for n, v in enumerate(values))]))
    assert read_label_file(path).remarks == (() if remark is None else (remark,))


@pytest.mark.parametrize("rows", ["", "1,a,NA\n2,a,\n"])
def test_a_file_without_a_label_is_refused(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"item,annotator,value\n{rows}")
    with pytest.raises(InputError, match="has no label"):
        read_label_file(path)
