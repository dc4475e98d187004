"""Authors, texts and labels are found under the names that people give their columns."""

import json
from pathlib import Path

import pytest

from oceanchat.corpus.columns import BY_NAME, ColumnChoice, parse_label_columns
from oceanchat.corpus.essays import Corpus, open_corpus
from oceanchat.errors import ConfigError, CorpusError, InputError
from oceanchat.traits import Level, Trait
from tests.oceanchat.corpus.sources import essays, words, write

AUTHORS = """#AUTHID|Participant_ID|author name|Post-Author|participantNumber|SubjectID|Writer|uid|student no
PROLIFIC_PID|username|User Handle|worker_id|reddit_user|id""".replace("\n", "|").split("|")


def by_column(path: Path, name: str, choice: ColumnChoice = BY_NAME) -> Corpus:
    lines = [f"{name},TEXT,when", *(f"p{n % 2},{words(n)},may" for n in range(6))]
    return open_corpus(write(path / "e.csv", "\n".join(lines)), choice)


@pytest.mark.parametrize("name", AUTHORS)
def test_authors_are_known_by_many_names(tmp_path: Path, name: str) -> None:
    corpus = by_column(tmp_path, name)
    assert {essay.author for essay in essays(corpus)} == {"p0", "p1"}
    assert corpus.author_column == name.lstrip("#").casefold() and corpus.notes == ()


@pytest.mark.parametrize("name", ["group", "subject", "author_flair_text", "part", "user_count", "title"])
def test_where_no_column_names_authors_a_note_says_so(tmp_path: Path, name: str) -> None:
    corpus = by_column(tmp_path, name)
    assert len({essay.author for essay in essays(corpus)}) == 6
    (note,) = corpus.notes
    assert corpus.author_column == "" and "no split by author" in note and "--author-column" in note
    named = by_column(tmp_path, name, ColumnChoice(author=name.upper()))
    assert {essay.author for essay in essays(named)} == {"p0", "p1"} and named.notes == ()


def test_ids_that_do_not_repeat_are_no_authors(tmp_path: Path) -> None:
    lines = ["id,TEXT", *(f"e{n},{words(n)}" for n in range(3))]
    corpus = open_corpus(write(tmp_path / "e.csv", "\n".join(lines)))
    assert corpus.author_column == "" and [essay.id for essay in essays(corpus)] == ["e0", "e1", "e2"]


def test_whole_floats_are_the_numbers_they_are(tmp_path: Path) -> None:
    rows = [{"user_id": user, "text": words(n)} for n, user in enumerate([7, 7.0, "7.0", "7", float("nan")])]
    corpus = open_corpus(write(tmp_path / "e.jsonl", "\n".join(map(json.dumps, rows))))
    assert [essay.author for essay in essays(corpus)] == ["7", "7", "7", "7", "row-5"]


def test_named_columns_are_used_and_must_be_there(tmp_path: Path) -> None:
    lines = ["Who,Said it,Openness (1-5),TEXT", *(f"a{n % 2},{words(n)},{1 + n % 5},x" for n in range(6))]
    source = write(tmp_path / "e.csv", "\n".join(lines))
    choice = ColumnChoice("said IT", "who", {Trait.O: "openness (1-5)"})
    corpus = open_corpus(source, choice)
    levels = [essay.labels.get(Trait.O) for essay in essays(corpus)]
    assert levels == [Level.LOW, Level.LOW, None, Level.HIGH, Level.HIGH, Level.LOW]
    assert len({essay.author for essay in essays(corpus)}) == 2
    assert not any("--text-column" in note for note in corpus.notes)
    for wrong, flag in (
        (choice._replace(author="nobody"), "--author-column"),
        (choice._replace(labels={Trait.C: "con"}), "--label-columns"),
        (choice._replace(text="story {x}"), "--text-column"),
    ):
        with pytest.raises(CorpusError, match=flag) as caught:
            open_corpus(source, wrong)
        assert "who, said it" in str(caught.value)


def test_scores_are_read_on_the_scale_of_each_column_and_a_note_says_how(tmp_path: Path) -> None:
    header = "author,text,openness,cCON,extraversion_percentile,zA,N"
    values = ["5,y,97,-0.2,0.1", "1,n,3,1.9,0.9", "3,y,50,0,0.5", "2.5,,88,-2,"]
    lines = [header] + [f"a{n},{words(n)},{v}" for n, v in enumerate(values)]
    corpus = open_corpus(write(tmp_path / "e.csv", "\n".join(lines)))
    signs = ["".join(t.value + level.sign for t, level in essay.labels.items()) for essay in essays(corpus)]
    assert signs == ["O+C+E+A-N-", "O-C-E-A+N+", "C+", "O-E+A-"]
    assert len(corpus.notes) == 4 and all("read" in note for note in corpus.notes)


def test_label_columns_are_parsed_or_refused() -> None:
    assert parse_label_columns(None) is None
    assert parse_label_columns("none") == {}
    labels = parse_label_columns("O=open score, Neuroticism=n2,cEXT")
    assert labels == {Trait.O: "open score", Trait.N: "n2", Trait.E: "cEXT"}
    for wrong in ("O=", "X=a", "openscore?", "all=a"):
        with pytest.raises((ConfigError, InputError)):
            parse_label_columns(wrong)
