"""Generate answers with a local model.

One batch of conversations under one persona, seeded. How answers are drawn is said by the sampling alone:
what a backbone's own generation settings say beside it (penalties, other temperatures) is left out. Where
conversations come from and where answers go is not known here.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from transformers import GenerationConfig, set_seed

from oceanchat.prompts import Message
from preact.dialogues.conversation import prompt_ids
from preact.persona import Persona
from preact.systems.portrayal import LocalModel
from preact.systems.system import Sampling

_NO_LIMIT = 10**9


class Generated(NamedTuple):
    """A generated answer."""

    text: str
    finish_reason: Literal["stop", "length"]
    """'stop' where the model ended it, 'length' where it reached the most tokens an answer may take."""


def reply(
    local: LocalModel, messages: Sequence[Message], persona: Persona | None, sampling: Sampling, seed: int = 0
) -> str:
    """The self-discloser's next answer in a conversation that ends with the questioner."""
    return replies(local, [messages], persona, sampling, seed)[0].text


def replies(
    local: LocalModel,
    conversations: Sequence[Sequence[Message]],
    persona: Persona | None,
    sampling: Sampling,
    seed: int = 0,
) -> list[Generated]:
    """The next answer in each conversation, one batch, all by the same persona.

    Each goes on from its latest turns that fit the recipe's context; a system text comes on top.
    """
    with local.portraying(persona) as portrayal:
        prompts = [
            _prompt(local.tokenizer, messages, portrayal.system, local.recipe.context)
            for messages in conversations
        ]
        return generate(local.model, local.tokenizer, prompts, sampling, seed, **portrayal.arguments)


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    seed: int,
    **arguments: Any,
) -> list[Generated]:
    """What follows each prompt of token ids, one batch; `arguments` go to the model's own generate."""
    answers = generate_ids(model, tokenizer, prompts, sampling, seed, **arguments)
    stops = stop_ids(model, tokenizer)
    return [_answer(tokenizer, row.tolist(), stops) for row in answers]


def generate_ids(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    seed: int,
    **arguments: Any,
) -> Tensor:
    """The same as token ids, (prompts, longest answer), filled up behind each answer's end."""
    width = max(map(len, prompts))
    # Padded on the left, so that every answer begins where its prompt ends.
    rows = [[tokenizer.pad_token_id] * (width - len(ids)) + [*ids] for ids in prompts]
    mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
    # transformers fills whatever a call leaves open from the model's own settings, so these go first.
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=stop_ids(model, tokenizer),
        pad_token_id=tokenizer.pad_token_id,
    )
    options: dict[str, Any] = {"max_new_tokens": sampling.max_tokens, "do_sample": sampling.temperature > 0}
    if sampling.temperature > 0:
        options |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    set_seed(seed)
    with torch.inference_mode():
        output: Tensor = model.generate(
            input_ids=torch.tensor(rows, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            **options,
            **arguments,
        )
    return output[:, width:]


def _answer(tokenizer: Any, ids: Sequence[int], stops: Sequence[int]) -> Generated:
    text = tokenizer.decode(ids, skip_special_tokens=True).strip()
    return Generated(text, "length" if set(stops).isdisjoint(ids) else "stop")


def stop_ids(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer: the model's own, of which there may be several, and the tokenizer's."""
    own = model.generation_config.eos_token_id
    ids = own if isinstance(own, list) else [own]
    return sorted({token for token in (*ids, tokenizer.eos_token_id) if token is not None})


def _prompt(tokenizer: Any, messages: Sequence[Message], system: str, context: int) -> list[int]:
    if not system:
        return prompt_ids(tokenizer, messages, context=context)
    question = messages[-1:]
    with_text, without = (
        len(prompt_ids(tokenizer, question, context=_NO_LIMIT, system=text)) for text in (system, "")
    )
    return prompt_ids(tokenizer, messages, context=context + with_text - without, system=system)
