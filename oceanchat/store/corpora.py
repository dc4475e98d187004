"""Rows of corpora, their essays and sentences.

A cache of a source as read and segmented. A corpus is complete once its own row is there, which is written
last; essays are numbered in corpus order, sentences by their position in the essay.
"""

import functools
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    column,
    func,
    select,
    values,
)

from oceanchat.errors import StoreError
from oceanchat.records import Essay, Sentence
from oceanchat.store.columns import json_object
from oceanchat.store.schema import metadata
from oceanchat.store.upsert import new_rows, upsert
from oceanchat.traits import Level, Trait

corpora = Table(
    "corpora",
    metadata,
    Column("id", String, primary_key=True, comment="fingerprint of text and segmentation"),
    Column("name", String, nullable=False, comment="path or Hub id as given"),
    Column("facts", Text, nullable=False, comment="JSON: counts, junk and set-aside by reason, license note"),
)
essays = Table(
    "essays",
    metadata,
    Column("corpus_id", String, primary_key=True),
    Column("number", Integer, primary_key=True, comment="position in the corpus, from 0"),
    Column("id", String, nullable=False),
    Column("author", String, nullable=False),
    Column("labels", String, nullable=False, comment="JSON: trait -> level"),
    Column("text", Text, nullable=False),
    Column("sentence_count", Integer, nullable=False),
    Index("essays_by_id", "corpus_id", "id"),
)
sentences = Table(
    "sentences",
    metadata,
    Column("corpus_id", String, primary_key=True),
    Column("essay_number", Integer, primary_key=True),
    Column("position", Integer, primary_key=True, comment="in the essay, from 0"),
    Column("id", String, nullable=False),
    Column("start", Integer, nullable=False, comment="characters"),
    Column("end", Integer, nullable=False, comment="characters"),
    Column("text", Text, nullable=False),
)
IN_ESSAY = and_(essays.c.corpus_id == sentences.c.corpus_id, essays.c.number == sentences.c.essay_number)
"""Joins a sentence to its essay."""


class EssayOutline(NamedTuple):
    """The facts of one essay that the canonical order of candidates depends on."""

    number: int
    id: str
    labels: dict[Trait, Level]
    sentence_count: int


class StoredCorpus(NamedTuple):
    """A corpus that is complete in the store."""

    id: str
    name: str
    facts: dict[str, Any]


def stored_corpus(connection: Connection, corpus_id: str) -> StoredCorpus | None:
    """The corpus of that fingerprint, if it was stored completely."""
    row = connection.execute(select(corpora).where(corpora.c.id == corpus_id)).one_or_none()
    return (
        None if row is None else StoredCorpus(row.id, row.name, json_object(row.facts, "essays", "sentences"))
    )


def add_essays(
    connection: Connection, corpus_id: str, first: int, rows: Sequence[tuple[Essay, Sequence[Sentence]]]
) -> None:
    """Store essays with their sentences, numbered from `first`; rows that are there already stay.

    Rows are a pure function of the corpus: a second reading, at the same time or later, writes the same.
    """
    essay_rows = [
        {
            "corpus_id": corpus_id,
            "number": number,
            "id": essay.id,
            "author": essay.author,
            "labels": json.dumps({trait.value: level.value for trait, level in essay.labels.items()}),
            "text": essay.text,
            "sentence_count": len(essay_sentences),
        }
        for number, (essay, essay_sentences) in enumerate(rows, first)
    ]
    sentence_rows = [
        {
            "corpus_id": corpus_id,
            "essay_number": number,
            "position": position,
            "id": sentence.id,
            "start": sentence.start,
            "end": sentence.end,
            "text": sentence.text,
        }
        for number, (_, essay_sentences) in enumerate(rows, first)
        for position, sentence in enumerate(essay_sentences)
    ]
    if essay_rows:
        connection.execute(new_rows(connection, essays), essay_rows)
    if sentence_rows:
        connection.execute(new_rows(connection, sentences), sentence_rows)


def end_corpus(connection: Connection, corpus: StoredCorpus) -> None:
    """Mark a corpus as complete, or record the name it was last read under. Raises StoreError when rows are
    missing."""
    for table in (essays, sentences):
        query = select(func.count()).where(table.c.corpus_id == corpus.id)
        stored, expected = connection.execute(query).scalar_one(), corpus.facts[table.name]
        if stored != expected:
            raise StoreError(
                f"corpus '{corpus.name}' has {stored} of {expected} {table.name} in the store; run again"
            )
    row = {"id": corpus.id, "name": corpus.name, "facts": json.dumps(corpus.facts)}
    changed = {"name": row["name"], "facts": row["facts"]}
    connection.execute(
        upsert(connection, corpora).on_conflict_do_update(index_elements=["id"], set_=changed), row
    )


def essay_outlines(connection: Connection, corpus_id: str) -> list[EssayOutline]:
    """All essays of a corpus, without their texts."""
    columns = (essays.c.number, essays.c.id, essays.c.labels, essays.c.sentence_count)
    rows = connection.execute(
        select(*columns).where(essays.c.corpus_id == corpus_id).order_by(essays.c.number)
    )
    return [EssayOutline(row.number, row.id, _labels(row.labels), row.sentence_count) for row in rows]


@functools.cache  # few combinations for any number of essays
def _labels(text: str) -> dict[Trait, Level]:
    return {Trait(trait): Level(level) for trait, level in json.loads(text).items()}


def sentences_at(
    connection: Connection, corpus_id: str, positions: Sequence[tuple[int, int]]
) -> list[Sentence]:
    """The sentences at these (essay number, position) pairs, in the same order."""
    # Joined to a table of the pairs, each is one look-up by primary key; a pair in a list of pairs scans
    # the corpus.
    pairs = values(column("number", Integer), column("position", Integer), name="pairs").data(list(positions))
    wanted = pairs.cte("wanted")
    query = (
        select(sentences, essays.c.id.label("essay_id"), essays.c.author)
        .select_from(wanted)
        .join(
            sentences,
            and_(
                sentences.c.corpus_id == corpus_id,
                sentences.c.essay_number == wanted.c.number,
                sentences.c.position == wanted.c.position,
            ),
        )
        .join(essays, IN_ESSAY)
    )
    by_position = {(row.essay_number, row.position): sentence_of(row) for row in connection.execute(query)}
    return [by_position[position] for position in positions]


def sentence_texts(connection: Connection, corpus_id: str, numbers: Sequence[int]) -> dict[int, list[str]]:
    """The texts of these essays' sentences in order, by essay number."""
    query = (
        select(sentences.c.essay_number, sentences.c.text)
        .where(sentences.c.corpus_id == corpus_id, sentences.c.essay_number.in_(numbers))
        .order_by(sentences.c.essay_number, sentences.c.position)
    )
    texts: dict[int, list[str]] = {number: [] for number in numbers}
    for number, text in connection.execute(query):
        texts[number].append(text)
    return texts


def sentence_of(row: Any) -> Sentence:
    """The record of a row of `sentences` joined to its essay."""
    return Sentence(
        id=row.id,
        essay_id=row.essay_id,
        author=row.author,
        start=row.start,
        end=row.end,
        text=row.text,
        position=row.position,
    )


def essay_text(connection: Connection, corpus_id: str, essay_id: str) -> str:
    """The text of an essay."""
    query = select(essays.c.text).where(essays.c.corpus_id == corpus_id, essays.c.id == essay_id)
    return str(connection.execute(query).scalar_one())


def all_sentences(connection: Connection) -> Iterator[Sentence]:
    """Every usable sentence of every complete corpus, in corpus order."""
    query = (
        select(sentences, essays.c.id.label("essay_id"), essays.c.author)
        .join(essays, IN_ESSAY)
        .where(sentences.c.corpus_id.in_(select(corpora.c.id)))
        .order_by(sentences.c.corpus_id, sentences.c.essay_number, sentences.c.position)
    )
    for row in connection.execute(query, execution_options={"yield_per": 1000}):
        yield sentence_of(row)
