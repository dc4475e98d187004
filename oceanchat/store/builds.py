"""Rows of builds, each under its name.

All of it is a cache of corpus, prompts, config and ledger, rewritten for a whole trait-level of one build in
one transaction. Where no build is named, functions read the default one.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError
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
)

from oceanchat.errors import StoreError
from oceanchat.records import Candidate, Dialogue, Record, SeedTopic
from oceanchat.store.columns import json_object, moment
from oceanchat.store.corpora import essays, sentence_of, sentences
from oceanchat.store.schema import metadata
from oceanchat.traits import CODES, Level, TraitLevel

builds = Table(
    "builds",
    metadata,
    Column("build", String, primary_key=True, comment="its name"),
    Column("trait_level", String, primary_key=True, comment="O+ ... N-"),
    Column("corpus_id", String, ForeignKey("corpora.id"), nullable=False),
    Column(
        "recipe",
        String,
        nullable=False,
        comment="hash of everything that decides the result except the count",
    ),
    Column("requested", Integer, nullable=False, comment="dialogues asked for"),
    Column("config", Text, nullable=False, comment="JSON of the config, without keys"),
    Column("finished_at", Float, nullable=False, comment="seconds since 1970"),
)
candidates = Table(
    "candidates",
    metadata,
    Column("build", String, primary_key=True),
    Column("trait_level", String, primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("essay_id", String, nullable=False),
    Column("position", Integer, nullable=False, comment="in the essay, from 0"),
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
    Column("build", String, primary_key=True),
    Column("trait_level", String, primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("state", String, nullable=False),
    Column("record", Text, nullable=False, comment="JSON of a SeedTopic"),
)
dialogues = Table(
    "dialogues",
    metadata,
    Column("build", String, primary_key=True),
    Column("trait_level", String, primary_key=True),
    Column("order", Integer, primary_key=True),
    Column("id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("record", Text, nullable=False, comment="JSON of a Dialogue"),
    Index("dialogues_by_id", "id"),
)


ROLES = ("labeler", "writer", "checker")
ROWS_AT_ONCE = 500
"""Rows handed to the database in one statement: memory does not grow with a result."""
SCRIPTED = "scripted"
"""The name of the model that is not real."""


class StoredBuild(NamedTuple):
    """One trait-level of a build."""

    build: str
    """The name of the build."""
    trait_level: str
    corpus_id: str
    recipe: str
    requested: int
    """Dialogues asked for."""
    config: dict[str, Any]
    finished_at: float
    """Seconds since 1970."""

    @property
    def is_real(self) -> bool:
        """Whether any of its roles was played by another than the scripted model."""
        return any(self.config.get(role, SCRIPTED) != SCRIPTED for role in ROLES)


R = TypeVar("R", bound=Record)


def _read(kind: type[R], text: str) -> R:
    """The record a row holds. Raises StoreError when the row was damaged."""
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        raise StoreError(
            f"a stored {kind.__name__} is damaged: '{text[:60]}'; build that trait-level again"
        ) from None


class BuildResult(NamedTuple):
    """Everything a trait-level's build ends with."""

    candidates: Sequence[Candidate]
    seeds: Sequence[SeedTopic]
    dialogues: Sequence[Dialogue]


def replace_result(connection: Connection, build: StoredBuild, result: BuildResult) -> None:
    """Put a trait-level's result in the place of an earlier one of the same build."""
    for table in (dialogues, seeds, candidates, builds):
        connection.execute(
            delete(table).where(table.c.build == build.build, table.c.trait_level == build.trait_level)
        )
    which = {"build": build.build, "trait_level": build.trait_level}
    row = build._asdict() | {"config": json.dumps(build.config, sort_keys=True)}
    connection.execute(insert(builds), row)
    _insert(connection, candidates, (which | _candidate_row(c) for c in result.candidates))
    _insert(
        connection,
        seeds,
        (which | {"order": s.order, "state": s.state, "record": s.model_dump_json()} for s in result.seeds),
    )
    _insert(
        connection,
        dialogues,
        (
            which | {"order": d.order, "id": d.id, "state": d.state, "record": d.model_dump_json()}
            for d in result.dialogues
        ),
    )


def _insert(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    while some := list(itertools.islice(rows, ROWS_AT_ONCE)):
        connection.execute(insert(table), some)


def _candidate_row(candidate: Candidate) -> dict[str, Any]:
    return {
        "order": candidate.order,
        "essay_id": candidate.sentence.essay_id,
        "position": candidate.sentence.position,
        "state": candidate.state,
        "level": candidate.level.value if candidate.level else None,
        "facet": candidate.facet,
        "strength": candidate.strength,
        "reason": candidate.reason,
        "prompt": candidate.prompt,
    }


class BuildName(NamedTuple):
    """A build of a store."""

    name: str
    is_real: bool
    """Whether a model other than the scripted one had a part."""
    finished_at: float
    """When its newest trait-level was finished, in seconds since 1970."""


def build_names(connection: Connection) -> list[BuildName]:
    """The builds of a store; the first is read where none is named: the newest of the real ones."""
    names: dict[str, BuildName] = {}
    for build in _all_builds(connection):
        known = names.get(build.build, BuildName(build.build, False, 0.0))
        newest = max(known.finished_at, build.finished_at)
        names[build.build] = BuildName(build.build, known.is_real or build.is_real, newest)
    return sorted(names.values(), key=lambda b: (b.is_real, b.finished_at, b.name), reverse=True)


def stored_builds(connection: Connection, build: str | None = None) -> list[StoredBuild]:
    """The trait-levels of a build, in paper order."""
    name = _named(connection, build)
    rows = [row for row in _all_builds(connection) if row.build == name]
    return sorted(rows, key=lambda row: CODES.index(row.trait_level))


def _named(connection: Connection, build: str | None) -> str:
    """The name of the build to read: `build`, else the default one; '' where there is none."""
    if build is not None:
        return build
    return next((each.name for each in build_names(connection)), "")


def _all_builds(connection: Connection) -> Iterator[StoredBuild]:
    for r in connection.execute(select(builds)):
        config = json_object(r.config)
        yield StoredBuild(
            r.build, r.trait_level, r.corpus_id, r.recipe, int(r.requested), config, moment(r.finished_at)
        )


def state_counts(
    connection: Connection, trait_level: str, build: str | None = None
) -> dict[str, dict[str, int]]:
    """Rows by state in each of a trait-level's tables: 'candidates', 'seeds', 'dialogues'."""
    name = _named(connection, build)
    counts: dict[str, dict[str, int]] = {}
    for table in (candidates, seeds, dialogues):
        query = (
            select(table.c.state, func.count())
            .where(table.c.build == name, table.c.trait_level == trait_level)
            .group_by(table.c.state)
            .order_by(table.c.state)
        )
        counts[table.name] = {state: count for state, count in connection.execute(query)}
    return counts


def count_fitting(
    connection: Connection, trait_level: str, min_strength: int, build: str | None = None
) -> int:
    """Labeled sentences of the right level and at least that strength, taken as seed topics or not."""
    mine = (candidates.c.build == _named(connection, build)) & (candidates.c.trait_level == trait_level)
    fits = candidates.c.state.in_(("selected", "surplus")) & (candidates.c.strength >= min_strength)
    return connection.execute(select(func.count()).where(mine, fits)).scalar_one()


def reason_counts(
    connection: Connection, trait_level: str, build: str | None = None
) -> Iterator[tuple[str, str, str, int]]:
    """Step, state, why and how many, for rows of a trait-level that failed, were closed out or were
    rejected."""
    name = _named(connection, build)
    failed = (
        select(candidates.c.reason, func.count())
        .where(
            candidates.c.build == name,
            candidates.c.trait_level == trait_level,
            candidates.c.state == "failed",
        )
        .group_by(candidates.c.reason)
        .order_by(candidates.c.reason)
    )
    for reason, count in connection.execute(failed):
        yield "labeling", "failed", reason, count
    for step, table, fine in (("writing", seeds, "written"), ("checking", dialogues, "passed")):
        query = select(table.c.state, table.c.record).where(
            table.c.build == name, table.c.trait_level == trait_level, table.c.state != fine
        )
        counts = Counter(
            (state, "" if state.startswith("gate:") else json.loads(record)["detail"].split(":")[0])
            for state, record in connection.execute(query)
        )
        for (state, why), count in sorted(counts.items()):
            yield step, state, why, count


def stored_candidates(
    connection: Connection, states: Iterable[str] = (), build: str | None = None
) -> Iterator[Candidate]:
    """Candidates of all trait-levels in paper order; those in `states` only, when any are given."""
    wanted = list(states)
    for stored in stored_builds(connection, build):
        query = (
            select(
                candidates,
                sentences.c.id,
                sentences.c.start,
                sentences.c.end,
                sentences.c.text,
                essays.c.author,
            )
            .join(essays, and_(essays.c.corpus_id == stored.corpus_id, essays.c.id == candidates.c.essay_id))
            .join(
                sentences,
                and_(
                    sentences.c.corpus_id == stored.corpus_id,
                    sentences.c.essay_number == essays.c.number,
                    sentences.c.position == candidates.c.position,
                ),
            )
            .where(candidates.c.build == stored.build, candidates.c.trait_level == stored.trait_level)
            .order_by(candidates.c.order)
        )
        if wanted:
            query = query.where(candidates.c.state.in_(wanted))
        for row in connection.execute(query, execution_options={"yield_per": 1000}):
            yield _candidate(row)


def _candidate(row: Any) -> Candidate:
    return Candidate(
        sentence=sentence_of(row),
        trait=TraitLevel.parse(row.trait_level).trait,
        order=row.order,
        state=row.state,
        level=Level(row.level) if row.level else None,
        facet=row.facet,
        strength=row.strength,
        reason=row.reason,
        prompt=row.prompt,
    )


def stored_seeds(connection: Connection, build: str | None = None) -> Iterator[SeedTopic]:
    """Seed topics of all trait-levels in paper order."""
    mine = seeds.c.build == _named(connection, build)
    for code in CODES:
        query = select(seeds.c.record).where(mine, seeds.c.trait_level == code).order_by(seeds.c.order)
        for record in connection.execute(query).scalars():
            yield _read(SeedTopic, record)


def stored_dialogues(
    connection: Connection,
    trait_levels: Iterable[TraitLevel] = (),
    states: Iterable[str] = (),
    limit: int | None = None,
    build: str | None = None,
) -> Iterator[Dialogue]:
    """Built dialogues in paper order; of these trait-levels and in these states only, when any are given,
    and at most `limit` of each trait-level."""
    codes = [t.code for t in trait_levels] or CODES
    wanted = list(states)
    mine = dialogues.c.build == _named(connection, build)
    for code in codes:
        query = select(dialogues.c.record).where(mine, dialogues.c.trait_level == code)
        query = query.order_by(dialogues.c.order)
        if wanted:
            query = query.where(dialogues.c.state.in_(wanted))
        query = query.limit(limit)
        for record in connection.execute(query, execution_options={"yield_per": 200}).scalars():
            yield _read(Dialogue, record)


def dialogue_by_id(connection: Connection, prefix: str, build: str | None = None) -> list[Dialogue]:
    """A build's dialogues whose id begins with `prefix`."""
    mine = dialogues.c.build == _named(connection, build)
    alike = dialogues.c.id.startswith(prefix, autoescape=True)
    query = select(dialogues.c.record).where(mine, alike).limit(2)
    return [_read(Dialogue, record) for record in connection.execute(query).scalars()]
