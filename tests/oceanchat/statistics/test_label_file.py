"""Reading anybody's labels."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import InputError
from oceanchat.statistics.agreement import Rating
from oceanchat.statistics.label_file import read_labels


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
        ("item,annotator,value\n1,A,1\n1,A,2\n", r"annotator 'A' on item '1' \(lines 2 and 3\)"),
        ("item,annotator,value\n,A,1\n", "line 2 has no item"),
        ("item,annotator,value\n1,A\n", "line 2 has 2 fields"),
        ("item,annotator,value,value\n1,A,1,1\n", "column 'value' twice"),
        ('item,annotator,value\n1,"A,1\n', "is no CSV"),
        (b"item,annotator,value\n1,A,\xff\n", "not UTF-8"),
        (b"PK\x03\0\0", "not text"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_labels(write(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv' cannot be read: No such file"):
        read_labels(tmp_path / "nothing.csv")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = write(tmp_path_factory.getbasetemp(), b"item,annotator,value\n" + junk)
    try:
        read_labels(path)
    except InputError as error:
        assert "label file" in str(error)
