"""Draw the sample that annotators validate.

Dialogues that passed all gates and the automatic check are drawn by trait-level. Some that the check
rejected can be drawn beside them: only these tell what the check misses. Gold items have known
answers and are mixed in by assignment.
"""

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from oceanchat.annotation import assignment
from oceanchat.annotation.guidelines import KnownItem, read_known_items
from oceanchat.errors import AnnotationError
from oceanchat.records import REJECTED_BY_CHECK, Dialogue
from oceanchat.statistics.sampling import Draw, draw
from oceanchat.statistics.study_plan import StudyPlan, StudySize, plan, seconds_per_item
from oceanchat.store import builds as build_rows
from oceanchat.store import imports as import_rows
from oceanchat.store import samples as sample_rows
from oceanchat.store.database import Store
from oceanchat.store.samples import Item, Sample
from oceanchat.traits import CODES

ACCEPTED = ("passed", "unchecked")
"""The states a dialogue is released from; 'unchecked' ones were imported and never checked."""


class SampleConfig(BaseModel):
    """The options of `oceanchat sample`, saved with the sample."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_trait_level: int = Field(default=40, ge=1)
    """Dialogues drawn of each trait-level (the paper: 40)."""
    annotators: int = Field(default=3, ge=1, le=50)
    """Annotators who label each dialogue (the paper: 3)."""
    seed: int = 0
    repeats: float = Field(default=0.0, ge=0, le=0.5)
    """Share of an annotator's items that come a second time, silently."""
    gold: float = Field(default=0.0, ge=0, le=0.5)
    """Gold items mixed in, as a share of an annotator's items."""
    gold_file: Path | None = None
    """More items with known answers, in the format of prompts/qualification.json."""
    include_rejected: int = Field(default=0, ge=0)
    """Dialogues drawn of each trait-level that the automatic check rejected."""
    min_seconds: float = Field(default=3.0, ge=0, le=600)
    """Minimum time between presenting an item and saving its label."""


def draw_sample(
    store: Store,
    config: SampleConfig,
    gold: Sequence[KnownItem],
    practice: Sequence[KnownItem] = (),
    *,
    another: bool = False,
    build: str | None = None,
) -> Sample:
    """Draw, snapshot and assign a sample.

    `gold` are the items with known answers that may be mixed in, `practice` those that annotators practice
    on, which no gold item may repeat. Raises AnnotationError when there is nothing to draw from, or a sample
    exists and `another` is not set.
    """
    known = list(gold)
    if config.gold_file is not None:
        known += read_known_items(config.gold_file, [*gold, *practice])
    if config.gold and not known:
        raise AnnotationError("gold items were asked for but none are known; name some with --gold-file")
    accepted, rejected = _pool(store, build)
    if not accepted:
        raise AnnotationError("the store has no dialogue to validate; run `oceanchat build` first")
    with store.writing() as connection:
        before = sample_rows.latest_sample(connection, lock=True)
        if before is not None and not another:
            raise AnnotationError(
                f"sample {before.id} exists; draw more into it with --more, or start over with --another"
            )
        chosen = draw(accepted, config.per_trait_level, config.seed)
        extra = draw(rejected, config.include_rejected, config.seed)
        settings = config.model_dump(mode="json") | {
            "accepted": _counts(chosen, accepted),
            "rejected": _counts(extra, rejected),
        }
        sample_id = sample_rows.add_sample(
            connection, "validate", config.seed, config.annotators, settings, time.time()
        )
        dialogues = [dialogue for pool in (chosen, extra) for drawn in pool.values() for dialogue in drawn]
        sample_rows.add_items(connection, (_item(sample_id, dialogue) for dialogue in dialogues))
        if config.gold:
            sample_rows.add_items(
                connection, (item.item("gold", f"{sample_id}:gold:", sample_id) for item in known)
            )
        sample = sample_rows.latest_sample(connection)
    assignment.replan(store)
    assert sample is not None  # added above, in the same transaction
    return sample


def has_sample(store: Store) -> bool:
    """Whether there are dialogues to validate."""
    with store.reading() as connection:
        return sample_rows.latest_sample(connection) is not None


def annotators_each(store: Store, number: int | None = None) -> int | None:
    """How many annotators each item of a sample (None: the newest) gets; None before one is drawn."""
    with store.reading() as connection:
        sample = sample_rows.latest_sample(connection, number=number)
    return None if sample is None else sample.overlap


def extend_sample(
    store: Store, per_trait_level: int, include_rejected: int | None = None, *, build: str | None = None
) -> Sample:
    """Draw more dialogues into the newest sample, up to these numbers; what is in it stays.

    None for the rejected ones: as many as before. Raises AnnotationError when there is no sample, or nothing
    to add to it.
    """
    accepted, rejected = _pool(store, build)
    with store.writing() as connection:
        before = sample_rows.latest_sample(connection, lock=True)
        if before is None:
            raise AnnotationError("there is no sample to extend; draw one with `oceanchat sample`")
        wanted_rejected = int(
            before.settings["include_rejected"] if include_rejected is None else include_rejected
        )
        present = sample_rows.item_keys(connection, before.id)
        new = [
            *_missing(accepted, per_trait_level, before, present),
            *_missing(rejected, wanted_rejected, before, present),
        ]
        if not new:
            raise AnnotationError(
                f"sample {before.id} has as many dialogues already, or the store has no more; raise"
                " --per-trait-level, or build more dialogues"
            )
        sample_rows.add_items(connection, (_item(before.id, dialogue) for dialogue in new))
        keys = sample_rows.item_keys(connection, before.id)
        settings = dict(before.settings) | {
            "per_trait_level": max(per_trait_level, int(before.settings["per_trait_level"])),
            "include_rejected": max(wanted_rejected, int(before.settings["include_rejected"])),
            "accepted": _counts(_present(accepted, before, keys), accepted),
            "rejected": _counts(_present(rejected, before, keys), rejected),
        }
        sample_rows.change_settings(connection, before.id, settings)
        sample = sample_rows.latest_sample(connection)
    assignment.replan(store)
    assert sample is not None  # it was there in the same transaction
    return sample


def plan_study(
    store: Store, config: SampleConfig, expected: float, *, build: str | None = None
) -> tuple[list[StudyPlan], int]:
    """What samples of half the size, the size and twice the size would tell and take.

    Beside them, how many dialogues there are of the trait-level that has the fewest.

    Reading time follows from the words of the store's dialogues. Raises AnnotationError when there are none.
    """
    accepted, _ = _pool(store, build)
    if not accepted:
        raise AnnotationError("the store has no dialogue to validate; run `oceanchat build` first")
    words = [sum(len(turn.text.split()) for turn in d.turns) for pool in accepted.values() for d in pool]
    seconds = seconds_per_item(sum(words) / len(words))
    n = config.per_trait_level
    surplus = config.repeats + config.gold + config.include_rejected / n
    plans = [
        plan(StudySize(size, len(accepted), config.annotators, surplus), expected, seconds)
        for size in sorted({max(1, n // 2), n, 2 * n})
    ]
    return plans, min(map(len, accepted.values()))


Pool = dict[str, list[Dialogue]]


def _missing(pool: Pool, number: int, sample: Sample, present: set[str]) -> list[Dialogue]:
    """What a sample lacks of `number` dialogues a trait-level, in the order of its seed."""
    missing: list[Dialogue] = []
    for code, ordered in draw(pool, sum(map(len, pool.values())), sample.seed).items():
        fresh = [dialogue for dialogue in ordered if _key(sample.id, dialogue) not in present]
        missing += fresh[: max(0, number - (len(pool[code]) - len(fresh)))]
    return missing


def _present(pool: Pool, sample: Sample, keys: set[str]) -> Pool:
    return {code: [d for d in each if _key(sample.id, d) in keys] for code, each in pool.items()}


def _key(sample_id: int, dialogue: Dialogue) -> str:
    return f"{sample_id}:{dialogue.id}"


def _pool(store: Store, build: str | None) -> tuple[Pool, Pool]:
    """(accepted, rejected) built and imported dialogues by trait-level in paper order, each id once."""
    with store.reading() as connection:
        dialogues = [
            *import_rows.read_imported(connection),
            *build_rows.stored_dialogues(connection, build=build),
        ]
    unique = {dialogue.id: dialogue for dialogue in dialogues}
    return _in_states(unique.values(), ACCEPTED), _in_states(unique.values(), REJECTED_BY_CHECK)


def _in_states(dialogues: Iterable[Dialogue], states: tuple[str, ...]) -> Pool:
    pool: Pool = {code: [] for code in CODES}
    for dialogue in dialogues:
        if dialogue.state in states:
            pool[dialogue.trait_level.code].append(dialogue)
    return {code: dialogues for code, dialogues in pool.items() if dialogues}


def _counts(drawn: Pool, pool: Pool) -> dict[str, dict[str, int]]:
    return {code: Draw(len(drawn[code]), len(pool[code]))._asdict() for code in pool}


def _item(sample_id: int, dialogue: Dialogue) -> Item:
    return Item(
        kind="sample",
        key=_key(sample_id, dialogue),
        stratum=dialogue.trait_level.code,
        content=content(dialogue.trait_level.code, [turn.model_dump() for turn in dialogue.turns]),
        state=dialogue.state,
        sample_id=sample_id,
    )


def content(trait_level: str, turns: list[dict[str, Any]]) -> dict[str, Any]:
    """The part of a dialogue that annotators see: its label and turns, nothing that gives answers away."""
    return {"trait_level": trait_level, "turns": json.loads(json.dumps(turns))}
