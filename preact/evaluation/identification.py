"""Identify trait-levels by loss, without a judge.

A held-out dialogue is scored under all ten trait-levels, and the lowest loss names its trait-level. A tie
among k scores 1/k and is counted, because an argmin would hide a model that does not tell trait-levels apart.
It knows trained runs and releases; it knows nothing of the terminal.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from oceanchat.statistics.figure import SHARE, Figure
from oceanchat.statistics.intervals import wilson
from oceanchat.traits import TRAIT_LEVELS, TRAITS
from preact.dialogues.encoding import encode_all
from preact.dialogues.release import TrainingDialogue, TrainingRelease, read_release
from preact.mixture.losses import ExpertUse, expert_use
from preact.systems.trained import TrainedModel, open_run

TIE = 1e-6
"""Losses (nats per token) closer than this are tied: float32 sums differ by more for no reason."""


class TraitLevelLosses(NamedTuple):
    """The losses of held-out dialogues."""

    dialogues: list[TrainingDialogue]
    losses: Tensor
    """n x 10: nats a self-discloser token under each trait-level, in paper order."""
    base: Tensor
    """n: the same of the backbone alone, which says how hard a topic is."""


class Identification(NamedTuple):
    """How well the losses name the trait-levels."""

    dialogues: int
    split: str
    accuracy: Figure
    """Share of dialogues whose own trait-level has the lowest loss; a tie among k scores 1/k."""
    ties: int
    """Dialogues whose lowest loss is shared by several trait-levels."""
    level_accuracy: Figure
    """Share whose own level has the lower loss of the own trait's two."""
    margin: float
    """Mean of the best other trait-level's loss less the own one's, nats per token; above 0 is right."""
    own_loss: float
    """Mean loss under the own trait-level, nats per token."""
    excess: float
    """Mean of the own loss less the backbone's: below 0 is what the adapter gains."""
    confusion: list[list[float]]
    """Rows: the dialogues' trait-levels, columns: those named, in paper order; ties share their count."""
    credit: list[float]
    """Each dialogue's score, 0 to 1, in the release's order; for paired comparisons."""
    experts: ExpertUse | None
    """How the trait-levels share the experts, for gated methods."""


def identify(
    folder: Path,
    *,
    data: str | None = None,
    split: str | None = None,
    threads: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Identification:
    """Identify the trait-levels of a release's dialogues by a run's losses.

    Without `data` the run's own release is read, without `split` its test split, or all dialogues of another
    release or of one that has no test split. Raises TrainingError for a run, release or split that cannot be
    read.
    """
    trained = open_run(folder, threads)
    release = read_release(data or trained.record.config.release)
    chosen = split or ("test" if data is None and release.has("test") else "all")
    if _trained_on(trained, release, chosen):
        say(f"note: split '{chosen}' holds dialogues the run was trained on; the figures flatter it")
    losses = trait_level_losses(trained, release.split(chosen), say)
    return accuracy(losses, chosen, expert_use(trained.expert_weights()) if trained.gated else None)


def _trained_on(trained: TrainedModel, release: TrainingRelease, split: str) -> bool:
    same = release.fingerprint == trained.record.release.fingerprint
    return same and (split == "all" or trained.record.config.train_split in (split, "all"))


def trait_level_losses(
    trained: TrainedModel,
    dialogues: Sequence[TrainingDialogue],
    say: Callable[[str], None] = lambda line: None,
) -> TraitLevelLosses:
    """The losses of each dialogue under all ten trait-levels, and without the adapter."""
    config = trained.record.config
    plain = encode_all(trained.tokenizer, dialogues, "preact", config.recipe)
    columns = []
    for trait_level in TRAIT_LEVELS:
        say(f"scoring {len(plain.examples)} dialogues under {trait_level.code}")
        examples = plain.examples
        if trained.method.prompted:
            examples = encode_all(
                trained.tokenizer, plain.dialogues, config.method, config.recipe, trait_level
            ).examples
        with trained.portraying({trait_level: 1.0}) as portrayal:
            columns.append(trained.losses(examples, portrayal.arguments))
    return TraitLevelLosses(
        plain.dialogues, torch.stack(columns, dim=1), trained.backbone_losses(plain.examples)
    )


def accuracy(scored: TraitLevelLosses, split: str, experts: ExpertUse | None = None) -> Identification:
    """How accurately the losses name the trait-levels; pure."""
    losses = scored.losses
    own_ids = torch.tensor([d.trait_id for d in scored.dialogues])
    lowest = losses.min(dim=1, keepdim=True).values
    named = (losses <= lowest + TIE).double()
    shares = named / named.sum(dim=1, keepdim=True)
    credit = shares.gather(1, own_ids.unsqueeze(1)).squeeze(1)
    own = losses.gather(1, own_ids.unsqueeze(1)).squeeze(1)
    others = losses.scatter(1, own_ids.unsqueeze(1), float("inf"))
    opposite = losses.gather(1, ((own_ids + len(TRAITS)) % len(TRAIT_LEVELS)).unsqueeze(1)).squeeze(1)
    level_credit = torch.where((own - opposite).abs() <= TIE, 0.5, (own < opposite).double())
    confusion = torch.zeros(len(TRAIT_LEVELS), len(TRAIT_LEVELS), dtype=torch.float64)
    confusion.index_add_(0, own_ids, shares)
    return Identification(
        dialogues=len(scored.dialogues),
        split=split,
        accuracy=_share(credit),
        ties=int((named.sum(dim=1) > 1).sum()),
        level_accuracy=_share(level_credit),
        margin=float((others.min(dim=1).values - own).mean()),
        own_loss=float(own.mean()),
        excess=float((own - scored.base).mean()),
        confusion=[[round(value, 4) for value in row] for row in confusion.tolist()],
        credit=credit.tolist(),
        experts=experts,
    )


def _share(credit: Tensor) -> Figure:
    """The mean credit with Wilson's interval, for which alone the sum of credits is rounded."""
    interval = wilson(round(float(credit.sum())), len(credit))
    return Figure(float(credit.mean()), interval.low, interval.high)


def as_json(result: Identification) -> dict[str, Any]:
    """The figures as `preact identify --json` prints them."""
    shares = {"accuracy": result.accuracy.bounds(), "level_accuracy": result.level_accuracy.bounds()}
    experts = result.experts._asdict() if result.experts else None
    return {**result._asdict(), **shares, "experts": experts, "trait_levels": [t.code for t in TRAIT_LEVELS]}


def as_lines(result: Identification) -> list[str]:
    """The figures for people."""

    lines = [
        f"split {result.split}: {result.dialogues} dialogues, {result.ties} ties",
        f"trait-level named right   {result.accuracy.text(SHARE)}   (chance 10.0%)",
        f"level right in its trait  {result.level_accuracy.text(SHARE)}   (chance 50.0%)",
        f"margin {result.margin:+.4f} nats per token; loss {result.own_loss:.4f},"
        f" the backbone's {result.own_loss - result.excess:.4f}",
    ]
    if result.experts:
        use = result.experts
        lines.append(f"experts: {use.effective:.2f} effective, {use.dead} dead, PSL {use.psl:.3f}")
    codes = [t.code for t in TRAIT_LEVELS]
    lines.append("named      " + "".join(f"{code:>7}" for code in codes))
    for code, row in zip(codes, result.confusion, strict=True):
        lines.append(f"shows {code:<5}" + "".join(f"{value:>7.4g}" for value in row))
    return lines
