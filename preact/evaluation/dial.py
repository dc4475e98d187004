"""Measure trait-levels over the strength.

Held-out dialogues are scored under all ten trait-levels at each strength: how far the own one's loss is below
the best other one's, and what that loss is. Intervals draw authors. It knows runs and releases; it knows
nothing of the terminal.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from peft.helpers import rescale_adapter_scale
from torch import Tensor

from oceanchat.counting import counted
from oceanchat.errors import ConfigError
from oceanchat.time_left import TimeLeft
from oceanchat.traits import CODES
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.comparison.statistics import clustered_mean
from preact.evaluation.identification import TraitLevelLosses, held_out, trait_level_losses
from preact.evaluation.loss_figures import author_clusters, own_losses, own_margins
from preact.systems.local import LocalSystem
from preact.systems.system import DEFAULT_SAMPLING
from preact.systems.trained import open_run
from preact.training.strengths import ALL, Dial, DialCurve, DialPoint, DialValue, write_dial

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
STRONGEST = 1.5
"""The highest strength that exports and servers take."""
Say = Callable[[str], None]


def dial(
    folder: Path,
    strengths: Iterable[float] = STRENGTHS,
    *,
    data: str | None = None,
    split: str | None = None,
    threads: int = 0,
    say: Say = lambda line: None,
) -> Dial:
    """Measure a run at these strengths and store the curves in its folder, where cards read them.

    Dialogues are chosen as by `identify`. Raises ConfigError for strengths outside of 0 to 1.5 or fewer than
    two, TrainingError or EvaluationError for a run, release or split that cannot be read.
    """
    chosen = checked_strengths(strengths)
    trained = open_run(folder, threads)
    held = held_out(trained, data, split, say)
    scored = dial_losses(LocalSystem(trained, DEFAULT_SAMPLING), held.dialogues, chosen, say)
    result = Dial(
        release=held.release.name,
        fingerprint=held.release.fingerprint,
        split=held.split,
        seen=held.seen,
        dialogues=len(scored[0].dialogues),
        curves=tuple(dial_curves(chosen, [one.losses for one in scored], scored[0].dialogues)),
    )
    write_dial(folder, result)
    return result


def checked_strengths(strengths: Iterable[float]) -> tuple[float, ...]:
    """The strengths in order, each once. Raises ConfigError as `dial` says."""
    chosen = tuple(sorted(set(strengths)))
    wrong = next((s for s in chosen if not 0 <= s <= STRONGEST), None)
    if wrong is not None:
        raise ConfigError(f"strength '{wrong:g}' is outside of 0 to {STRONGEST:g}; write others")
    if len(chosen) < 2:
        raise ConfigError("a curve needs two different strengths at least; write more, such as 0,0.5,1")
    return chosen


def dial_losses(
    opened: LocalSystem,
    dialogues: Sequence[TrainingDialogue],
    strengths: Sequence[float],
    say: Say = lambda line: None,
) -> list[TraitLevelLosses]:
    """The losses of the dialogues under all ten trait-levels (n x 10) at each strength, in order.

    The strength multiplies the scale of the run's LoRA layers, as exports and the server do. Raises
    EvaluationError when no dialogue can be scored.
    """
    scored: list[TraitLevelLosses] = []
    left = TimeLeft(len(strengths))
    for strength in strengths:
        taken = left.after(len(scored))
        say(
            f"strength {strength:g}: scoring {counted(len(dialogues), 'dialogue')} under ten"
            f" trait-levels{taken}"
        )
        with rescale_adapter_scale(opened.local.model, strength):
            scored.append(trait_level_losses(opened, dialogues))
    return scored


def dial_curves(
    strengths: Sequence[float], losses: Sequence[Tensor], dialogues: Sequence[TrainingDialogue]
) -> list[DialCurve]:
    """A curve for each trait-level that has dialogues, and one over all, of losses n x 10 a strength."""
    margins = torch.stack([own_margins(one, dialogues) for one in losses])
    own = torch.stack([own_losses(one, dialogues) for one in losses])
    authors = author_clusters(dialogues)
    curves = []
    for code in (*CODES, ALL):
        rows = [index for index, d in enumerate(dialogues) if code in (d.trait_level.code, ALL)]
        if not rows:
            continue
        clusters = [authors[index] for index in rows]
        points = tuple(
            DialPoint(
                strength=strength,
                margin=_mean(margins[row, rows].tolist(), clusters),
                loss=_mean(own[row, rows].tolist(), clusters),
            )
            for row, strength in enumerate(strengths)
        )
        steps = [_mean(step.tolist(), clusters) for step in (margins[1:, rows] - margins[:-1, rows])]
        curves.append(
            DialCurve(
                trait_level=code,
                dialogues=len(rows),
                authors=len(set(clusters)),
                shape=shape(strengths, steps),
                points=points,
            )
        )
    return curves


def shape(strengths: Sequence[float], steps: Sequence[DialValue]) -> str:
    """What a curve does from strength to strength, in words.

    A step rises or falls where the 95 % interval of its change, dialogue by dialogue, lies on one side of 0;
    the steps are not corrected for their number.
    """
    signs = [_sign(step) for step in steps]
    if any(step.low is None for step in steps):
        return "one author: no interval"
    rising = [n for n, sign in enumerate(signs) if sign > 0]
    falling = [n for n, sign in enumerate(signs) if sign < 0]
    if not rising and not falling:
        return "flat: no change shown"
    if not falling:
        return "monotone: rises"
    if not rising:
        return "monotone: falls"
    if max(rising) < min(falling):
        return f"not monotone: falls from {strengths[min(falling)]:g}"
    return "not monotone: up and down"


def _sign(step: DialValue) -> int:
    if step.low is None or step.high is None:
        return 0
    return int(step.low > 0) - int(step.high < 0)


def _mean(values: Sequence[float], clusters: Sequence[str]) -> DialValue:
    figure = clustered_mean(values, clusters)
    return DialValue(value=math.fsum(values) / len(values), low=figure.low, high=figure.high)
