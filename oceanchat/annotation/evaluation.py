"""Set up an evaluation of models by people.

Every system meets every starting question, and annotators rate the conversation (Appendix F). A system stands
behind an OpenAI-compatible endpoint: it has a model for each trait-level, or is sent the persona prompt.
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from oceanchat.annotation import assignment
from oceanchat.annotation.starting_questions import StartingQuestion
from oceanchat.errors import AnnotationError, ConfigError
from oceanchat.llm.settings import CallSettings, without_credentials
from oceanchat.prompts import Prompts, persona_text
from oceanchat.store import conversations as conversation_rows
from oceanchat.store import samples as sample_rows
from oceanchat.store.conversations import CONVERSATION, EVALUATION
from oceanchat.store.database import Store
from oceanchat.store.samples import Item, Sample
from oceanchat.traits import TRAIT_LEVELS, TraitLevel

EXCHANGES = 5
"""Questions and answers of a conversation (the paper's five turns)."""
PROMPTED = "prompted:"
"""Before a URL: the model there is sent the persona prompt."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_FORM = "write NAME=URL#PREFIX: for a model by trait-level, or NAME=prompted:URL#MODEL for a prompted one"
Unit = Literal["shared", "live"]


class RatedSystem(BaseModel):
    """One of the systems that are compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    url: str
    """Of an OpenAI-compatible endpoint, with its /v1."""
    model: str
    """The model's name, or what stands before the trait-level's in it."""
    prompted: bool
    """Whether the persona is sent as a system prompt; else the model's name says it."""

    def model_for(self, trait_level: TraitLevel) -> str:
        """The model that is asked for one trait-level, such as 'preact:o-high'."""
        return self.model if self.prompted else f"{self.model}{trait_level.name}"


def parse_system(text: str) -> RatedSystem:
    """Read NAME=URL#PREFIX: or NAME=prompted:URL#MODEL. Raises ConfigError for anything else."""
    shown = without_credentials(text.partition("#")[0]) + "".join(text.partition("#")[1:])
    name, equals, address = text.strip().partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise ConfigError(f"--system '{shown}' has no usable name (letters, digits, '.', '_', '-'); {_FORM}")
    prompted = address.startswith(PROMPTED)
    url, mark, model = address.removeprefix(PROMPTED).partition("#")
    if not mark or not model.strip() or not model.isprintable():
        raise ConfigError(f"--system '{shown}' names no model behind '#'; {_FORM}")
    if not prompted and not model.endswith(":"):
        raise ConfigError(
            f"--system '{shown}' names a model that is told no trait-level: end it with ':', where the"
            f" trait-level's name is put, or write prompted: before the URL; {_FORM}"
        )
    try:
        endpoint = CallSettings(base_url=url)
    except ValueError as error:
        problem = str(error).splitlines()[2].split("Value error, ")[-1].split(" [type=")[0]
        raise ConfigError(f"--system '{shown}' has no usable URL: {problem}") from None
    if endpoint.endpoint != url.rstrip("/"):
        raise ConfigError(
            f"--system '{shown}' has a URL with credentials or a query, which would be stored; put the key in"
            " OPENAI_API_KEY where the app runs, and leave the rest out"
        )
    return RatedSystem(name=name, url=endpoint.endpoint, model=model.strip(), prompted=prompted)


class EvaluationConfig(BaseModel):
    """The options of `oceanchat evaluation create`, saved with the evaluation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    systems: tuple[RatedSystem, ...] = Field(min_length=1)
    unit: Unit = "shared"
    """shared: one conversation that all annotators rate; live: each annotator holds an own one."""
    annotators: int = Field(default=3, ge=1, le=50)
    """Annotators who rate each (question, system) (the paper: 3)."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int = Field(default=200, ge=1, le=4096)
    """Tokens of an answer at most."""
    min_seconds: float = Field(default=3.0, ge=0, le=600)
    """Minimum time between presenting a conversation and saving its rating."""

    @field_validator("systems")
    @classmethod
    def _must_differ(cls, systems: tuple[RatedSystem, ...]) -> tuple[RatedSystem, ...]:
        names = [system.name for system in systems]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two systems have the name '{twice}'; name each once")
        return systems


def create_evaluation(
    store: Store,
    config: EvaluationConfig,
    questions: Sequence[StartingQuestion],
    prompts: Prompts,
    *,
    another: bool = False,
) -> Sample:
    """Store every system with every question, and share them among the annotators.

    Raises AnnotationError where an evaluation exists and `another` is not set.
    """
    settings = config.model_dump(mode="json") | {
        "exchanges": EXCHANGES,
        "questions": len(questions),
        "personas": _personas(config, questions, prompts),
        "repeats": 0.0,
        "gold": 0.0,
    }
    with store.writing() as connection:
        before = sample_rows.latest_sample(connection, EVALUATION, lock=True)
        if before is not None and not another:
            raise AnnotationError(f"evaluation {before.id} exists; --another makes a further one beside it")
        number = sample_rows.add_sample(
            connection, EVALUATION, config.seed, config.annotators, settings, time.time()
        )
        cells = [(system.name, question) for question in questions for system in config.systems]
        ids = sample_rows.add_items(connection, (_item(number, *cell) for cell in cells))
        conversation_rows.add_cells(
            connection,
            {id: (name, question.id) for id, (name, question) in zip(ids, cells, strict=True)},
        )
        created = sample_rows.latest_sample(connection, number=number)
    assignment.replan(store)
    assert created is not None  # added above, in the same transaction
    return created


def _personas(
    config: EvaluationConfig, questions: Sequence[StartingQuestion], prompts: Prompts
) -> Mapping[str, str]:
    """Trait-level -> the prompt that portrays it, as long as a system is sent one."""
    if not any(system.prompted for system in config.systems):
        return {}
    wanted = {question.trait_level for question in questions}
    return {level.code: persona_text(prompts, level.label) for level in TRAIT_LEVELS if level in wanted}


def _item(number: int, system: str, question: StartingQuestion) -> Item:
    code = question.trait_level.code
    return Item(
        kind=CONVERSATION,
        key=f"{number}:{system}:{question.id}",
        stratum=code,
        content={"trait_level": code, "question": question.text},
        sample_id=number,
    )


def systems_of(sample: Sample) -> dict[str, RatedSystem]:
    """Name -> system of an evaluation."""
    return {each["name"]: RatedSystem.model_validate(each) for each in sample.settings["systems"]}
