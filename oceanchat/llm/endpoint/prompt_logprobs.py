"""Read how likely a served model finds texts.

The prompt's own log-probabilities, as vLLM's server gives them for chat requests (`prompt_logprobs`), or text
completions for a prompt that is sent back (`echo` with `logprobs`). Nothing is stored: what is asked is what
a server is now. Knows nothing of personas.
"""

import asyncio
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx2
import openai

from oceanchat.errors import EvaluationError
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.request_errors import RequestError
from oceanchat.llm.endpoint.retrying import retry_until
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle
from oceanchat.prompts import Message


class ServedModel(NamedTuple):
    """An entry of the list of models."""

    id: str
    parent: str
    """The model that it adapts, where the server says so; else empty."""
    owner: str


class ScoredToken(NamedTuple):
    """A token of a prompt."""

    text: str
    logprob: float | None
    """Nats; None for the first, which nothing precedes."""
    id: int | None
    """None where the server does not say it."""


class NoPromptLogprobs(EvaluationError):
    """A server answers, and without the prompt's log-probabilities."""


class PromptReader:
    """One endpoint, asked what it makes of prompts."""

    def __init__(self, settings: CallSettings) -> None:
        self._settings = settings
        self._connection = Connection(settings, Throttle(settings.concurrency))
        self._slots = asyncio.Semaphore(settings.concurrency)

    async def models(self) -> list[ServedModel]:
        """What the endpoint lists. Raises EvaluationError where it cannot be reached or lists nothing."""
        client = self._connection.client
        try:
            response = await client.get("/models", cast_to=httpx2.Response)
            listed: Any = json.loads(response.content)
        except openai.APIConnectionError:
            raise self._error("it cannot be reached; check the address and that the server runs") from None
        except openai.OpenAIError as error:
            words = self._connection.shown_error(str(error))
            raise self._error(
                f"it lists no models ({words}); check the address, which mostly ends in /v1, and the key"
            ) from None
        except (ValueError, RecursionError):
            listed = None
        entries = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(entries, list):
            raise self._error("it does not list its models; check the address, which mostly ends in /v1")
        return [
            ServedModel(str(e["id"]), str(e.get("parent") or ""), str(e.get("owned_by") or ""))
            for e in entries
            if isinstance(e, dict) and e.get("id")
        ]

    async def of_messages(self, model: str, messages: Sequence[Message]) -> list[ScoredToken]:
        """A finished conversation under the server's own chat template, token by token.

        Raises NoPromptLogprobs where the server gives none, EvaluationError where it does not answer, and
        RequestError where it refuses these messages.
        """
        body = {
            "model": model,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": 1,
            "add_generation_prompt": False,
        }
        answer = await self._ask("/chat/completions", body)
        tokens = read_prompt(answer)
        if tokens is None:
            raise NoPromptLogprobs(
                f"endpoint '{self._settings.endpoint}' gives no prompt log-probabilities for model '{model}';"
                " `preact serve` and vLLM give them (prompt_logprobs): serve the model there to check it"
            )
        return tokens

    async def of_ids(self, model: str, ids: Sequence[int]) -> list[ScoredToken]:
        """A prompt of token ids, by a text completion that echoes it. Raises as `of_messages` does."""
        body = {"model": model, "prompt": [*ids], "max_tokens": 1, "temperature": 0}
        tokens = read_echo(await self._ask("/completions", {**body, "echo": True, "logprobs": 1}))
        if tokens is None or len(tokens) < len(ids):
            raise NoPromptLogprobs(
                f"endpoint '{self._settings.endpoint}' gives no prompt log-probabilities for model '{model}',"
                " neither for messages (prompt_logprobs) nor for an echoed prompt (echo with logprobs)"
            )
        pairs = zip(tokens, ids, strict=False)
        return [token._replace(id=number) for token, number in pairs]

    async def close(self) -> None:
        """Close the sockets."""
        await self._connection.close()

    async def _ask(self, path: str, body: dict[str, Any]) -> Mapping[str, Any]:
        async def send(attempt: int) -> bytes:
            return await self._connection.ask(path, body, {}, versioned=False)

        def gives_up(error: RequestError, attempt: int) -> bool:
            return attempt >= self._settings.max_tries

        async with self._slots:
            try:
                reply = await retry_until(send, gives_up, asyncio.sleep)
            except RequestError as error:
                if error.words.status is not None and 400 <= error.words.status < 500:
                    raise
                raise self._error(f"{self._connection.shown_error(error.message)}; ask later") from None
        answer: Any = json.loads(reply)
        return answer if isinstance(answer, dict) else {}

    def _error(self, what: str) -> EvaluationError:
        return EvaluationError(f"endpoint '{self._settings.endpoint}': {what}")


def read_prompt(answer: Mapping[str, Any]) -> list[ScoredToken] | None:
    """The tokens of `prompt_logprobs`: an object by token id for each, the prompt's own token first.

    None where an answer holds none that can be read.
    """
    entries = answer.get("prompt_logprobs")
    if not isinstance(entries, list) or len(entries) < 2:
        return None
    tokens = []
    for number, entry in enumerate(entries):
        if entry is None and number == 0:
            tokens.append(ScoredToken("", None, None))
            continue
        if not isinstance(entry, dict) or not entry:
            return None
        token, about = next(iter(entry.items()))
        about = about if isinstance(about, dict) else {}
        logprob: Any = about.get("logprob")
        if not _is_logprob(logprob) or not re.fullmatch("[0-9]{1,9}", token):
            return None
        tokens.append(ScoredToken(str(about.get("decoded_token") or ""), float(logprob), int(token)))
    return tokens


def read_echo(answer: Mapping[str, Any]) -> list[ScoredToken] | None:
    """The tokens of an echoed text completion; None where it holds no log-probabilities of the prompt."""
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    logprobs = choice.get("logprobs")
    lists = logprobs if isinstance(logprobs, dict) else {}
    texts, values = (lists.get(name) for name in ("tokens", "token_logprobs"))
    if not isinstance(texts, list) or not isinstance(values, list) or len(texts) != len(values):
        return None
    known = [(value is None and number == 0) or _is_logprob(value) for number, value in enumerate(values)]
    if len(values) < 3 or values[0] is not None or not all(known):
        return None
    return [ScoredToken(str(text), value, None) for text, value in zip(texts, values, strict=True)]


def _is_logprob(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
