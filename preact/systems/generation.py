"""Answers by a trained run: one conversation or many, for any persona, seeded.

It knows prompts and sampling; where the conversations come from and where the answers go, it does not.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import set_seed

from oceanchat.prompts import Message
from preact.dialogues.conversation import prompt_ids
from preact.persona import Persona
from preact.systems.trained import TrainedModel


class Sampling(NamedTuple):
    """How answers are drawn."""

    temperature: float = 0.7
    """0 takes the likeliest token each time."""
    top_p: float = 0.9
    max_tokens: int = 256
    """The paper's output length (section 5.3)."""
    seed: int = 0


def reply(trained: TrainedModel, messages: Sequence[Message], persona: Persona, sampling: Sampling) -> str:
    """The self-discloser's next answer in a conversation that ends with the questioner."""
    return replies(trained, [messages], persona, sampling)[0]


def replies(
    trained: TrainedModel, conversations: Sequence[Sequence[Message]], persona: Persona, sampling: Sampling
) -> list[str]:
    """The next answer in each conversation, one batch, all by the same persona."""
    tokenizer = trained.tokenizer
    context = trained.record.config.recipe.context
    with trained.portraying(persona) as portrayal:
        room = context + (len(tokenizer(portrayal.system)["input_ids"]) if portrayal.system else 0)
        prompts = [prompt_ids(tokenizer, m, context=room, system=portrayal.system) for m in conversations]
        width = max(len(ids) for ids in prompts)
        # Padded on the left, so that every answer begins where its prompt ends.
        rows = [[tokenizer.pad_token_id] * (width - len(ids)) + ids for ids in prompts]
        mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
        device = trained.model.device
        set_seed(sampling.seed)
        with torch.inference_mode():
            out = trained.model.generate(
                input_ids=torch.tensor(rows, device=device),
                attention_mask=torch.tensor(mask, device=device),
                pad_token_id=tokenizer.pad_token_id,
                **_drawn(sampling),
                **portrayal.arguments,
            )
    return [tokenizer.decode(row[width:], skip_special_tokens=True).strip() for row in out]


def _drawn(sampling: Sampling) -> dict[str, Any]:
    options: dict[str, Any] = {"max_new_tokens": sampling.max_tokens, "do_sample": sampling.temperature > 0}
    if sampling.temperature > 0:
        options.update(temperature=sampling.temperature, top_p=sampling.top_p, top_k=0)
    return options
