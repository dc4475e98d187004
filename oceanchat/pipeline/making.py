"""Write, gate and check dialogues as they come.

A dialogue is gated once it and those before it are written, and checked as soon as there are enough for one
call: no check waits for the last dialogue of a round. All of this goes by canonical order, whichever dialogue
is written first, so the result does not depend on it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from oceanchat.pipeline.gates import GateRunner
from oceanchat.pipeline.in_order import take_in_order, task_group
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


@dataclass
class _Written:
    """What was written about a seed topic, on its way to its final state."""

    seed: SeedTopic
    written: WrittenDialogue
    dialogue: Dialogue | None
    """Gated; None where none was written."""
    check: "asyncio.Task[list[Dialogue]] | None" = None
    """The check that it is in, once enough wait for one."""
    number: int = 0
    """Its number in that check."""

    @property
    def waits(self) -> bool:
        """Whether its check has not begun or not ended."""
        unchecked = self.dialogue is not None and self.dialogue.state == "unchecked"
        return unchecked and (self.check is None or not self.check.done())

    def final(self) -> MadeDialogue:
        """Its final state, after the check."""
        seed = self.seed.model_copy(update={"state": self.written.state, "detail": self.written.detail})
        return MadeDialogue(seed, self.check.result()[self.number] if self.check else self.dialogue)


@dataclass
class DialogueMaker:
    """Makes the dialogues of one trait-level."""

    stages: Stages
    store: Store
    corpus: StoredCorpus
    progress: Progress
    at_once: int | None = None
    """Dialogues being written, and others being checked, at most; None: all."""
    gates: GateRunner = field(init=False)

    def __post_init__(self) -> None:
        self.gates = self.stages.gates()

    async def make(self, seeds: Sequence[SeedTopic], take: Callable[[MadeDialogue], None]) -> None:
        """Write about `seeds`, and gate and check what is written; `take` gets all in their order."""
        self.progress.expect(Stage.WRITE, len(seeds))
        writer = self.stages.writer()
        together = self.stages.config.dialogues_per_check
        gated = 0
        waiting: list[_Written] = []
        unfinished: deque[_Written] = deque()
        async with task_group() as group:

            async def take_written(result: tuple[SeedTopic, WrittenDialogue]) -> None:
                nonlocal gated
                entry = _Written(*result, self._gated(*result))
                gated += 1
                unfinished.append(entry)
                if entry.waits:
                    waiting.append(entry)
                if len(waiting) == together or (waiting and gated == len(seeds)):
                    self._begin_check(group, waiting)
                while unfinished and not unfinished[0].waits:
                    take(self._finished(unfinished.popleft()))
                # Where checks are slower than the writer, it waits for them.
                full = self.at_once is not None and len(unfinished) >= self.at_once
                if full and unfinished[0].check is not None:
                    await asyncio.wait([unfinished[0].check])

            await take_in_order((self._write(writer, seed) for seed in seeds), take_written, self.at_once)
            while unfinished:
                if (check := unfinished[0].check) is not None:
                    await check
                take(self._finished(unfinished.popleft()))

    def _begin_check(self, group: asyncio.TaskGroup, waiting: list[_Written]) -> None:
        """Check those that wait, who wait no more."""
        dialogues = [entry.dialogue for entry in waiting if entry.dialogue is not None]
        check = group.create_task(self._check(dialogues))
        for number, entry in enumerate(waiting):
            entry.check, entry.number = check, number
        waiting.clear()

    def _finished(self, entry: _Written) -> MadeDialogue:
        """The final state, with a record of whether the answers went into a dialogue that passed."""
        result = entry.final()
        if result.dialogue is not None:
            for request in entry.written.requests:
                self.stages.models.writer.ledger.record_judged(request, result.dialogue.state == "passed")
        return result

    async def bring_through(self, seed: SeedTopic) -> bool:
        """Whether a dialogue about `seed` passes the gates and the checker gives a verdict on it."""
        seed = self.stages.asked_for(seed, seed.order)
        dialogue = self._gated(seed, await self.stages.writer().write(seed))
        if dialogue is None or dialogue.state != "unchecked":
            return False
        (checked,) = await self.stages.checker().validate_together([dialogue])
        return checked.verdict is not None

    async def _write(self, writer: Writer, seed: SeedTopic) -> tuple[SeedTopic, WrittenDialogue]:
        written = await writer.write(seed)
        self.progress.done(Stage.WRITE, 1)
        return seed, written

    def _gated(self, seed: SeedTopic, written: WrittenDialogue) -> Dialogue | None:
        """A written dialogue, either rejected by a gate or still to be checked; None where there is none."""
        if not written.turns:
            return None
        key = dialogue_id(seed.trait_level, written.turns)
        with self.store.reading() as connection:
            essay = corpus_rows.essay_text(connection, self.corpus.id, seed.essay_id)
        rejection = self.gates.rejection(
            key, written.turns, essay, seed.answer_words, early=written.rejection
        )
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
