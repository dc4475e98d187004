"""Look at endpoint, models and Hub.

Free: models are listed, never asked.
"""

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from oceanchat.doctor.findings import Finding, Named, lacking
from oceanchat.errors import OceanChatError
from oceanchat.llm.endpoint.served_models import MOST, listing
from oceanchat.llm.settings import CallSettings

if TYPE_CHECKING:
    from oceanchat.hub.tokens import TokenOwner

LONGEST_CALL = 7_500
"""Tokens of prompt and reply that the longest call of a build takes by default: a check of full dialogues."""


async def look_online(
    named: Named,
    settings: CallSettings,
    endpoint_named: bool,
    token_owner: Callable[[], "TokenOwner | None"],
) -> AsyncIterator[Finding]:
    """The endpoint, every model that was named, and what the Hub's token may do, which `token_owner` asks."""
    reached, served, contexts = await listing(settings)
    if not reached:
        text = f"'{settings.endpoint}' cannot be reached; check the address and that the server runs"
        yield lacking(endpoint_named or bool(named.models), "endpoint", text)
    else:
        listed = ", ".join(served[:MOST]) + (", ..." if len(served) > MOST else "")
        text = f"serves {listed}" if served else "does not say what it serves; check its key"
        yield Finding("endpoint", "ok" if served else "note", f"'{settings.endpoint}' {text}")
    for model in named.models:
        if model in served:
            yield _served(model, contexts.get(model))
        elif served:
            yield Finding(f"model {model}", "missing", "is not among the models of the endpoint")
        else:
            why = "lists no models" if reached else "was not reached"
            yield lacking(not reached, f"model {model}", f"cannot be looked for: the endpoint {why}")
    yield _hub(token_owner)


def _served(model: str, context: int | None) -> Finding:
    name = f"model {model}"
    if context is None:
        return Finding(name, "ok", "is served")
    text = f"is served, with a context of {context:,} tokens"
    if context >= LONGEST_CALL:
        return Finding(name, "ok", text)
    return Finding(
        name,
        "note",
        f"{text}; checking four full dialogues in one call takes up to {LONGEST_CALL:,}: start its server"
        " with a longer one (vLLM's --max-model-len), or build with a lower --dialogues-per-check",
    )


def _hub(token_owner: Callable[[], "TokenOwner | None"]) -> Finding:
    try:
        owner = token_owner()
    except OceanChatError as error:
        return Finding("Hub token", "note", str(error))
    if owner is None:
        return Finding("Hub token", "note", "the Hub cannot be reached, or does not say whose it is")
    rights = {"write": "may write", "read": "may only read"}
    text = f"of {owner.user}; it {rights.get(owner.role, 'has rights of its own')}"
    return Finding("Hub token", "ok" if owner.role == "write" else "note", text)
