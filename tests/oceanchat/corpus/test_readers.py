"""Rows are read from every kind of source, and bad input is one clear line."""

import os
import string
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oceanchat.corpus.essays import open_corpus
from oceanchat.errors import CorpusError
from oceanchat.hub.publishing import Publisher
from tests.oceanchat.corpus.sources import HEADER, essays, words, write
from tests.oceanchat.hub.hub_process import GOOD, running_hub


def test_latin_1_and_cp1252_bytes_are_told_apart_from_utf_8_byte_by_byte(tmp_path: Path) -> None:
    row = b"I drank a caf\xe9 and it\x92s still early so I \x81 read the caf\xc3\xa9 menu twice"
    (essay,) = essays(open_corpus(write(tmp_path / "e.csv", b"TEXT\n" + row + b"\n")))
    assert essay.text == "I drank a café and it\u2019s still early so I \x81 read the café menu twice"


def test_a_folder_of_text_files_gives_one_essay_a_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write(tmp_path / "b.txt", words(2))
    write(tmp_path / "deep" / "a.txt", words(1).encode("utf-16"))
    write(tmp_path / "c.txt", b"\x00\x01\x02" * 50)
    write(tmp_path / "notes.md", words(3))
    corpus = open_corpus(str(tmp_path))
    assert [(essay.id, essay.author) for essay in corpus.essays] == [("b.txt", "b"), ("deep/a.txt", "a")]
    assert corpus.junk == {"unparseable": 1}


READ_FROM_HUB = """
import warnings; warnings.simplefilter("ignore")
from oceanchat.errors import OceanChatError
from oceanchat.corpus.essays import open_corpus
corpus = open_corpus("ocean/essays")
rows = [(essay.id, essay.author, sorted(essay.labels)) for essay in corpus.essays]
print(rows, dict(corpus.junk), corpus.name)
try:
    open_corpus("ocean/absent")
except OceanChatError as error:
    print(error)
"""


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_a_hub_dataset_is_read_by_its_name(tmp_path: Path) -> None:
    data = tmp_path / "upload" / "data"
    data.mkdir(parents=True)
    columns = {
        "author": ["ann", "bob", "cid"],
        "text": [words(1), "Err:000", words(2)],
        "O": ["high", "low", None],
    }
    pq.write_table(pa.table(columns), data / "train.parquet")
    with running_hub() as hub:
        Publisher("ocean/essays", endpoint=hub.endpoint, token=GOOD).publish(data.parent, "v1", "essays")
        client = subprocess.run(
            [sys.executable, "-c", READ_FROM_HUB],
            env=os.environ | hub.environment(tmp_path / "home"),
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert client.returncode == 0, client.stderr
    first, second = client.stdout.splitlines()
    assert first == ("[('ann', 'ann', [<Trait.O: 'O'>]), ('cid', 'cid', [])] {'error-cell': 1} ocean/essays")
    assert second.startswith("dataset 'ocean/absent'")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("empty.csv", b"", "is empty"),
        ("image.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 20, "is a binary file"),
        ("columns.csv", b"name,words\na,b\n", "has no column 'TEXT' (its columns: name, words)"),
        ("header.csv", HEADER.encode() + b"\n", "holds no essay (it has no rows)"),
        (
            "wide.csv",
            b"id,TEXT\na,b,c\n",
            "the first at line 2: 3 cells where the header has 2",
        ),
        ("array.json", b'[{"text": "a"', "1 unparseable; the first at line 1: not valid JSON"),
        ("old.xls", b"\xd0\xcf\x11\xe0", "save it as .xlsx"),
        ("book.xlsx", b"PK\x03\x04", "cannot be read as Excel"),
        ("rows.jsonl", b'{"words": "a"}\n', "holds no essay (1 no-text)"),
        ("table.parquet", b"PAR1 is not enough", "is not a readable Parquet file"),
        ("essays.docx", b"PK\x03\x04", "is a file of unknown kind '.docx'"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path: Path, name: str, content: bytes, line: str) -> None:
    with pytest.raises(CorpusError) as caught:
        open_corpus(write(tmp_path / name, content))
    assert line in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["missing.csv", "data/missing.csv", "no\x00name", "x" * 5000, "/dev/null"])
def test_sources_that_are_no_files_are_one_clear_line(source: str) -> None:
    with pytest.raises(CorpusError) as caught:
        open_corpus(source)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 400


def test_a_mistyped_file_is_guessed_from_those_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "essays.csv", b"TEXT\n")
    with pytest.raises(CorpusError, match=r"does not exist; did you mean essays\.csv\?"):
        open_corpus(str(tmp_path / "esays.csv"))


def test_a_folder_without_text_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"is a folder without \.txt files"):
        open_corpus(str(tmp_path))


BYTES = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.one_of(
            st.sampled_from([b"TEXT", b"#AUTHID,TEXT\n", b'"', b",", b"\n", b"\r", b"\xff\xfe", b"\x00", b"{",
                             b'"text":', b"PAR1", b"\xe9", b"\xf0\x9f", b"Err:000", b"[", words(1).encode(),
                             b'{"text": "', b"sep=;\n", b'\\"', b"},{", b"]", b";", b"cOPN", b"3.5"]),
            st.text(string.printable, max_size=9).map(str.encode),
        ),
        max_size=30,
    ).map(b"".join),
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".txt", ".parquet", ".xlsx"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(content=BYTES)
def test_any_bytes_give_a_corpus_or_a_corpus_error(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"fuzz{suffix}"
    path.write_bytes(content)
    try:
        corpus = open_corpus(str(path))
    except CorpusError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert len(essays(corpus)) == corpus.count > 0


@pytest.mark.parametrize("name", ["new\nline.csv", "tab\there.docx"])
def test_a_name_that_cannot_be_printed_still_gives_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError) as caught:
        open_corpus(write(tmp_path / name, b"TEXT\n"))
    assert str(caught.value).isprintable()
