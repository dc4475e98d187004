"""Make the stages of one build.

Labeler, writer, gates and checker get what the config says of them.
"""

from dataclasses import dataclass

from oceanchat.models import BuildModels
from oceanchat.pipeline.answer_words import target_words
from oceanchat.pipeline.back_validation import Checker
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.gates import Bounds, GateRunner
from oceanchat.pipeline.labeling import Labeler
from oceanchat.pipeline.synthesis import Writer
from oceanchat.prompts import Prompts
from oceanchat.records import SeedTopic
from oceanchat.traits import TraitLevel


@dataclass(frozen=True)
class Stages:
    """The stages of one build."""

    config: BuildConfig
    prompts: Prompts
    models: BuildModels

    def labeler(self, trait_level: TraitLevel) -> Labeler:
        """Labels sentences, charged to a trait-level."""
        return Labeler(
            model=self.models.labeler,
            template=self.prompts[self.config.label_task],
            trait=trait_level.trait,
            trait_level=trait_level.code,
            max_attempts=self.config.calls.max_attempts,
            sentences_per_call=self.config.sentences_per_call,
            tokens=self.config.label_tokens,
            alone=self.prompts["label"],
        )

    def writer(self) -> Writer:
        """Writes dialogues."""
        return Writer(
            model=self.models.writer,
            prompts=self.prompts,
            mode=self.config.mode,
            exchanges=self.config.exchanges,
            words=self.config.words,
            max_attempts=self.config.calls.max_attempts,
            dialogue_tokens=self.config.dialogue_tokens,
            turn_tokens=self.config.turn_tokens,
        )

    def asked_for(self, seed: SeedTopic, slot: int) -> SeedTopic:
        """The seed topic with the words that are asked for of each answer in that slot."""
        words = self.config.lengths.of(seed.trait)
        if words is None:
            return seed
        targets = target_words(words, seed.trait, self.config.seed, slot, self.config.exchanges)
        return seed.model_copy(update={"answer_words": targets})

    def gates(self) -> GateRunner:
        """Gates that have let nothing through yet."""
        return GateRunner(Bounds(self.config.exchanges, self.config.words))

    def checker(self) -> Checker:
        """Checks dialogues."""
        return Checker(
            model=self.models.checker,
            template=self.prompts["check"],
            check=self.config.check,
            max_attempts=self.config.calls.max_attempts,
            tokens=self.config.check_tokens,
            dialogues_per_check=self.config.dialogues_per_check,
        )
