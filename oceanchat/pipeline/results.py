"""Read a build's results from the store.

Funnels, the reasons for rejected rows, dialogues, Table 6 and lengths, as records; how they look is for the
command line.
"""

import itertools
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from oceanchat.errors import InputError
from oceanchat.llm.costs import not_openais
from oceanchat.llm.settings import OPENAI_URL, SCRIPTED, known_endpoint
from oceanchat.pipeline.answer_words import asked_of
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.report import Outcome, check_sums
from oceanchat.records import Dialogue, Funnel
from oceanchat.spool import Lazy, Spool
from oceanchat.statistics.length import (
    AskedLength,
    LengthFigures,
    answer_lengths,
    asked_length,
    length_figures,
)
from oceanchat.statistics.table_six import SummaryRow, table_six
from oceanchat.store import builds as build_rows
from oceanchat.store import imports as import_rows
from oceanchat.store import ledger_sums
from oceanchat.store.builds import StoredBuild
from oceanchat.store.database import Store
from oceanchat.traits import CODES, TraitLevel

TOGETHER = 16
"""Dialogues that are compressed as one while they are read."""
SAMPLES = 2
"""Dialogues shown at the end of a build."""


class Status(NamedTuple):
    """One trait-level's latest build."""

    build: StoredBuild
    outcome: Outcome
    reasons: tuple[tuple[str, str, str, int], ...]
    """Step, state, reason and number of rows, for rows that were rejected or failed."""
    in_files: Collection[str] = ()
    """Models of which nobody knows where they answered."""

    def record(self) -> dict[str, Any]:
        """As plain data for `--json`."""
        return {
            "build": self.build.build,
            "trait_level": self.build.trait_level,
            "requested": self.build.requested,
            "passed": self.outcome.passed,
            "finished": self.build.finished_at,
            "config": with_known_endpoint(self.build.config, self.in_files),
            "funnel": self.outcome.funnel.record(),
            "reasons": [
                {"step": step, "state": state, "why": why, "rows": rows}
                for step, state, why, rows in self.reasons
            ],
        }


def models_in_files(store: Store) -> set[str]:
    """Models whose answers came in files, without a --base-url, and whose names are none of OpenAI's."""
    with store.reading() as connection:
        return not_openais(ledger_sums.answered_in_files(connection, OPENAI_URL))


def with_known_endpoint(config: dict[str, Any], in_files: Collection[str] = ()) -> dict[str, Any]:
    """A build's config with None for an endpoint at which nobody knows its models to have answered."""
    models = {str(config[role]) for role in build_rows.ROLES if role in config} - {SCRIPTED}
    endpoint = config.get("endpoint")
    if not isinstance(endpoint, str):
        return config
    return config | {"endpoint": known_endpoint(endpoint, *models, in_files=in_files)}


def imported_status(store: Store) -> dict[str, dict[str, int]]:
    """Trait-level -> state -> imported dialogues, in paper order."""
    with store.reading() as connection:
        counts = import_rows.imported_counts(connection)
    return {code: counts[code] for code in CODES if code in counts}


def status(store: Store, name: str | None = None) -> list[Status]:
    """Every trait-level of a build, its sums checked.

    Raises InputError when there is none and nothing was imported either.
    """
    in_files = models_in_files(store)
    with store.reading() as connection:
        latest = []
        for build in build_rows.stored_builds(connection, name):
            trait_level = TraitLevel.parse(build.trait_level)
            funnel = Funnel(**build_rows.state_counts(connection, build.trait_level, build.build))
            check_sums(trait_level, funnel)
            reasons = tuple(build_rows.reason_counts(connection, build.trait_level, build.build))
            latest.append(Status(build, Outcome(trait_level, build.requested, funnel), reasons, in_files))
    if not latest and not imported_status(store):
        raise _nothing_yet(store)
    return latest


def _nothing_yet(store: Store) -> InputError:
    return InputError(
        f"store '{store.url}' holds no build yet; run `oceanchat build O+`, or, once `oceanchat"
        " pending` writes nothing more, `oceanchat build --offline` with its options"
    )


def dialogues(
    store: Store, trait_levels: Sequence[TraitLevel], state: str | None, build: str | None = None
) -> Lazy[Dialogue]:
    """Dialogues of these trait-levels, built ones first, then imported ones.

    Raises InputError when there are none.
    """
    with store.reading() as connection:
        built = build_rows.stored_dialogues(connection, trait_levels, [state] if state else [], build=build)
        imported = (
            d
            for d in import_rows.stream_imported(connection)
            if d.trait_level in trait_levels and state in (None, d.state)
        )
        selected = Spool(Dialogue, itertools.chain(built, imported), TOGETHER)
    if not len(selected):
        with store.reading() as connection:
            built_any = bool(build_rows.stored_builds(connection, None))
        if not built_any and not imported_status(store):
            raise _nothing_yet(store)
        wanted = ", ".join(t.code for t in trait_levels) + (f" in state '{state}'" if state else "")
        raise InputError(
            f"store '{store.url}' holds no dialogue of {wanted}; `oceanchat status` shows what there is"
        )
    return selected.records()


def dialogue(store: Store, prefix: str, build: str | None = None) -> Dialogue:
    """The dialogue whose id begins with `prefix`. Raises InputError when there is none or more than one."""
    with store.reading() as connection:
        matches = build_rows.dialogue_by_id(connection, prefix, build)
        matches += [d for d in import_rows.stream_imported(connection) if d.id.startswith(prefix)]
    if len({d.id for d in matches}) != 1:
        problem = "is not known" if not matches else "fits several dialogues; write more of its digits"
        raise InputError(f"dialogue '{prefix}' {problem}; `oceanchat export dialogues` lists all ids")
    return matches[0]


def sample_dialogues(store: Store, config: BuildConfig) -> list[Dialogue]:
    """The first passed dialogues of a build, of different trait-levels where there are several."""
    with store.reading() as connection:
        by_trait_level = [
            list(
                build_rows.stored_dialogues(connection, [trait_level], ["passed"], SAMPLES, config.build_name)
            )
            for trait_level in config.trait_levels[:SAMPLES]
        ]
    samples = [
        dialogue
        for number in range(SAMPLES)
        for dialogues in by_trait_level
        for dialogue in dialogues[number : number + 1]
    ]
    return samples[:SAMPLES]


class PassedStatistics(NamedTuple):
    """Figures of all dialogues of a store that passed, built and imported."""

    table_six: tuple[SummaryRow, ...]
    length: LengthFigures
    asked: AskedLength | None = None
    """What was asked of the writer; None where answers were of any length."""

    def records(self) -> list[dict[str, Any]]:
        """The lines of Table 6 for `--json`, each with its trait's P(high longer than low), None without.

        The last line, over all, says how many dialogues kept to the length asked for, None where none was.
        """
        named = {"length_auc": self.length.words, "exchanges_auc": self.length.exchanges}
        return [
            line._asdict()
            | {
                name: figures[line.trait_level[0]].bounds() if line.trait_level[0] in figures else None
                for name, figures in named.items()
            }
            for line in self.table_six[:-1]
        ] + [
            self.table_six[-1]._asdict()
            | {"length_kept": self.asked.compliance.bounds() if self.asked else None}
        ]


def passed_statistics(store: Store, build: str | None = None) -> PassedStatistics:
    """Table 6 and how well length tells levels apart, of dialogues that passed and of imported ones that
    nobody was asked to check. Raises InputError where there are none."""
    with store.reading() as connection:
        built = build_rows.stored_dialogues(connection, states=["passed"], build=build)
        imported = (d for d in import_rows.stream_imported(connection) if d.state in ("passed", "unchecked"))
        passed = Spool(Dialogue, itertools.chain(built, imported), TOGETHER).records()
    if not len(passed):
        raise InputError(
            f"store '{store.url}' holds no dialogue that passed; run `oceanchat build` or `oceanchat import`"
        )
    length = length_figures(map(answer_lengths, passed))
    return PassedStatistics(table_six(passed), length, _asked_length(store, build))


def _asked_length(store: Store, name: str | None) -> AskedLength | None:
    """What a build asked of its writer, and how far the writer kept to it."""
    ranges, counts = {}, []
    with store.reading() as connection:
        for build in build_rows.stored_builds(connection, name):
            trait = TraitLevel.parse(build.trait_level).trait
            words = asked_of(build.config, trait)
            if words is not None:
                ranges[trait.value] = words
                steps = build_rows.state_counts(connection, build.trait_level, build.build)
                counts.append(steps["dialogues"])
    return asked_length(ranges, counts)
