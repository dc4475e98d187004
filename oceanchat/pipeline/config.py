"""Define the configuration of a build.

It is parsed once, passed whole and saved beside the result: the defaults are here, the command line's flags
go on top. What decides the result enters `recipe`; how fast and at what price it is produced does not.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from oceanchat.corpus.columns import ColumnChoice, parse_label_columns
from oceanchat.llm.settings import SCRIPTED, CallSettings
from oceanchat.pipeline.answer_words import FREE, AnswerWords, default_answer_words, parse_answer_words
from oceanchat.pipeline.synthesis import TASKS, Mode
from oceanchat.records import Check
from oceanchat.traits import Level, Trait, TraitLevel

OPTIONAL = ("label_tokens", "dialogue_tokens", "turn_tokens", "check_tokens")
"""Settings that are saved where they were given."""


class BuildConfig(BaseModel):
    """The config of `oceanchat build`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    build: str | None = Field(default=None, min_length=1, max_length=200)
    """The build's name; None: that of its models."""
    replace: bool = False
    """Whether a build of that name that was made with other options may be replaced."""
    trait_levels: tuple[TraitLevel, ...] = Field(min_length=1)
    """The trait-levels to build, in paper order."""
    count: int = Field(default=20, ge=1, le=100_000_000)
    """Passed dialogues requested for each trait-level."""
    essays: str | None = None
    """Path or Hub dataset id of the corpus; None: the bundled one."""
    text_column: str | None = None
    author_column: str | None = None
    label_columns: str | None = None
    """Columns of the corpus, 'O=open_score,N=neuro' for labels; None: those that are known by their names."""
    labeler: str = SCRIPTED
    writer: str = SCRIPTED
    checker: str = SCRIPTED
    """Model names."""
    prompts: Path | None = None
    """Folder of templates; None: those that ship."""
    mode: Mode = "screenplay"
    check: Check = "strict"
    exchanges: int = Field(default=5, ge=1, le=50)
    """Questions with their answers in a dialogue (the paper: 5)."""
    words: int = Field(default=80, ge=10, le=500)
    """Maximum words in a turn (the paper: 80)."""
    answer_words: str | None = None
    """The words asked for of an answer: '8-40', 'free' (the paper), 'E=10-60', several between commas; None:
    8 to 40 where the prompts have a blank for it."""
    seeds_per_essay: int = Field(default=3, ge=1, le=1_000_000)
    """Seed topics taken from one essay at most, for each trait-level."""
    min_strength: int = Field(default=1, ge=1, le=5)
    """The least strength of a sentence that becomes a seed topic."""
    sentences_per_call: int = Field(default=10, ge=1, le=50)
    """Sentences labeled in one call (the paper: 1)."""
    dialogues_per_check: int = Field(default=4, ge=1, le=20)
    """Dialogues checked in one call (the paper: 1)."""
    seed: int = 0
    """Decides the order in which essays and sentences are considered."""
    label_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    dialogue_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    turn_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    check_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    """Completion limits of one call in tokens, for models that reason first; None: what the reply needs."""
    calls: CallSettings = CallSettings()

    @model_validator(mode="after")
    def _check_answer_words(self) -> Self:
        try:
            self.lengths  # noqa: B018
        except ValueError as error:
            raise ValueError(f"--answer-words '{self.answer_words}' cannot be used: {error}") from None
        return self

    @property
    def lengths(self) -> AnswerWords:
        """The words asked for of the answers about each trait. Raises ValueError."""
        if self.answer_words is None:
            return default_answer_words(self.words)
        return parse_answer_words(self.answer_words, self.words)

    @property
    def columns(self) -> ColumnChoice:
        """The columns of the corpus that were named. Raises ConfigError for labels that name no trait."""
        labels = parse_label_columns(self.label_columns)
        return ColumnChoice(self.text_column or "", self.author_column or "", labels)

    @property
    def build_name(self) -> str:
        """The name under which the result is stored: one model's for all roles, else all three."""
        models = list(dict.fromkeys((self.labeler, self.writer, self.checker)))
        roles = models if len(models) == 1 else [self.labeler, self.writer, self.checker]
        server = f"@{self.calls.endpoint_name}" if self.calls.endpoint_name else ""
        return self.build or "/".join(roles) + server

    def levels_of(self, trait: Trait) -> frozenset[Level]:
        """The levels of a trait that are to be built."""
        return frozenset(each.level for each in self.trait_levels if each.trait is trait)

    @property
    def label_task(self) -> str:
        """The template that labels sentences."""
        return "label" if self.sentences_per_call == 1 else "label_many"

    @property
    def tasks(self) -> tuple[str, ...]:
        """The templates this build needs; 'label' also for what a call about several leaves unread."""
        return (*dict.fromkeys((self.label_task, "label")), *TASKS[self.mode], "check")

    @property
    def usual_tasks(self) -> tuple[str, ...]:
        """The tasks that are asked whatever is read."""
        return (self.label_task, *TASKS[self.mode], "check")

    @property
    def asks_a_real_model(self) -> bool:
        """Whether any role is played by another than the embedded scripted model."""
        return any(name != SCRIPTED for name in (self.labeler, self.writer, self.checker))

    def saved(self) -> dict[str, Any]:
        """What is stored beside the result: everything but keys and credentials."""
        settings = self.model_dump(mode="json", exclude={"calls", "build", "replace", "answer_words"})
        settings["trait_levels"] = [trait_level.code for trait_level in self.trait_levels]
        asked_for = {name: settings.pop(name) for name in OPTIONAL}
        asked_for |= {"extra_body": self.calls.extra_body, "endpoint_name": self.calls.endpoint_name}
        return settings | {
            "endpoint": self.calls.endpoint if self.asks_a_real_model else SCRIPTED,
            "max_attempts": self.calls.max_attempts,
            **({} if str(self.lengths) == FREE else {"answer_words": str(self.lengths)}),
            **{name: value for name, value in asked_for.items() if value},
        }

    def recipe(self, corpus_id: str, fingerprints: Mapping[str, str]) -> str:
        """Hash of everything that decides one trait-level's result, but for the count."""
        decides = self.saved()
        # What the columns hold is in the corpus's own hash.
        columns = ("text_column", "author_column", "label_columns")
        for name in ("trait_levels", "count", "essays", "prompts", "endpoint", *columns):
            del decides[name]
        decides |= {"corpus": corpus_id, "prompts": dict(fingerprints)}
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
