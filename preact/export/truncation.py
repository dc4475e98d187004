"""Lower an adapter's rank and measure the loss.

The folded product B A is cut to its largest singular values, and what that costs is measured on held-out
dialogues with plain peft, on the files as they are written. It knows nothing of servers or of the terminal.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from oceanchat.errors import TrainingError
from preact.backbones.backbone import Backbone
from preact.dialogues.batches import Example
from preact.dialogues.encoding import encode_all
from preact.dialogues.release import read_release
from preact.export.checking import adapted
from preact.export.folding import Folded, write
from preact.persona import Persona
from preact.systems.scoring import example_losses
from preact.systems.trained import TrainedModel

RANKS = (8, 16, 32, 64)
"""The ranks tried by --rank auto, all of which vLLM serves."""


class RankLoss(NamedTuple):
    """What an adapter of one rank loses."""

    rank: int
    loss: float
    """Mean over the validation dialogues, nats a token."""
    lost: float
    """That loss minus the whole adapter's."""


def truncate(folded: Folded, rank: int) -> Folded:
    """The adapter closest to this one (in the Frobenius norm of each B A) of a lower rank.

    The scale alpha / r stays as it was. A and B get the square roots of the singular values each.
    """
    tensors: dict[str, Tensor] = {}
    for key, a in folded.tensors.items():
        if not key.endswith("lora_A.weight"):
            continue
        other = key.removesuffix("lora_A.weight") + "lora_B.weight"
        tensors[key], tensors[other] = _closest(a, folded.tensors[other], rank)
    return Folded(tensors, folded.config_at(rank), folded.weights)


def _closest(a: Tensor, b: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """A (rank x d_in) and B (d_out x rank) whose product is closest to b a; as wide as they are, at most."""
    # Through the r x r core, so that no d_out x d_in matrix is ever decomposed.
    left, left_core = torch.linalg.qr(b.double())
    right, right_core = torch.linalg.qr(a.double().T)
    u, values, v = torch.linalg.svd(left_core @ right_core.T)
    root = values[:rank].sqrt()
    lower_a, lower_b = root.unsqueeze(1) * (v[:rank] @ right.T), (left @ u[:, :rank]) * root
    # A layer narrower than the rank has fewer singular values: zeros fill it up.
    missing = rank - len(root)
    if missing > 0:
        lower_a = torch.nn.functional.pad(lower_a, (0, 0, 0, missing))
        lower_b = torch.nn.functional.pad(lower_b, (0, missing))
    return lower_a.to(a.dtype).contiguous(), lower_b.to(b.dtype).contiguous()


def held_out(trained: TrainedModel, persona: Persona) -> Sequence[Example]:
    """The validation dialogues of the persona's trait-levels as examples; none where there are none."""
    release = read_release(trained.record.config.release)
    validation = [d for d in release.dialogues if d.split == "validation" and d.trait_level in persona]
    config = trained.record.config
    if not validation:
        return []
    encodings = encode_all(trained.tokenizer, validation, config.method, config.recipe, style=config.prompt)
    return encodings.examples


def lower_rank(
    draft: Path,
    folded: Folded,
    trained: TrainedModel,
    examples: Sequence[Example],
    backbone: Backbone,
    rank: int | None,
    max_loss: float,
    say: Callable[[str], None],
) -> tuple[Folded, list[RankLoss]]:
    """Write the adapter to `draft` at a rank, or the lowest of RANKS that loses at most `max_loss` nats.

    The adapter and the table of the ranks that were tried. Raises TrainingError for a rank above the
    adapter's, for no held-out dialogues, and when every rank loses more.
    """
    own = int(folded.config.r)
    if rank is not None and rank > own:
        raise TrainingError(f"--rank {rank} is above {own}, the adapter's own rank; leave --rank out")
    if not examples and rank is None:
        raise TrainingError(
            f"release '{trained.record.config.release}' has no validation dialogue of the persona to choose a"
            " rank by; name one, such as --rank 16"
        )
    whole = _loss(draft, trained, examples, backbone) if examples else 0.0
    table: list[RankLoss] = []
    for tried in (rank,) if rank is not None else _candidates(own):
        lower = truncate(folded, tried) if tried < own else folded
        write(draft, trained, lower)
        if examples:
            loss = _loss(draft, trained, examples, backbone)
            table.append(RankLoss(tried, loss, loss - whole))
            say(f"rank {tried:>3}: loss {loss:.4f}, {loss - whole:+.4f} nats per token")
        if rank is not None or table[-1].lost <= max_loss:
            return lower, table
    best = min(table, key=lambda row: row.lost)
    raise TrainingError(
        f"no rank up to {RANKS[-1]} stays within --max-loss {max_loss:g}: rank {best.rank} loses"
        f" {best.lost:.4f} nats; raise --max-loss, or leave --rank out"
    )


def _candidates(own: int) -> list[int]:
    """The ranks up to the adapter's own; that too where it is no more than the highest of RANKS."""
    return [*(rank for rank in RANKS if rank < own), *([own] if own <= RANKS[-1] else [])]


def _loss(draft: Path, trained: TrainedModel, examples: Sequence[Example], backbone: Backbone) -> float:
    with adapted(backbone, draft) as model:
        return float(example_losses(replace(trained, model=model), examples, {}).mean())
