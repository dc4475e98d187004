"""Build a dataset from essays, top to bottom.

A build is a pure function of corpus, prompts, config and the answers in the ledger; running it again asks
only what was never answered. Each trait-level's result replaces the previous one in one transaction, and its
sums are checked.
"""

import math
import time
from array import array
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection

from oceanchat.corpus.essays import Corpus, open_corpus
from oceanchat.corpus.ingest import Split, id_of_corpus, ingest_corpus
from oceanchat.errors import BuildStopped
from oceanchat.llm.offline import AnswersMissing
from oceanchat.llm.provider import OpenEndpoint
from oceanchat.models import BuildModels, open_build_models
from oceanchat.pipeline.candidates import SentencePosition, candidate_blocks
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.first_person import FirstPerson
from oceanchat.pipeline.identity import check_identity, rehearsed
from oceanchat.pipeline.in_order import all_of
from oceanchat.pipeline.labeling import OrderedSentence
from oceanchat.pipeline.look_ahead import Block, LookAhead
from oceanchat.pipeline.making import DialogueMaker, MadeDialogue
from oceanchat.pipeline.report import BuildReport, Outcome, check_sums
from oceanchat.pipeline.seed_topics import BLOCK, SeedSelector
from oceanchat.pipeline.slots import Slots
from oceanchat.pipeline.stages import Stages
from oceanchat.pipeline.trial import Trial
from oceanchat.pipeline.unsaid_lengths import fit_lengths
from oceanchat.pipeline.yields import count_labels
from oceanchat.progress import Progress, Stage
from oceanchat.prompts import Prompts, fingerprints, open_prompts
from oceanchat.records import Candidate, Dialogue, Funnel, SeedTopic
from oceanchat.spool import Lazy, Spool
from oceanchat.store import builds as build_rows
from oceanchat.store import corpora as corpus_rows
from oceanchat.store.builds import BuildResult, StoredBuild
from oceanchat.store.corpora import EssayOutline, StoredCorpus
from oceanchat.store.database import Store
from oceanchat.traits import TraitLevel

FIRST_TOPICS = 24
"""Seed topics written about before more are bought, at a price and one by one; then twice as many."""

GO_ON = (
    "run without --offline to ask for the rest, or let an engine answer what `oceanchat pending` writes"
    " for the same options"
)
"""What to do where an offline build lacks answers."""
AT_ONCE = 64
"""Calls that each trait-level has under way, or in line, at least."""
AT_ONCE_OFFLINE = 10_000
"""And where nobody is asked: an offline build that lacks answers names so many at most."""
TOGETHER = 16
"""Seed topics or dialogues that are compressed as one while they wait for the store."""


class Prepared(NamedTuple):
    """The inputs of a build, read and valid; nothing has been written or asked yet."""

    config: BuildConfig
    prompts: Prompts
    corpus: Corpus
    notes: tuple[str, ...] = ()
    """What the user should know of the prompts, one line each."""


def prepare(config: BuildConfig, to_ask: bool = True) -> Prepared:
    """Read what a build needs.

    Raises InputError for a corpus or prompts that cannot be used, ConfigError for options that the prompts
    have no blank for and, where models are `to_ask`, for a missing key.
    """
    prompts = open_prompts(config.prompts)
    prompts.check(config.tasks)
    config, notes = fit_lengths(config, prompts)
    if to_ask and config.asks_a_real_model and not config.calls.offline:
        config.calls.require_key()
    return Prepared(config, prompts, open_corpus(config.essays, config.columns), notes)


def check_build(prepared: Prepared, store: Store) -> None:
    """Check that the build may be made under its name. Raises ConfigError where it would replace another."""
    config, corpus_id = prepared.config, id_of_corpus(prepared.corpus)
    recipe = config.recipe(corpus_id, fingerprints(prepared.prompts, config.tasks))
    with store.reading() as connection:
        stored = build_rows.stored_builds(connection, config.build_name)
    check_identity(config, corpus_id, recipe, stored)


def rehearsal_note(config: BuildConfig, store: Store) -> str | None:
    """What to know before a build goes on that a stand-in on this machine has answered so far."""
    with store.reading() as connection:
        return rehearsed(config, build_rows.stored_builds(connection, config.build_name))


def open_models(
    config: BuildConfig, store: Store, open_endpoint: OpenEndpoint | None
) -> AbstractAsyncContextManager[BuildModels]:
    """The models of a build, answering from the ledger in `store` first. Raises ConfigError."""
    return open_build_models(
        config.calls,
        store.engine,
        open_endpoint,
        labeler=config.labeler,
        writer=config.writer,
        checker=config.checker,
    )


@asynccontextmanager
async def open_builder(
    prepared: Prepared,
    store: Store,
    progress: Progress,
    open_endpoint: OpenEndpoint | None,
    split: Split | None = None,
) -> AsyncIterator["Builder"]:
    """Store the corpus of a build that may be made under its name, and open its models.

    Raises ConfigError, StoreError.
    """
    config = prepared.config
    check_build(prepared, store)
    corpus = ingest_corpus(prepared.corpus, store, progress, split)
    async with open_models(config, store, open_endpoint) as models:
        progress.watch(models.usage)
        progress.want(config.count * len(config.trait_levels))
        with store.reading() as connection:
            essays = corpus_rows.essay_outlines(connection, corpus.id)
        first_person = FirstPerson(store, corpus.id)
        yield Builder(config, store, corpus, essays, prepared.prompts, models, progress, first_person)


async def build(
    prepared: Prepared,
    store: Store,
    progress: Progress,
    open_endpoint: OpenEndpoint | None = None,
    split: Split | None = None,
) -> BuildReport:
    """Build every trait-level of a prepared build in `store`; `open_endpoint` is for models behind one, and
    essays are split by `split` (None: here).

    Raises BuildStopped when no more can be asked (nothing answered is lost), and OceanChatError when rows
    went missing.
    """
    started = time.monotonic()
    config = prepared.config
    async with open_builder(prepared, store, progress, open_endpoint, split) as builder:
        models = builder.models
        if not (models.free or config.calls.offline):
            await builder.try_all_roles()
        try:
            outcomes = await all_of(builder.build(trait_level) for trait_level in config.trait_levels)
        except AnswersMissing as missing:
            raise BuildStopped(f"{missing.problem}; {GO_ON}") from None
    store.check_there()
    usage, notes = models.usage, models.session.notes
    return BuildReport(builder.corpus, outcomes, usage, time.monotonic() - started, notes)


class MadeTraitLevel(NamedTuple):
    """What was made of one trait-level and is not stored yet."""

    finished: StoredBuild
    result: BuildResult


@dataclass
class _Unstored:
    """What became of the seed topics of a trait-level, on disk until all is stored."""

    seeds: Spool[SeedTopic] = field(default_factory=lambda: Spool(SeedTopic, together=TOGETHER))
    dialogues: Spool[Dialogue] = field(default_factory=lambda: Spool(Dialogue, together=TOGETHER))
    passed: int = 0

    def add(self, result: MadeDialogue) -> None:
        """Take in what became of the next seed topic."""
        self.seeds.add(result.seed)
        if result.dialogue is not None:
            self.dialogues.add(result.dialogue)
            self.passed += result.dialogue.state == "passed"


@dataclass(frozen=True)
class Builder:
    """Builds trait-levels from the same inputs and models."""

    config: BuildConfig
    store: Store
    corpus: StoredCorpus
    essays: Sequence[EssayOutline]
    """All essays of the corpus, without their texts."""
    prompts: Prompts
    models: BuildModels
    progress: Progress
    first_person: FirstPerson
    blocks_ahead: int = 0
    """Blocks of each trait-level whose labels are asked for before they are needed."""

    all_at_once: bool = False
    """Whether everything is asked that can be, however much: requests in files and batches want that."""

    @property
    def _at_once(self) -> int | None:
        """Calls of one trait-level under way or in line at most: more than can be in flight, so that a slow
        one holds up no others."""
        if self.all_at_once or self.config.calls.batch:
            return None
        if self.config.calls.offline:
            return AT_ONCE_OFFLINE
        in_flight = self.models.session.throttle.concurrency
        return max(AT_ONCE, 2 * in_flight, 8 * in_flight // len(self.config.trait_levels))

    def _maker(self) -> DialogueMaker:
        return DialogueMaker(self.stages, self.store, self.corpus, self.progress, self._at_once)

    @property
    def stages(self) -> Stages:
        """Labeler, writer, gates and checker as the config wants them."""
        return Stages(self.config, self.prompts, self.models)

    async def try_all_roles(self) -> None:
        """Bring one seed topic through labeler, writer and checker before any is asked in bulk."""
        trait_level = self.config.trait_levels[0]
        trial = Trial(
            trait_level,
            self.stages.labeler(trait_level),
            self._maker().bring_through,
            self.models.session,
            self.config.min_strength,
        )
        with self.models.session.trial():
            await trial.run(next(self._blocks(trait_level), []))

    async def build(self, trait_level: TraitLevel) -> Outcome:
        """Make a trait-level's dialogues and store all that led to them."""
        unstored = await self.make(trait_level)
        previous = self._stored(trait_level)
        alike = previous is None or previous.recipe == unstored.finished.recipe
        replaced = 0 if alike else self._count_lost(trait_level, unstored.result.dialogues)
        return Outcome(trait_level, self.config.count, self._store(trait_level, unstored), replaced)

    async def make(self, trait_level: TraitLevel) -> MadeTraitLevel:
        """Label, write, gate and check until enough dialogues pass or the corpus holds no more."""
        recipe, previous = self._recipe, self._stored(trait_level)
        # Asking for fewer deletes nothing: the result of the larger request stays.
        alike = previous is not None and previous.recipe == recipe
        requested = max(self.config.count, previous.requested if previous is not None and alike else 0)
        self.progress.want(requested - self.config.count)
        selector = self._seed_selector(trait_level)
        maker = self._maker()
        results = _Unstored()
        most = FIRST_TOPICS if self._asks_live else requested
        slots = Slots() if self.config.lengths.of(trait_level.trait) else None

        def take(result: MadeDialogue) -> None:
            results.add(result)
            if slots:
                slots.settle([result.keeps_slot])

        while missing := requested - results.passed:
            selected = await selector.next(min(missing, most, slots.room if slots else missing))
            if not selected:
                break
            most *= 2
            await maker.make(self._asked_for(selected, slots) if slots else selected, take)
        saved = self.config.saved() | self._request_forms(previous)
        finished = StoredBuild(
            self.config.build_name, trait_level.code, self.corpus.id, recipe, requested, saved, time.time()
        )
        result = BuildResult(
            selector.final_candidates(), results.seeds.records(), results.dialogues.records()
        )
        return MadeTraitLevel(finished, result)

    def _asked_for(self, seeds: Sequence[SeedTopic], slots: Slots) -> Sequence[SeedTopic]:
        """The seed topics with the words asked for in their slots."""
        numbers = array("Q", (slots.next() for _ in seeds))
        return Lazy(lambda at: self.stages.asked_for(seeds[at], numbers[at]), range(len(numbers)))

    def passed_before(self, trait_level: TraitLevel) -> int:
        """Dialogues that have passed in the stored result, where it was made as this build makes it."""
        previous, recipe = self._stored(trait_level), self._recipe
        if previous is None or previous.recipe != recipe:
            return 0
        with self.store.reading() as connection:
            return self._counts(connection, trait_level).get("dialogues", {}).get("passed", 0)

    def _request_forms(self, previous: StoredBuild | None) -> dict[str, Any]:
        """How the models' requests were written otherwise than asked, now or when the answers were given."""
        before = previous.config.get("request_forms", {}) if previous is not None else {}
        forms = {
            model: changes
            for model, changes in {**before, **self.models.session.request_forms}.items()
            if model in (self.config.labeler, self.config.writer, self.config.checker)
        }
        return {"request_forms": forms} if forms else {}

    @property
    def _recipe(self) -> str:
        return self.config.recipe(self.corpus.id, fingerprints(self.prompts, self.config.tasks))

    @property
    def _asks_live(self) -> bool:
        return not (self.models.free or self.config.calls.batch)

    def _stored(self, trait_level: TraitLevel) -> StoredBuild | None:
        with self.store.reading() as connection:
            stored = build_rows.stored_builds(connection, self.config.build_name)
        return next((build for build in stored if build.trait_level == trait_level.code), None)

    def _count_lost(self, trait_level: TraitLevel, dialogues: Sequence[Dialogue]) -> int:
        """The passed dialogues in the store that do not stand, word for word, in the new result."""
        remaining = {dialogue.id for dialogue in dialogues if dialogue.state == "passed"}
        with self.store.reading() as connection:
            passed = build_rows.stored_dialogues(
                connection, [trait_level], ["passed"], build=self.config.build_name
            )
            return sum(dialogue.id not in remaining for dialogue in passed)

    def _counts(self, connection: Connection, trait_level: TraitLevel) -> dict[str, dict[str, int]]:
        return build_rows.state_counts(connection, trait_level.code, self.config.build_name)

    def _seed_selector(self, trait_level: TraitLevel) -> SeedSelector:
        def on_labeled(candidates: Sequence[Candidate]) -> None:
            self.progress.done(Stage.LABEL, len(candidates))
            count_labels(self.models.labeler, candidates, self.config.levels_of(trait_level.trait))

        blocks = self._expected(self._blocks(trait_level))
        if self.blocks_ahead:
            # A labeler of its own: what is read ahead must not decide how the build asks.
            blocks = LookAhead(blocks, self.stages.labeler(trait_level), self.blocks_ahead)
        return SeedSelector(
            trait_level,
            self.stages.labeler(trait_level),
            blocks,
            self.config.seeds_per_essay,
            self.config.min_strength,
            on_labeled,
            self._at_once and math.ceil(self._at_once * self.config.sentences_per_call / BLOCK),
        )

    def _blocks(self, trait_level: TraitLevel) -> Iterator[Block]:
        """The corpus's sentences in canonical order."""
        blocks = candidate_blocks(
            self.essays,
            trait_level,
            self.config.seed,
            self.first_person.flags,
            self.config.sentences_per_call,
        )
        return map(self._sentences, blocks)

    def _expected(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            self.progress.expect(Stage.LABEL, sum(map(len, block)))
            yield block

    def _sentences(self, block: Sequence[Sequence[SentencePosition]]) -> Block:
        """The sentences of a block, read from the store only when the selector comes to it."""
        positions = [(entry.essay_number, entry.position) for group in block for entry in group]
        with self.store.reading() as connection:
            sentences = iter(corpus_rows.sentences_at(connection, self.corpus.id, positions))
        return [[OrderedSentence(entry.order, next(sentences)) for entry in group] for group in block]

    def _store(self, trait_level: TraitLevel, unstored: MadeTraitLevel) -> Funnel:
        def write(connection: Connection) -> Funnel:
            build_rows.replace_result(connection, unstored.finished, unstored.result)
            funnel = Funnel(**self._counts(connection, trait_level))
            check_sums(trait_level, funnel, candidates=len(unstored.result.candidates))
            return funnel

        return self.store.write(write)
