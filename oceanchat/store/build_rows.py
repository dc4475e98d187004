"""The build's tables: corpora with their essays and sentences, and each trait-level's result.

All of them are a cache of corpus, prompts, config and ledger. A trait-level's result is rewritten in one
transaction; a corpus is complete once its own row is there, which is written last.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    tuple_,
)

from oceanchat.records import Candidate, Dialogue, Essay, SeedTopic, Sentence
from oceanchat.store.schema import metadata
from oceanchat.traits import CODES, Level, Trait, TraitLevel

corpora = Table(
    "corpora",
    metadata,
    Column("id", String, primary_key=True, comment="fingerprint of text and segmentation"),
    Column("name", String, nullable=False, comment="path or Hub id as given"),
    Column("facts", Text, nullable=False, comment="JSON: counts, junk and set-aside by reason, licence note"),
)
essays = Table(
    "essays",
    metadata,
    Column("corpus_id", String, primary_key=True),
    Column("number", Integer, primary_key=True, comment="place in the corpus, from 0"),
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
    Column("place", Integer, primary_key=True, comment="place in the essay, from 0"),
    Column("id", String, nullable=False),
    Column("start", Integer, nullable=False, comment="characters"),
    Column("end", Integer, nullable=False, comment="characters"),
    Column("text", Text, nullable=False),
)
builds = Table(
    "builds",
    metadata,
    Column("trait_level", String, primary_key=True, comment="O+ ... N-"),
    Column("corpus_id", String, ForeignKey("corpora.id"), nullable=False),
    Column(
        "recipe", String, nullable=False, comment="hash of everything that decides the result but the count"
    ),
    Column("requested", Integer, nullable=False, comment="dialogues asked for"),
    Column("config", Text, nullable=False, comment="JSON of the config, without keys"),
    Column("finished", Float, nullable=False, comment="epoch seconds"),
)
candidates = Table(
    "candidates",
    metadata,
    Column("trait_level", String, primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("essay_id", String, nullable=False),
    Column("place", Integer, nullable=False, comment="place in the essay"),
    Column("state", String, nullable=False),
    Column("level", String),
    Column("facet", String),
    Column("strength", Integer, comment="1 to 5"),
    Column("reason", Text, nullable=False),
    Column("prompt", String, nullable=False),
)
seeds = Table(
    "seeds",
    metadata,
    Column("trait_level", String, primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("state", String, nullable=False),
    Column("record", Text, nullable=False, comment="JSON of a SeedTopic"),
)
dialogues = Table(
    "dialogues",
    metadata,
    Column("trait_level", String, primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("record", Text, nullable=False, comment="JSON of a Dialogue"),
    Index("dialogues_by_id", "id"),
)


class EssayPlace(NamedTuple):
    """What the canonical order of candidates needs to know of one essay."""

    number: int
    id: str
    labels: dict[Trait, Level]
    sentence_count: int


class StoredCorpus(NamedTuple):
    """A corpus that is complete in the store."""

    id: str
    name: str
    facts: dict[str, Any]


class StoredBuild(NamedTuple):
    """The latest build of one trait-level."""

    trait_level: str
    corpus_id: str
    recipe: str
    requested: int
    """Dialogues asked for."""
    config: dict[str, Any]
    finished: float
    """Epoch seconds."""


def stored_corpus(connection: Connection, corpus_id: str) -> StoredCorpus | None:
    """The corpus of that fingerprint, if it was stored completely."""
    row = connection.execute(select(corpora).where(corpora.c.id == corpus_id)).one_or_none()
    return None if row is None else StoredCorpus(row.id, row.name, json.loads(row.facts))


def begin_corpus(connection: Connection, corpus_id: str) -> None:
    """Forget what an interrupted reading of this corpus left."""
    for table in (sentences, essays):
        connection.execute(delete(table).where(table.c.corpus_id == corpus_id))


def add_essays(
    connection: Connection, corpus_id: str, first: int, rows: Sequence[tuple[Essay, Sequence[Sentence]]]
) -> None:
    """Store essays with their sentences, numbered from `first`."""
    essay_rows = [
        {
            "corpus_id": corpus_id,
            "number": number,
            "id": essay.id,
            "author": essay.author,
            "labels": json.dumps({trait.value: level.value for trait, level in essay.labels.items()}),
            "text": essay.text,
            "sentence_count": len(found),
        }
        for number, (essay, found) in enumerate(rows, first)
    ]
    sentence_rows = [
        {
            "corpus_id": corpus_id,
            "essay_number": number,
            "place": place,
            "id": sentence.id,
            "start": sentence.start,
            "end": sentence.end,
            "text": sentence.text,
        }
        for number, (_, found) in enumerate(rows, first)
        for place, sentence in enumerate(found)
    ]
    if essay_rows:
        connection.execute(insert(essays), essay_rows)
    if sentence_rows:
        connection.execute(insert(sentences), sentence_rows)


def end_corpus(connection: Connection, corpus: StoredCorpus) -> None:
    """Mark a corpus as complete."""
    row = {"id": corpus.id, "name": corpus.name, "facts": json.dumps(corpus.facts)}
    connection.execute(insert(corpora), row)


def essay_places(connection: Connection, corpus_id: str) -> list[EssayPlace]:
    """All essays of a corpus, without their texts."""
    columns = (essays.c.number, essays.c.id, essays.c.labels, essays.c.sentence_count)
    rows = connection.execute(
        select(*columns).where(essays.c.corpus_id == corpus_id).order_by(essays.c.number)
    )
    return [EssayPlace(row.number, row.id, _labels(row.labels), row.sentence_count) for row in rows]


def _labels(text: str) -> dict[Trait, Level]:
    return {Trait(trait): Level(level) for trait, level in json.loads(text).items()}


def sentences_at(connection: Connection, corpus_id: str, places: Sequence[tuple[int, int]]) -> list[Sentence]:
    """The sentences at these (essay number, place) pairs, in the same order."""
    at = (sentences.c.essay_number, sentences.c.place)
    query = (
        select(sentences, essays.c.id.label("essay_id"), essays.c.author)
        .join(
            essays,
            and_(essays.c.corpus_id == sentences.c.corpus_id, essays.c.number == sentences.c.essay_number),
        )
        .where(sentences.c.corpus_id == corpus_id, tuple_(*at).in_(list(places)))
    )
    found = {(row.essay_number, row.place): _sentence(row) for row in connection.execute(query)}
    return [found[place] for place in places]


def _sentence(row: Any) -> Sentence:
    return Sentence(
        id=row.id,
        essay_id=row.essay_id,
        author=row.author,
        start=row.start,
        end=row.end,
        text=row.text,
        place=row.place,
    )


def essay_text(connection: Connection, corpus_id: str, essay_id: str) -> str:
    """The text of an essay."""
    query = select(essays.c.text).where(essays.c.corpus_id == corpus_id, essays.c.id == essay_id)
    return str(connection.execute(query).scalar_one())


def all_sentences(connection: Connection) -> Iterator[Sentence]:
    """Every usable sentence of the corpora that builds used, in corpus order."""
    used = select(builds.c.corpus_id)
    query = (
        select(sentences, essays.c.id.label("essay_id"), essays.c.author)
        .join(
            essays,
            and_(essays.c.corpus_id == sentences.c.corpus_id, essays.c.number == sentences.c.essay_number),
        )
        .where(sentences.c.corpus_id.in_(used))
        .order_by(sentences.c.corpus_id, sentences.c.essay_number, sentences.c.place)
    )
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield _sentence(row)


class Result(NamedTuple):
    """Everything a trait-level's build ends with."""

    candidates: Sequence[Candidate]
    seeds: Sequence[SeedTopic]
    dialogues: Sequence[Dialogue]


def replace_result(connection: Connection, build: StoredBuild, result: Result) -> None:
    """Put a trait-level's result in the place of an earlier one."""
    for table in (dialogues, seeds, candidates, builds):
        connection.execute(delete(table).where(table.c.trait_level == build.trait_level))
    row = build._asdict() | {"config": json.dumps(build.config, sort_keys=True)}
    connection.execute(insert(builds), row)
    _insert(connection, candidates, [_candidate_row(build.trait_level, c) for c in result.candidates])
    _insert(
        connection,
        seeds,
        [
            {
                "trait_level": build.trait_level,
                "order": s.order,
                "state": s.state,
                "record": s.model_dump_json(),
            }
            for s in result.seeds
        ],
    )
    _insert(
        connection,
        dialogues,
        [
            {
                "trait_level": build.trait_level,
                "order": d.order,
                "id": d.id,
                "state": d.state,
                "record": d.model_dump_json(),
            }
            for d in result.dialogues
        ],
    )


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _candidate_row(code: str, candidate: Candidate) -> dict[str, Any]:
    return {
        "trait_level": code,
        "order": candidate.order,
        "essay_id": candidate.sentence.essay_id,
        "place": candidate.sentence.place,
        "state": candidate.state,
        "level": candidate.level.value if candidate.level else None,
        "facet": candidate.facet,
        "strength": candidate.strength,
        "reason": candidate.reason,
        "prompt": candidate.prompt,
    }


def stored_builds(connection: Connection) -> list[StoredBuild]:
    """The latest build of each trait-level that has one, in paper order."""
    rows = [
        StoredBuild(r.trait_level, r.corpus_id, r.recipe, r.requested, json.loads(r.config), r.finished)
        for r in connection.execute(select(builds))
    ]
    return sorted(rows, key=lambda build: CODES.index(build.trait_level))


def stored_build(connection: Connection, trait_level: TraitLevel) -> StoredBuild | None:
    """The latest build of one trait-level."""
    return next((b for b in stored_builds(connection) if b.trait_level == trait_level.code), None)


def state_counts(connection: Connection, trait_level: str) -> dict[str, dict[str, int]]:
    """Rows by state in each of a trait-level's tables: 'candidates', 'seeds', 'dialogues'."""
    counts: dict[str, dict[str, int]] = {}
    for table in (candidates, seeds, dialogues):
        query = (
            select(table.c.state, func.count())
            .where(table.c.trait_level == trait_level)
            .group_by(table.c.state)
            .order_by(table.c.state)
        )
        counts[table.name] = {state: count for state, count in connection.execute(query)}
    return counts


def reason_counts(connection: Connection, trait_level: str) -> Iterator[tuple[str, str, str, int]]:
    """Step, state, why and how many, for rows of a trait-level that failed, were closed out or were
    rejected."""
    failed = (
        select(candidates.c.reason, func.count())
        .where(candidates.c.trait_level == trait_level, candidates.c.state == "failed")
        .group_by(candidates.c.reason)
        .order_by(candidates.c.reason)
    )
    for reason, count in connection.execute(failed):
        yield "labelling", "failed", reason, count
    for step, table, fine in (("writing", seeds, "written"), ("checking", dialogues, "passed")):
        query = select(table.c.state, table.c.record).where(
            table.c.trait_level == trait_level, table.c.state != fine
        )
        counts = Counter(
            (state, "" if state.startswith("gate:") else json.loads(record)["detail"].split(":")[0])
            for state, record in connection.execute(query)
        )
        for (state, why), count in sorted(counts.items()):
            yield step, state, why, count


def stored_candidates(connection: Connection, states: Iterable[str] = ()) -> Iterator[Candidate]:
    """Candidates of all trait-levels in paper order; those in `states` only, when any are given."""
    wanted = list(states)
    for build in stored_builds(connection):
        query = (
            select(
                candidates,
                sentences.c.id,
                sentences.c.start,
                sentences.c.end,
                sentences.c.text,
                essays.c.author,
            )
            .join(essays, and_(essays.c.corpus_id == build.corpus_id, essays.c.id == candidates.c.essay_id))
            .join(
                sentences,
                and_(
                    sentences.c.corpus_id == build.corpus_id,
                    sentences.c.essay_number == essays.c.number,
                    sentences.c.place == candidates.c.place,
                ),
            )
            .where(candidates.c.trait_level == build.trait_level)
            .order_by(candidates.c.order)
        )
        if wanted:
            query = query.where(candidates.c.state.in_(wanted))
        for row in connection.execution_options(yield_per=1000).execute(query):
            yield _candidate(row)


def _candidate(row: Any) -> Candidate:
    return Candidate(
        sentence=_sentence(row),
        trait=TraitLevel.parse(row.trait_level).trait,
        order=row.order,
        state=row.state,
        level=Level(row.level) if row.level else None,
        facet=row.facet,
        strength=row.strength,
        reason=row.reason,
        prompt=row.prompt,
    )


def stored_seeds(connection: Connection) -> Iterator[SeedTopic]:
    """Seed topics of all trait-levels in paper order."""
    for code in CODES:
        query = select(seeds.c.record).where(seeds.c.trait_level == code).order_by(seeds.c.order)
        for record in connection.execute(query).scalars():
            yield SeedTopic.model_validate_json(record)


def stored_dialogues(
    connection: Connection,
    trait_levels: Iterable[TraitLevel] = (),
    states: Iterable[str] = (),
    most: int | None = None,
) -> Iterator[Dialogue]:
    """Built dialogues in paper order; of these trait-levels and in these states only, when any are given,
    and at most so many of each trait-level."""
    codes = [t.code for t in trait_levels] or CODES
    wanted = list(states)
    for code in codes:
        query = select(dialogues.c.record).where(dialogues.c.trait_level == code).order_by(dialogues.c.order)
        if wanted:
            query = query.where(dialogues.c.state.in_(wanted))
        query = query.limit(most)
        for record in connection.execution_options(yield_per=200).execute(query).scalars():
            yield Dialogue.model_validate_json(record)


def dialogue_by_id(connection: Connection, prefix: str) -> list[Dialogue]:
    """Built dialogues whose id begins with `prefix`."""
    query = select(dialogues.c.record).where(dialogues.c.id.startswith(prefix, autoescape=True)).limit(2)
    return [Dialogue.model_validate_json(record) for record in connection.execute(query).scalars()]
