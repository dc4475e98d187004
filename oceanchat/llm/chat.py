"""Chat requests, answers and the model protocol.

This is all that stages know of language models. A ChatModel is bound to one model name at one endpoint. The
scripted model and the ledger, which wraps it or a model behind an endpoint, both implement it.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

from oceanchat.prompts import Message as Message


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked; everything but `task` and `trait_level` decides the answer and enters the ledger key."""

    messages: tuple[Message, ...]
    task: str
    """The prompt template's task, such as 'label' (for the cost report; the messages name it too)."""
    max_tokens: int
    """The completion limit in tokens; every request carries one, so that its worst price is known."""
    temperature: float
    top_p: float = 1.0
    sample: int = 0
    """Ask the same thing again under another sample number to get a new answer."""
    trait_level: str = ""
    """Code of the trait-level the money is spent on, such as 'O+' (for the cost report)."""
    extra_body: str = ""
    """Further parameters of the endpoint's own, as JSON; the ledger fills it in."""


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What came back."""

    text: str
    finish_reason: str = "stop"
    """'stop', 'length', 'content_filter', or 'error' for an answer that a failure broke off."""
    refusal: str | None = None
    """The model's own refusal where the endpoint marks one."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    """All output, reasoning included."""
    cached_tokens: int | None = None
    """The part of the prompt that came from the provider's cache."""
    replayed: bool = False
    """Whether the answer was read from the ledger rather than asked for now."""


class ChatModel(Protocol):
    """One model at one endpoint."""

    @property
    def endpoint(self) -> str:
        """Where the model lives, without credentials; 'scripted' for the embedded one."""

    @property
    def name(self) -> str:
        """The model's name as the endpoint knows it."""

    async def ask(self, request: ChatRequest) -> ChatAnswer:
        """Answer `request`. Raises CallFailed (this row fails) or BuildStopped (all must stop)."""


class RecordingModel(ChatModel, Protocol):
    """A ChatModel that records answers and what became of them, as the ledger does: what the stages ask."""

    async def stored_answer(self, request: ChatRequest) -> ChatAnswer | None:
        """The answer on record for `request`, if there is one; nothing is asked and nothing counted."""

    async def failure_to_repeat(self, request: ChatRequest) -> str | None:
        """Why `request` failed for good, where what failed is asked again; else None."""

    def store_share(self, request: ChatRequest, text: str) -> None:
        """Store, at no cost, `request`'s share of one answer to several requests, for `stored_answer`."""

    def record_outcome(self, request: ChatRequest, outcome: str | None) -> None:
        """Record what became of an answer: 'retried' (asked again), 'rejected' (of no use), None (kept)."""


def request_key(server: str, name: str, request: ChatRequest) -> str:
    """The 64 hex digits under which an answer is stored: a hash of everything that decides it.

    `server` is 'scripted' or the name the user gave a server, never its address: an answer is known by model
    and request wherever the model runs.
    """
    fields = {
        "endpoint": server,
        "model": name,
        "messages": [[m.role, m.content] for m in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "sample": request.sample,
    }
    if request.extra_body:
        fields["extra_body"] = request.extra_body
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def as_json(request: ChatRequest) -> str:
    """A request as it is stored beside its failure."""
    fields = {name: getattr(request, name) for name in _SCALARS}
    return json.dumps({"messages": request.messages, **fields})


def from_json(text: str) -> ChatRequest:
    """The request that `as_json` wrote."""
    fields = json.loads(text)
    messages = tuple(Message(role, content) for role, content in fields.pop("messages"))
    return ChatRequest(messages=messages, **fields)


_SCALARS = ("task", "max_tokens", "temperature", "top_p", "sample", "trait_level", "extra_body")
