"""Check that what is served was trained.

Identifies trait-levels by the prompt log-probabilities of a live endpoint, and holds what it serves against
the backbone and, where one is named, against the run itself. It knows nothing of the terminal.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from peft.helpers import rescale_adapter_scale
from torch import Tensor

from oceanchat.counting import counted
from oceanchat.errors import EvaluationError
from oceanchat.llm.endpoint.prompt_logprobs import PromptReader
from oceanchat.llm.settings import CallSettings
from oceanchat.prompts import Message
from oceanchat.traits import TraitLevel
from preact.dialogues.batches import Example
from preact.dialogues.conversation import IGNORED, render
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.identification import held_out
from preact.evaluation.loss_figures import TIE, NamedRight, margin, named_right
from preact.evaluation.served_figures import BACKBONE, RunMatch, Swap, alike, column_losses, match_run, swaps
from preact.persona import Persona, trait_level_prompt
from preact.systems.scoring import example_losses
from preact.systems.served import ScoredDialogue, ServedNames, score_dialogues, served_names
from preact.systems.trained import TrainedModel, open_run

Say = Callable[[str], None]


class CheckPlan(NamedTuple):
    """What is checked against what."""

    data: str | None = None
    """A release; the run's own where it is None."""
    run: Path | None = None
    """The run that is meant to be served."""
    split: str | None = None
    prefix: str | None = None
    """Which of several runs' names."""
    backbone: str | None = None
    """The model without any adapter, where it cannot be told from the list."""
    threads: int = 0


class ServedCheck(NamedTuple):
    """What an endpoint serves."""

    names: ServedNames
    split: str
    dialogues: int
    left_out: int
    """Dialogues that the server refuses, or whose answers are not in its tokens."""
    named: NamedRight
    margin: float
    """As `preact identify` has it, nats per token; infinite where one name is served."""
    noise: float
    """Largest difference between two scorings of the same dialogues under one name, nats per token."""
    as_backbone: list[str] | None
    """Names whose losses are the backbone's; None where the server has no model without an adapter."""
    alike: list[list[str]]
    """Groups of names with the same losses."""
    swapped: list[Swap]
    matches: list[RunMatch] | None
    """Each name beside the run; None where no run was named."""
    other_tokens: int = 0
    """Dialogues that the server's template or tokenizer writes otherwise than the run's."""


class _Scored(NamedTuple):
    """The dialogues that could be scored under every name."""

    dialogues: list[TrainingDialogue]
    columns: dict[TraitLevel, list[ScoredDialogue]]
    backbone: list[ScoredDialogue] | None
    noise: float


async def check_served(settings: CallSettings, plan: CheckPlan, say: Say = lambda line: None) -> ServedCheck:
    """Check the endpoint that `settings` name.

    Raises EvaluationError where it cannot be reached, has no trait-levels or gives no prompt
    log-probabilities, and where there is neither a run nor a release; TrainingError for what cannot be read.
    """
    if plan.run is None and plan.data is None:
        raise EvaluationError(
            "there are no dialogues to check with; name --run, the run that is served, or --release"
        )
    run = open_run(plan.run, plan.threads) if plan.run else None
    held = held_out(run, plan.data, plan.split, say)
    reader = PromptReader(settings)
    try:
        names = served_names(await reader.models(), plan.prefix)
        names = names._replace(backbone=plan.backbone or names.backbone)
        dialogues = [d for d in held.dialogues if d.trait_level in names.names]
        if not dialogues:
            raise EvaluationError("the release has no dialogue of a trait-level that is served; name another")
        scored = await _score(reader, names, dialogues, run, say)
    finally:
        await reader.close()
    losses = column_losses({t: [s.loss for s in column] for t, column in scored.columns.items()})
    tolerance = max(TIE, 2 * scored.noise)
    columns = {names.names[t]: _losses(column) for t, column in scored.columns.items()}
    groups = alike(columns, tolerance)
    as_backbone = None
    if scored.backbone is not None:
        base = {BACKBONE: _losses(scored.backbone)}
        as_backbone = [name for name in columns if alike({**base, name: columns[name]}, tolerance)]
    matches, other_tokens = _beside(run, scored, say) if run else (None, 0)
    return ServedCheck(
        names=names,
        split=held.split,
        dialogues=len(scored.dialogues),
        left_out=len(dialogues) - len(scored.dialogues),
        named=named_right(losses, scored.dialogues),
        margin=margin(losses, scored.dialogues),
        noise=scored.noise,
        as_backbone=as_backbone,
        alike=groups,
        swapped=[] if groups else swaps(losses, scored.dialogues),
        matches=matches,
        other_tokens=other_tokens,
    )


async def _score(
    reader: PromptReader,
    names: ServedNames,
    dialogues: Sequence[TrainingDialogue],
    run: TrainedModel | None,
    say: Say,
) -> _Scored:
    """Every name over the dialogues, the backbone, and one name a second time."""
    talks = [d.messages for d in dialogues]
    prompted = run is not None and run.method.prompted and not names.own
    encode = partial(_encoded, run) if run is not None else None
    columns: dict[TraitLevel, list[ScoredDialogue | None]] = {}
    for trait_level, name in names.names.items():
        say(f"scoring {counted(len(talks), 'dialogue')} under {name}")
        system = trait_level_prompt(trait_level) if prompted else ""
        columns[trait_level] = await score_dialogues(reader, name, talks, system, encode)
    first = next(iter(columns))
    system = trait_level_prompt(first) if prompted else ""
    again = await score_dialogues(reader, names.names[first], talks, system, encode)
    base: list[ScoredDialogue | None] | None = None
    if names.backbone is not None:
        say(f"scoring {counted(len(talks), 'dialogue')} under {names.backbone}, the backbone")
        base = await score_dialogues(reader, names.backbone, talks, encode=encode)
    every = [*columns.values(), again, *([base] if base is not None else [])]
    whole = [n for n in range(len(talks)) if all(column[n] is not None for column in every)]
    if not whole:
        raise EvaluationError(
            "no dialogue can be scored: the server's tokens do not hold the dialogues' answers; name others"
            " with --release"
        )
    some = {t: _chosen(column, whole) for t, column in columns.items()}
    noise = float((_losses(some[first]) - _losses(_chosen(again, whole))).abs().max())
    return _Scored([dialogues[n] for n in whole], some, None if base is None else _chosen(base, whole), noise)


def _encoded(run: TrainedModel, messages: Sequence[Message]) -> list[int]:
    """A conversation, whose first message may be the system's, as the run writes it."""
    opening = messages[0].content if messages[0].role == "system" else ""
    text = render(run.tokenizer, messages[1:] if opening else messages, system=opening)
    ids: list[int] = run.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _chosen(column: Sequence[ScoredDialogue | None], rows: Sequence[int]) -> list[ScoredDialogue]:
    return [scored for n in rows if (scored := column[n]) is not None]


def _losses(column: Sequence[ScoredDialogue]) -> Tensor:
    return torch.tensor([scored.loss for scored in column], dtype=torch.float64)


def _beside(run: TrainedModel, scored: _Scored, say: Say) -> tuple[list[RunMatch], int]:
    """Each name beside the run on the server's own tokens; how many dialogues the run writes otherwise."""
    examples: dict[TraitLevel, list[Example]] = {}
    others = 0
    for trait_level, column in scored.columns.items():
        system = trait_level_prompt(trait_level) if run.method.prompted else ""
        examples[trait_level], others = _examples(run, column, scored.dialogues, system)

    def losses(persona: Persona | None, trait_level: TraitLevel, strength: float = 1.0) -> Tensor:
        with rescale_adapter_scale(run.model, strength), run.portraying(persona) as portrayal:
            return example_losses(run, examples[trait_level], portrayal.arguments)

    own: dict[TraitLevel, Tensor] = {}
    for trait_level in examples:
        say(f"scoring {counted(len(scored.dialogues), 'dialogue')} under {trait_level.code} of the run")
        own[trait_level] = losses({trait_level: 1.0}, trait_level)
    return [
        match_run(
            trait_level,
            _losses(column),
            own,
            losses(None, trait_level),
            lambda strength, t=trait_level: losses({t: 1.0}, t, strength),  # type: ignore[misc]
        )
        for trait_level, column in scored.columns.items()
    ], others


def _examples(
    run: TrainedModel,
    column: Sequence[ScoredDialogue],
    dialogues: Sequence[TrainingDialogue],
    system: str,
) -> tuple[list[Example], int]:
    """The server's tokens as the run reads them, and how many dialogues the run would write otherwise."""
    size = run.model.config.get_text_config().vocab_size
    examples, others = [], 0
    for scored, dialogue in zip(column, dialogues, strict=True):
        opening = (Message("system", system),) if system else ()
        written = _encoded(run, (*opening, *dialogue.messages))
        served = scored.ids
        if served is None or max(served) >= size:
            raise EvaluationError(
                "the server's tokens are not the run's: it serves another backbone, or does not say token ids"
            )
        ids = [written[0], *served]
        others += ids != written
        labels = [IGNORED] * len(ids)
        for n in scored.answers:
            labels[n] = ids[n]
        examples.append(Example(ids, labels, 0))
    return examples, others
