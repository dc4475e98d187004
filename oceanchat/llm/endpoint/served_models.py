"""List the models an endpoint serves.

For messages to people: what goes wrong on the way is put in words, never raised.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2
import openai

from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle

LONGEST_WAIT = 10.0
"""Seconds for one look."""
MOST = 20
"""Models named at most."""


class Listing(NamedTuple):
    """What an endpoint says that it serves."""

    reached: bool
    names: tuple[str, ...]
    """Without secrets; empty where it does not say."""
    contexts: Mapping[str, int]
    """Model -> tokens of prompt and reply together, where the endpoint says so, as vLLM does."""


async def listing(settings: CallSettings) -> Listing:
    """The models that the endpoint lists."""
    wait = min(LONGEST_WAIT, settings.timeout_seconds)
    connection = Connection(settings.model_copy(update={"timeout_seconds": wait}), Throttle(1))
    try:
        models = await _models(connection, "/models")
        if models is None and connection.may_lack_version:
            models = await _models(connection, f"{settings.root_url}/v1/models")
    except openai.APIConnectionError:
        return Listing(False, (), {})
    finally:
        await connection.close()
    shown = [(connection.shown_error(str(model["id"])), model.get("max_model_len")) for model in models or ()]
    contexts = {name: length for name, length in shown if type(length) is int and length > 0}
    return Listing(True, tuple(name for name, _ in shown), contexts)


async def served_models(settings: CallSettings) -> str:
    """What the endpoint serves, in words: "it serves 'a', 'b'"."""
    reached, names, _ = await listing(settings)
    if not reached:
        return "it cannot be reached to list its models"
    if not names:
        return "it does not say what it serves"
    listed = ", ".join(f"'{name}'" for name in names[:MOST])
    return f"it serves {listed}{', ...' if len(names) > MOST else ''}"


async def _models(connection: Connection, path: str) -> list[dict[str, Any]] | None:
    """The models with an id in the list at `path`; None where there is none."""
    try:
        response = await connection.client.get(path, cast_to=httpx2.Response)
        listed: Any = json.loads(response.content)
    except openai.APIConnectionError:
        raise
    except (openai.OpenAIError, ValueError, RecursionError):
        return None
    models = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(models, list):
        return None
    return [model for model in models if isinstance(model, dict) and model.get("id")]
