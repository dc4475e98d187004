"""Equation 6 for a batch.

The language-modelling loss plus lambda times a loss on the expert weights. Losses of padded and of packed
batches, by token, by dialogue and in sum. It knows the methods and their recipe; it knows nothing of
optimizers, processes or run folders.
"""

from typing import Any

import torch
from torch import Tensor, nn

from preact.config import Recipe
from preact.dialogues.conversation import IGNORED
from preact.methods import Method
from preact.mixture.losses import entropy_shortfall, personality_specialization, sequence_balance
from preact.mixture.router import select


def token_losses(model: Any, inputs: dict[str, Any], labels: Tensor) -> tuple[Tensor, Tensor]:
    """The loss in nats of each labeled token of a batch, and the dialogue it belongs to: (n,) and (n,).

    Padded rows hold a dialogue each. A packed row is one sequence, so its logits are made at the labeled
    tokens alone.
    """
    labeled = labels[:, 1:] != IGNORED
    if "cu_seq_lens_q" in inputs:
        before = labeled[0].nonzero().squeeze(1)
        logits = model(**inputs, use_cache=False, logits_to_keep=before).logits[0]
        ends = inputs["cu_seq_lens_q"][1:]
        dialogue = torch.bucketize(before + 1, ends, right=True) - int("shared_prefix" in inputs)
    else:
        logits = model(**inputs, use_cache=False).logits[:, :-1][labeled]
        dialogue = labeled.nonzero()[:, 0]
    losses = nn.functional.cross_entropy(logits.float(), labels[:, 1:][labeled], reduction="none")
    return losses, dialogue


def batch_loss(model: Any, inputs: dict[str, Any], labels: Tensor) -> Tensor:
    """The summed loss in nats of a batch's labeled tokens, padded or packed, a scalar."""
    return token_losses(model, inputs, labels)[0].sum()


def dialogue_losses(model: Any, inputs: dict[str, Any], labels: Tensor, dialogues: int) -> Tensor:
    """The mean loss in nats per labeled token of each dialogue of a batch, padded or packed: (dialogues,)."""
    losses, dialogue = token_losses(model, inputs, labels)
    totals = torch.zeros(dialogues, dtype=torch.float64, device=losses.device)
    return totals.index_add(0, dialogue, losses.double()) / dialogue.bincount(minlength=dialogues)


def expert_loss(weights: Tensor, sequence_trait_ids: Tensor, method: Method, recipe: Recipe) -> Tensor:
    """The loss on the expert weights (P x N) that lambda weighs, a scalar; never in half precision.

    The balance loss looks at the sequences of the whole step (S,), PSL at all trait-levels. A method without
    a loss of its own is measured by PSL and trained with lambda 0.
    """
    with torch.autocast(weights.device.type, enabled=False):
        if method.expert_loss == "balance":
            return sequence_balance(select(weights, sequence_trait_ids))
        loss = personality_specialization(weights, normalised=recipe.psl_normalised, hinge=recipe.psl_hinge)
        return loss + entropy_shortfall(weights, recipe.entropy_floor) if recipe.entropy_floor else loss


def loss_weight(recipe: Recipe, step: int) -> float:
    """Lambda at a step: it rises from 0 over the warm-up, where the recipe has one."""
    warm_up = recipe.psl_warmup_steps
    return recipe.loss_weight * (min(1.0, step / warm_up) if warm_up else 1.0)
