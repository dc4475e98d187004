"""A corpus is read from every kind of source, junk is named, and bad input is one clear line."""

import csv
import json
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

from oceanchat.corpus.essays import BUNDLED, Corpus, open_corpus
from oceanchat.errors import CorpusError
from oceanchat.hub.publishing import Publisher
from oceanchat.records import Essay
from oceanchat.traits import Level, Trait
from tests.oceanchat.hub.hub_process import GOOD, running_hub

HEADER = "#AUTHID,TEXT,cEXT,cNEU,cAGR,cCON,cOPN"
WORDS = "I went home early today because the café had no free table and it’s cold"  # noqa: RUF001


def words(number: int) -> str:
    return f"Essay number {number} says that I went home early because the rain would not stop."


def essays(corpus: Corpus) -> list[Essay]:
    return list(corpus.essays)


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_essays_csv_is_read_in_each_usual_encoding(tmp_path: Path, encoding: str) -> None:
    text = f'{HEADER}\r\n"2000_1.txt","{WORDS}","y","n","y","n","y"\r\n'
    corpus = open_corpus(write(tmp_path / "essays.csv", text.encode(encoding)))
    (essay,) = essays(corpus)
    assert (essay.id, essay.author, essay.text) == ("2000_1.txt", "2000_1.txt", WORDS)
    assert essay.labels == {
        Trait.E: Level.HIGH,
        Trait.N: Level.LOW,
        Trait.A: Level.HIGH,
        Trait.C: Level.LOW,
        Trait.O: Level.HIGH,
    }
    assert (corpus.count, corpus.shareable, corpus.junk) == (1, False, {})


def test_latin_1_and_cp1252_bytes_are_told_apart_from_utf_8_byte_by_byte(tmp_path: Path) -> None:
    row = b"I drank a caf\xe9 and it\x92s still early so I \x81 read the caf\xc3\xa9 menu twice"
    (essay,) = essays(open_corpus(write(tmp_path / "e.csv", b"TEXT\n" + row + b"\n")))
    assert essay.text == "I drank a café and it\u2019s still early so I \x81 read the café menu twice"


def test_semicolons_tabs_and_other_column_names_are_understood(tmp_path: Path) -> None:
    semicolons = f"Author;Text;Openness;N\nanna;{words(1)};high;0\n"
    tabs = f"Author\tText\tOpenness\tN\nanna\t{words(1)}\thigh\t0\n"
    for name, content in (("a.csv", semicolons), ("b.tsv", tabs)):
        (essay,) = essays(open_corpus(write(tmp_path / name, content)))
        assert (essay.author, essay.text) == ("anna", words(1))
        assert essay.labels == {Trait.O: Level.HIGH, Trait.N: Level.LOW}


def test_every_kind_of_junk_is_counted_by_name_and_left_out(tmp_path: Path) -> None:
    rows = [
        ["a", words(1), "y"],
        ["b", "Err:000", "y"],
        ["c", "  ", "n"],
        ["d", "Too few words here.", "n"],
        ["e", words(2), "perhaps"],
        ["f", "\ufffd" * 40 + words(3), "y"],
        ["g", words(1), "n"],
        ["h"],
        ["a", words(4), ""],
    ]
    path = tmp_path / "junk.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["#AUTHID", "TEXT", "cOPN"], *rows])
    corpus = open_corpus(str(path))
    assert corpus.junk == {
        "error-cell": 1,
        "empty": 1,
        "too-short": 1,
        "wrong-label": 1,
        "undecodable": 1,
        "repeated": 1,
        "unparseable": 1,
    }
    assert [(essay.id, essay.author) for essay in corpus.essays] == [("a", "a"), ("a#9", "a")]
    assert [essay.labels for essay in corpus.essays] == [{Trait.O: Level.HIGH}, {}]


def test_jsonl_keeps_ids_authors_and_nested_labels(tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": 7, "author": "ben", "text": words(1), "labels": {"O": "high", "N": "low"}}),
        json.dumps({"essay": words(2)}),
        "not json",
        "[" * 100_000,
        json.dumps(["a", "list"]),
        json.dumps({"text": 5}),
        "",
    ]
    corpus = open_corpus(write(tmp_path / "e.jsonl", "\n".join(lines)))
    first, second = essays(corpus)
    assert (first.id, first.author, first.labels) == ("7", "ben", {Trait.O: Level.HIGH, Trait.N: Level.LOW})
    assert (second.id, second.author, second.labels) == ("row-2", "row-2", {})
    assert corpus.junk == {"unparseable": 3, "no-text": 1}


def test_parquet_and_csv_with_the_same_essays_are_the_same_corpus(tmp_path: Path) -> None:
    columns = {"#AUTHID": ["a", "b"], "TEXT": [words(1), words(2)], "cOPN": ["y", "n"]}
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    rows = "\n".join(
        f'{author},"{text}",{label}' for author, text, label in zip(*columns.values(), strict=True)
    )
    from_csv = open_corpus(write(tmp_path / "e.csv", f"#AUTHID,TEXT,cOPN\n{rows}\n"))
    from_parquet = open_corpus(str(tmp_path / "e.parquet"))
    assert essays(from_parquet) == essays(from_csv)
    assert from_parquet.fingerprint == from_csv.fingerprint


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
found = [(essay.id, essay.author, sorted(essay.labels)) for essay in corpus.essays]
print(found, dict(corpus.junk), corpus.name)
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
        done = subprocess.run(
            [sys.executable, "-c", READ_FROM_HUB],
            env=os.environ | hub.environment(tmp_path / "home"),
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == ("[('ann', 'ann', [<Trait.O: 'O'>]), ('cid', 'cid', [])] {'error-cell': 1} ocean/essays")
    assert second.startswith("dataset 'ocean/absent'")


def test_the_bundled_corpus_is_the_default_and_may_be_shared() -> None:
    corpus = open_corpus()
    assert (corpus.name, corpus.shareable, corpus.license) == (BUNDLED, True, "CC0-1.0")
    assert corpus.count >= 120
    assert not corpus.junk
    assert len({essay.id for essay in corpus.essays}) == corpus.count


def test_the_fingerprint_follows_the_essays_and_not_the_file(tmp_path: Path) -> None:
    one = open_corpus(write(tmp_path / "one.csv", f"id,TEXT\na,{words(1)}\nb,{words(2)}\n"))
    same = open_corpus(
        write(tmp_path / "two.csv", f"id,TEXT\na,{words(1)}\nb,{words(2)}\nc,Err:000\n".encode("utf-16"))
    )
    other = open_corpus(write(tmp_path / "three.csv", f"id,TEXT\na,{words(1)}\nb,{words(3)}\n"))
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_what_a_database_cannot_hold_is_replaced(tmp_path: Path) -> None:
    line = json.dumps({"author": "x\x00y", "text": f"\ud800 {words(1)} \x00"})
    (essay,) = essays(open_corpus(write(tmp_path / "e.jsonl", line)))
    essay.text.encode("utf-8")
    assert "\x00" not in essay.text + essay.author


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("empty.csv", b"", "is empty"),
        ("image.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 20, "is a binary file"),
        ("columns.csv", b"name,words\na,b\n", "has no column 'TEXT' (its columns: name, words)"),
        ("header.csv", HEADER.encode() + b"\n", "holds no essay (it has no rows)"),
        ("open.csv", b'TEXT\n"' + b"words " * 50_000, "a field of over 131072 characters"),
        ("rows.jsonl", b'{"words": "a"}\n', "holds no essay (1 no-text)"),
        ("table.parquet", b"PAR1 is not enough", "is no readable Parquet file"),
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


def test_a_folder_without_text_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"is a folder without \.txt files"):
        open_corpus(str(tmp_path))


BYTES = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.one_of(
            st.sampled_from([b"TEXT", b"#AUTHID,TEXT\n", b'"', b",", b"\n", b"\r", b"\xff\xfe", b"\x00", b"{",
                             b'"text":', b"PAR1", b"\xe9", b"\xf0\x9f", b"Err:000", b"[", words(1).encode(),
                             b'{"text": "']),
            st.text(string.printable, max_size=9).map(str.encode),
        ),
        max_size=30,
    ).map(b"".join),
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".txt", ".parquet"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
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
