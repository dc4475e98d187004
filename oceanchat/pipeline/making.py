"""Write, gate and check dialogues as they come.

A dialogue is gated once it and those before it are written, and checked as soon as there are enough for one
call: no check waits for the last dialogue of a round. All of this goes by canonical order, whichever dialogue
is written first, so the result does not depend on it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from oceanchat.pipeline.gates import GateRunner
from oceanchat.pipeline.stages import Stages
from oceanchat.pipeline.synthesis import WRITE_TEMPERATURE, Writer, WrittenDialogue
from oceanchat.pipeline.yields import count_checked, count_gated
from oceanchat.progress import Progress, Stage
from oceanchat.prompts import fingerprints
from oceanchat.records import Dialogue, Provenance, SeedTopic, dialogue_id
from oceanchat.store import corpora as corpus_rows
from oceanchat.store.corpora import StoredCorpus
from oceanchat.store.database import Store


class MadeDialogue(NamedTuple):
    """What became of one seed topic."""

    seed: SeedTopic
    """In its final state."""
    dialogue: Dialogue | None
    """In its final state; None where none was written."""

    @property
    def keeps_slot(self) -> bool:
        """Whether its lengths are for no other dialogue: it passed, or calls failed that are made again."""
        if self.dialogue is None:
            return self.seed.state == "failed"
        return self.dialogue.state in ("passed", "failed")


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup whose first error is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


@dataclass
class DialogueMaker:
    """Makes the dialogues of one trait-level."""

    stages: Stages
    store: Store
    corpus: StoredCorpus
    progress: Progress
    gates: GateRunner = field(init=False)

    def __post_init__(self) -> None:
        self.gates = self.stages.gates()

    async def make(self, seeds: Sequence[SeedTopic]) -> list[MadeDialogue]:
        """Write about `seeds`, and gate and check what is written; in the order of `seeds`."""
        self.progress.expect(Stage.WRITE, len(seeds))
        writer = self.stages.writer()
        together = self.stages.config.dialogues_per_check
        checks: list[asyncio.Task[list[Dialogue]]] = []
        gated: list[Dialogue | None] = []
        waiting: list[Dialogue] = []
        async with task_group() as group:
            writing = [group.create_task(self._write(writer, seed)) for seed in seeds]
            for seed, task in zip(seeds, writing, strict=True):
                dialogue = self._gated(seed, await task)
                gated.append(dialogue)
                waiting += [dialogue] if dialogue is not None and dialogue.state == "unchecked" else []
                if len(waiting) == together or (waiting and len(gated) == len(seeds)):
                    checks.append(group.create_task(self._check(waiting)))
                    waiting = []
        checked = iter([dialogue for task in checks for dialogue in task.result()])
        final = [next(checked) if d is not None and d.state == "unchecked" else d for d in gated]
        written = [task.result() for task in writing]
        self._record_outcomes(final, written)
        return [
            MadeDialogue(seed.model_copy(update={"state": w.state, "detail": w.detail}), dialogue)
            for seed, w, dialogue in zip(seeds, written, final, strict=True)
        ]

    async def bring_through(self, seed: SeedTopic) -> bool:
        """Whether a dialogue about `seed` passes the gates and the checker gives a verdict on it."""
        seed = self.stages.asked_for(seed, seed.order)
        dialogue = self._gated(seed, await self.stages.writer().write(seed))
        if dialogue is None or dialogue.state != "unchecked":
            return False
        (checked,) = await self.stages.checker().validate_together([dialogue])
        return checked.verdict is not None

    async def _write(self, writer: Writer, seed: SeedTopic) -> WrittenDialogue:
        written = await writer.write(seed)
        self.progress.done(Stage.WRITE, 1)
        return written

    def _gated(self, seed: SeedTopic, written: WrittenDialogue) -> Dialogue | None:
        """A written dialogue, either rejected by a gate or still to be checked; None where there is none."""
        if not written.turns:
            return None
        key = dialogue_id(seed.trait_level, written.turns)
        with self.store.reading() as connection:
            essay = corpus_rows.essay_text(connection, self.corpus.id, seed.essay_id)
        rejection = written.rejection or self.gates.rejection(key, written.turns, essay, seed.answer_words)
        dialogue = Dialogue(
            id=key,
            order=seed.order,
            trait=seed.trait,
            level=seed.level,
            facet=seed.facet,
            seed_topic=seed.text,
            seed_topic_id=seed.id,
            seed_reason=seed.reason,
            author=seed.author,
            turns=written.turns,
            state="unchecked" if rejection is None else rejection.state,
            detail="" if rejection is None else rejection.reason,
            provenance=self._provenance(seed),
        )
        count_gated(self.stages.models.writer, [dialogue])
        return dialogue

    def _provenance(self, seed: SeedTopic) -> Provenance:
        config = self.stages.config
        return Provenance(
            corpus=self.corpus.id,
            essay_id=seed.essay_id,
            sentence_id=seed.sentence_id,
            labeler=config.labeler,
            writer=config.writer,
            checker=config.checker,
            endpoint=self.stages.models.writer.endpoint,
            mode=config.mode,
            prompts=dict(fingerprints(self.stages.prompts, config.tasks)),
            sampling={"temperature": WRITE_TEMPERATURE, "top_p": 1.0},
            seed=config.seed,
        )

    async def _check(self, dialogues: Sequence[Dialogue]) -> list[Dialogue]:
        self.progress.expect(Stage.CHECK, len(dialogues))
        checked = await self.stages.checker().validate_together(dialogues)
        for dialogue in checked:
            count_checked(self.stages.models.checker, dialogue)
            self.progress.passed(dialogue.state == "passed")
        self.progress.done(Stage.CHECK, len(dialogues))
        return checked

    def _record_outcomes(
        self, dialogues: Sequence[Dialogue | None], written: Sequence[WrittenDialogue]
    ) -> None:
        """Record which answers went into dialogues that passed and which into rejected ones."""
        for dialogue, source in zip(dialogues, written, strict=True):
            if dialogue is not None:
                for request in source.requests:
                    self.stages.models.writer.ledger.record_judged(request, dialogue.state == "passed")
