"""Prepare requests until they can wait.

What a request asks for becomes token ids, expert weights and sampling, and what cannot be done is refused
before it waits. It knows runs and bodies; it knows nothing of queues or HTTP.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from oceanchat.errors import ConfigError, TrainingError
from oceanchat.prompts import Message
from preact.dialogues.conversation import prompt_ids, render
from preact.serving.batch import BatchRow
from preact.serving.chat_calls import ChatCall, Refused, read_call
from preact.serving.replies import Answer, Envelope
from preact.serving.roster import Portrait, Roster
from preact.serving.text_calls import TextCall, read_text_call
from preact.systems.local import seed_of
from preact.systems.system import Conversation, Sampling
from preact.systems.trained import TrainedModel

_UNBOUNDED = 10**9


@dataclass(frozen=True)
class Limits:
    """What one request, and all together, may take."""

    batch: int = 16
    """Conversations a batch."""
    queue: int = 256
    """Requests that may wait."""
    tokens: int = 1024
    """Tokens an answer."""
    seconds: float = 600.0
    """Seconds a request, waiting included."""
    body: int = 4 * 2**20
    """Bytes a request."""


class PreparedCall(NamedTuple):
    """A request that can be answered."""

    portrait: Portrait
    row: BatchRow
    envelope: Envelope
    stops: tuple[str, ...]
    whole: Callable[[Answer], dict[str, Any]]
    """Writes the answer as the API's body."""
    stream: bool = False
    usage: bool = False
    """Whether a stream ends with its usage."""


def prepare_chat(roster: Roster, limits: Limits, body: bytes) -> PreparedCall:
    """Read a chat request as far as it can be refused. Raises Refused."""
    call = read_call(body)
    portrait = portrait_of(roster, call.model)
    sampling = _bounded(call.sampling(), limits)
    system, turns = call.conversation()
    run = roster.runs[portrait.lane[0]]
    text = "\n\n".join(filter(None, [portrait.system, system]))
    try:
        ids = _chat_ids(run, call, turns, text)
    except TrainingError as error:
        raise Refused(400, "invalid_request_error", str(error), "messages") from None
    _check_room(run, ids, sampling, "messages")
    # The seed of `preact chat --seed` at the same turn, so that both say the same.
    number = secrets.randbits(31) if call.seed is None else call.seed + len(turns)
    seed = seed_of(Conversation(portrait.persona, turns, number))
    top = (call.top_logprobs or 0) if call.logprobs else None
    row = BatchRow(ids, portrait.weights, sampling, seed, top, call.prompt_logprobs)
    envelope = Envelope(call.model, run.tokenizer, len(ids), bool(call.logprobs))
    usage = bool(call.stream_options and call.stream_options.include_usage)
    return PreparedCall(portrait, row, envelope, tuple(call.stop), envelope.whole, bool(call.stream), usage)


def prepare_text(roster: Roster, limits: Limits, body: bytes) -> PreparedCall:
    """Read a text completion request as far as it can be refused. Raises Refused."""
    call = read_text_call(body)
    portrait = portrait_of(roster, call.model)
    sampling = _bounded(call.sampling(), limits)
    if portrait.system:
        raise Refused(
            400,
            "invalid_request_error",
            f"model '{call.model[:100]}' portrays by a system text; ask /v1/chat/completions",
            "model",
        )
    run = roster.runs[portrait.lane[0]]
    ids = _text_ids(run, call)
    _check_room(run, ids, sampling, "prompt")
    seed = secrets.randbits(31) if call.seed is None else call.seed
    row = BatchRow(ids, portrait.weights, sampling, seed % 2**63, call.logprobs, call.wanted)
    envelope = Envelope(
        call.model, run.tokenizer, len(ids), call.logprobs is not None, f"cmpl-{secrets.token_hex(12)}"
    )
    whole = partial(envelope.text, prompt=ids, echo=bool(call.echo), top=call.logprobs)
    return PreparedCall(portrait, row, envelope, tuple(call.stop), whole)


def portrait_of(roster: Roster, name: str) -> Portrait:
    """What a model name comes to. Raises Refused for unknown ones."""
    try:
        return roster.portrait(name)
    except ConfigError as error:
        raise Refused(
            404, "model_not_found", f"{error}; /v1/models lists the trait-levels", "model"
        ) from None


def _chat_ids(run: TrainedModel, call: ChatCall, turns: tuple[Message, ...], system: str) -> list[int]:
    if call.add_generation_prompt is not False:
        return prompt_ids(run.tokenizer, turns, context=_UNBOUNDED, system=system)
    text = render(run.tokenizer, turns, system=system)
    ids: list[int] = run.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _text_ids(run: TrainedModel, call: TextCall) -> list[int]:
    """The prompt's ids, which a text begins with the tokenizer's own first token."""
    first = call.prompt[0]
    if isinstance(first, str):
        ids: list[int] = run.tokenizer(first)["input_ids"]
        return ids
    prompt = first if isinstance(first, list) else [t for t in call.prompt if isinstance(t, int)]
    size = run.model.config.get_text_config().vocab_size
    wrong = next((token for token in prompt if not 0 <= token < size), None)
    if wrong is not None:
        raise Refused(
            400, "invalid_request_error", f"token {wrong} is none of the backbone's {size}", "prompt"
        )
    return prompt


def _bounded(sampling: Sampling, limits: Limits) -> Sampling:
    if sampling.max_tokens > limits.tokens:
        raise Refused(
            400,
            "invalid_request_error",
            f"{sampling.max_tokens} tokens are asked for; an answer has at most {limits.tokens}",
            "max_tokens",
        )
    return sampling


def _check_room(run: TrainedModel, ids: list[int], sampling: Sampling, param: str) -> None:
    room = getattr(run.model.config, "max_position_embeddings", None) or _UNBOUNDED
    if not ids or len(ids) + sampling.max_tokens > room:
        raise Refused(
            400,
            "context_length_exceeded",
            f"the prompt has {len(ids)} tokens and {sampling.max_tokens} are asked for; the backbone"
            f" takes 1 to {room} together: change the {param} or lower max_tokens",
            param,
        )
