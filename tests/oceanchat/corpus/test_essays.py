"""Essays and their labels are recognized, and junk is counted by name."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from oceanchat.corpus.essays import BUNDLED, open_corpus
from oceanchat.traits import Level, Trait
from tests.oceanchat.corpus.sources import HEADER, essays, words, write

WORDS = "I went home early today because the café had no free table and it’s cold"  # noqa: RUF001


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
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


def test_the_bundled_corpus_is_the_default_and_may_be_shared() -> None:
    corpus = open_corpus()
    assert (corpus.name, corpus.shareable, corpus.license) == (BUNDLED, True, "CC0-1.0")
    assert corpus.count >= 120
    assert not corpus.junk
    assert len({essay.id for essay in corpus.essays}) == corpus.count


def test_the_fingerprint_follows_the_essays_and_not_the_file(tmp_path: Path) -> None:
    corpus = open_corpus(write(tmp_path / "one.csv", f"id,TEXT\na,{words(1)}\nb,{words(2)}\n"))
    same = open_corpus(
        write(tmp_path / "two.csv", f"id,TEXT\na,{words(1)}\nb,{words(2)}\nc,Err:000\n".encode("utf-16"))
    )
    other = open_corpus(write(tmp_path / "three.csv", f"id,TEXT\na,{words(1)}\nb,{words(3)}\n"))
    assert corpus.fingerprint == same.fingerprint != other.fingerprint


def test_what_a_database_cannot_hold_is_replaced(tmp_path: Path) -> None:
    line = json.dumps({"author": "x\x00y", "text": f"\ud800 {words(1)} \x00"})
    (essay,) = essays(open_corpus(write(tmp_path / "e.jsonl", line)))
    essay.text.encode("utf-8")
    assert "\x00" not in essay.text + essay.author
