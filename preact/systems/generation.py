"""Generate answers with a causal language model.

One conversation or many, seeded; every system on this machine answers through `generate`. It knows prompts
and sampling; where conversations come from and where answers go is not known here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import set_seed

from oceanchat.prompts import Message
from preact.dialogues.conversation import prompt_ids
from preact.persona import Persona
from preact.systems.trained import TrainedModel


class Sampling(NamedTuple):
    """How answers are sampled."""

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
    with trained.portraying(persona) as portrayal:
        # The persona's text comes on top of the turns, which training cut without it.
        system_length = len(tokenizer(portrayal.system)["input_ids"]) if portrayal.system else 0
        return generate(
            trained.model,
            tokenizer,
            conversations,
            sampling,
            context=trained.record.config.recipe.context + system_length,
            system=portrayal.system,
            arguments=portrayal.arguments,
        )


def generate(
    model: Any,
    tokenizer: Any,
    conversations: Sequence[Sequence[Message]],
    sampling: Sampling,
    *,
    context: int,
    system: str = "",
    arguments: Mapping[str, Tensor] | None = None,
) -> list[str]:
    """The next answer in each conversation, one batch.

    Prompts, the `system` text included, have at most `context` tokens; `arguments` go to the model's own
    generate.
    """
    prompts = [prompt_ids(tokenizer, turns, context=context, system=system) for turns in conversations]
    width = max(map(len, prompts))
    # Padded on the left, so that every answer begins where its prompt ends.
    rows = [[tokenizer.pad_token_id] * (width - len(ids)) + ids for ids in prompts]
    mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
    options: dict[str, Any] = {"max_new_tokens": sampling.max_tokens, "do_sample": sampling.temperature > 0}
    if sampling.temperature > 0:
        options |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    set_seed(sampling.seed)
    with torch.inference_mode():
        output = model.generate(
            input_ids=torch.tensor(rows, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            pad_token_id=tokenizer.pad_token_id,
            **options,
            **(arguments or {}),
        )
    return [tokenizer.decode(row[width:], skip_special_tokens=True).strip() for row in output]
