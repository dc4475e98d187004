"""Score dialogues with a local model.

The loss of the self-discloser's answers under what a portrayal adds, whole or cut to equal lengths. It knows
batches and losses; it knows nothing of releases or of what the losses are compared for.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from oceanchat.prompts import Message
from preact.backbones.packed_attention import packed_rows
from preact.dialogues.batches import Collator, Example, on_device
from preact.dialogues.conversation import IGNORED
from preact.dialogues.encoding import encode_under
from preact.persona import Persona
from preact.systems.portrayal import LocalModel
from preact.training.objective import dialogue_losses

BATCH = 16


def score(
    local: LocalModel,
    dialogues: Sequence[Sequence[Message]],
    persona: Persona | None,
    cut: int = 0,
    skip: int = 0,
) -> list[float | None]:
    """As `ScoringSystem.score` says."""
    with local.portraying(persona) as portrayal:
        encoded = [encode_answers(local, messages, portrayal.system, cut, skip) for messages in dialogues]
        examples = [example for example in encoded if example is not None]
        losses = iter(example_losses(local, examples, portrayal.arguments).tolist())
    return [None if example is None else next(losses) for example in encoded]


def encode_answers(
    local: LocalModel, messages: Sequence[Message], system: str = "", cut: int = 0, skip: int = 0
) -> Example | None:
    """The dialogue as far as it fits the recipe's lengths, its answers labeled; None if there are none."""
    answers = [message.content for message in messages if message.role == "assistant"]
    ends = token_ends(local.tokenizer, answers) if cut else []
    shown = [*messages[: 2 * skip], *cut_answers(messages[2 * skip :], ends[skip:], cut)] if cut else messages
    recipe = local.recipe
    encoded = encode_under(local.tokenizer, shown, system, context=recipe.context, reply=recipe.reply)
    if encoded is None:
        return None
    labels = encoded.labels
    if cut or skip:
        scored = [n >= skip and (not cut or len(ends[n]) >= cut) for n in range(encoded.answers)]
        labels = _first_tokens(encoded.labels, scored, cut, set(local.tokenizer.all_special_ids))
        if all(label == IGNORED for label in labels):
            return None
    return Example(encoded.ids, labels, 0)


def example_losses(local: LocalModel, examples: Sequence[Example], arguments: Mapping[str, Tensor]) -> Tensor:
    """The mean loss in nats of each example's labeled tokens, (n,) in float64, under these arguments."""
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i].ids), i))
    means = torch.zeros(len(examples), dtype=torch.float64)
    model: Any = local.model
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    with torch.inference_mode(), packed_rows(base, local.recipe.packing) as shares:
        collator = Collator(
            local.tokenizer.pad_token_id, packed=local.recipe.packing, trait_ids=False, share_prefix=shares
        )
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            batch = on_device(collator([examples[i] for i in chosen]), model.device)
            batch.pop("sequence_trait_ids")
            labels = batch.pop("labels")
            losses = dialogue_losses(model, {**batch, **arguments}, labels, len(chosen))
            means[chosen] = losses.cpu()
    return means


def token_ends(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """For each text the place in it, in characters, where each token ends, special ones aside."""
    encoded = (tokenizer(text, add_special_tokens=False, return_offsets_mapping=True) for text in texts)
    return [[end for _, end in one["offset_mapping"]] for one in encoded]


def cut_answers(messages: Sequence[Message], ends: Sequence[Sequence[int]], cut: int) -> list[Message]:
    """The messages with each answer cut to its first tokens; `ends` says where those of each answer end."""
    places = iter(ends)
    shown = []
    for message in messages:
        if message.role == "assistant" and len(own := next(places)) > cut:
            message = message._replace(content=message.content[: own[cut - 1]])
        shown.append(message)
    return shown


def _first_tokens(labels: Sequence[int], scored: Sequence[bool], cut: int, special: set[int]) -> list[int]:
    """The labels of the answers that are scored; with `cut` its first tokens, never an end of turn."""
    scored_labels: list[int] = []
    turns = iter(scored)
    for labeled, run in groupby(labels, lambda label: label != IGNORED):
        span = list(run)
        if labeled and not next(turns):
            span = [IGNORED] * len(span)
        elif labeled and cut:
            span = [token if n < cut and token not in special else IGNORED for n, token in enumerate(span)]
        scored_labels += span
    return scored_labels
