"""Ask a pilot's questions again, one by one.

Sentences that shared a label call and dialogues that shared a check are asked about alone, and how often the
answer is another one says what sharing costs with these models. The calls are charged to no trait-level, so
no forecast counts them.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from oceanchat.llm.budget import CapReached
from oceanchat.llm.provider import OpenEndpoint
from oceanchat.llm.usage import Usage
from oceanchat.models import BuildModels
from oceanchat.pipeline.back_validation import Checker
from oceanchat.pipeline.build import Prepared, open_models
from oceanchat.pipeline.labeling import Labeler, OrderedSentence
from oceanchat.records import REJECTED_BY_CHECK, Candidate, Dialogue
from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import wilson
from oceanchat.store import builds as build_rows
from oceanchat.store.database import Store
from oceanchat.traits import TRAITS

SENTENCES, DIALOGUES = 20, 8
"""So many are asked about again, at most."""


class ChangedAnswers(NamedTuple):
    """How many answers are others when asked for one by one."""

    different: int
    total: int

    @property
    def share(self) -> Figure:
        """Their share with Wilson's 95 % interval."""
        return wilson(self.different, self.total)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"different": self.different, "total": self.total, "share": self.share.bounds()}


class PilotComparison(NamedTuple):
    """How labels and verdicts asked for together differ from those asked for one by one."""

    labels: ChangedAnswers
    verdicts: ChangedAnswers
    usage: Usage
    """What asking again took."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "labels": self.labels.as_json(),
            "verdicts": self.verdicts.as_json(),
            "calls": self.usage.as_json(),
        }


async def compare(
    prepared: Prepared, store: Store, open_endpoint: OpenEndpoint | None = None, pilot: Usage | None = None
) -> PilotComparison | None:
    """Ask again about the first sentences and dialogues of a build in `store`. Raises BuildStopped.

    A cap holds for what `pilot` has spent and this together; None where that leaves too little.
    """
    config = prepared.config
    if config.calls.max_usd is not None and pilot is not None:
        left = config.calls.max_usd - float(pilot.usd + pilot.lost_usd)
        if left <= 0:
            return None
        config = config.model_copy(update={"calls": config.calls.model_copy(update={"max_usd": left})})
    together = _labeled_together(prepared, store), _checked_together(prepared, store)
    try:
        async with open_models(config, store, open_endpoint) as models:
            with models.session.trial():
                labels = await _labels(prepared, models, together[0])
                verdicts = await _verdicts(prepared, models, together[1])
    except CapReached:
        return None
    return PilotComparison(labels, verdicts, models.session.usage)


def _labeled_together(prepared: Prepared, store: Store) -> list[Candidate]:
    """Sentences labeled in calls about several, as many of each trait as of any other."""
    config = prepared.config
    if config.label_task == "label":
        return []
    fingerprint = prepared.prompts[config.label_task].fingerprint
    with store.reading() as connection:
        stored = list(build_rows.stored_candidates(connection, build=config.build_name))
    candidates = {
        (c.trait, c.sentence.id): c for c in stored if c.state != "failed" and c.prompt == fingerprint
    }
    of_traits = [[c for c in candidates.values() if c.trait is trait] for trait in TRAITS]
    rounds = itertools.zip_longest(*of_traits)
    return list(itertools.islice((c for entry in rounds for c in entry if c is not None), SENTENCES))


def _checked_together(prepared: Prepared, store: Store) -> list[Dialogue]:
    config = prepared.config
    if config.dialogues_per_check == 1:
        return []
    with store.reading() as connection:
        states = ("passed", *REJECTED_BY_CHECK)
        stored = build_rows.stored_dialogues(
            connection, config.trait_levels, states, limit=2, build=config.build_name
        )
        return list(itertools.islice(stored, DIALOGUES))


async def _labels(prepared: Prepared, models: BuildModels, candidates: Sequence[Candidate]) -> ChangedAnswers:
    config, different, total = prepared.config, 0, 0
    for trait in TRAITS:
        together = [c for c in candidates if c.trait is trait]
        labeler = Labeler(
            models.labeler,
            prepared.prompts["label"],
            trait,
            "",
            config.calls.max_attempts,
            tokens=config.label_tokens,
        )
        alone = await labeler.label([[OrderedSentence(c.order, c.sentence)] for c in together])
        pairs = [pair for pair in zip(together, alone, strict=True) if pair[1].state != "failed"]
        different += sum((one.facet, one.level) != (other.facet, other.level) for one, other in pairs)
        total += len(pairs)
    return ChangedAnswers(different, total)


async def _verdicts(prepared: Prepared, models: BuildModels, dialogues: Sequence[Dialogue]) -> ChangedAnswers:
    config = prepared.config
    checker = Checker(
        models.checker,
        prepared.prompts["check"],
        config.check,
        config.calls.max_attempts,
        tokens=config.check_tokens,
        charged_to="",
    )
    alone = [await checker.validate(dialogue) for dialogue in dialogues]
    pairs = [pair for pair in zip(dialogues, alone, strict=True) if pair[1].state != "failed"]
    return ChangedAnswers(sum(one.state != other.state for one, other in pairs), len(pairs))
