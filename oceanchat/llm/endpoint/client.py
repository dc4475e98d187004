"""One connection to an endpoint, with its health.

Shared by a session's models. Keeps secrets from leaking: whatever an endpoint echoes is redacted here, before
any other code reads it. Knows nothing of prompts or the ledger.
"""

import itertools
import ssl
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from oceanchat.errors import BuildStopped
from oceanchat.llm.endpoint.request_errors import RequestError, RetryBudget
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle

POOL_SIZE = 8
"""Sockets in one pool: a pool checks all of its sockets for each request, so small pools save time."""


class RoundRobinTransport(httpx2.AsyncBaseTransport):
    """Spreads requests over small pools of sockets, in turn."""

    def __init__(self, sockets: int) -> None:
        context = ssl.create_default_context()
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=2 * POOL_SIZE)
        pools = [
            httpx2.AsyncHTTPTransport(verify=context, limits=limits) for _ in range(-(-sockets // POOL_SIZE))
        ]
        self._pools = pools
        self._turns = itertools.cycle(pools)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await next(self._turns).handle_async_request(request)

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.aclose()


@dataclass
class Connection:
    """One endpoint in one session."""

    settings: CallSettings
    throttle: Throttle
    retries: RetryBudget = field(default_factory=RetryBudget)
    answered: int = 0
    """Requests answered so far, by all models."""
    refused: int = 0
    """Requests refused permanently before any was answered."""

    def __post_init__(self) -> None:
        settings = self.settings
        seconds = settings.timeout_seconds
        timeout = httpx2.Timeout(seconds, connect=min(10.0, seconds), pool=None)
        transport = RoundRobinTransport(settings.concurrency)
        self.client = openai.AsyncOpenAI(
            api_key=settings.api_key.get_secret_value() if settings.api_key else "none",
            base_url=settings.base_url,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(timeout=timeout, transport=transport),
            timeout=timeout,
        )
        self._secrets = tuple(secret.encode() for secret in settings.secrets())

    async def post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> bytes:
        """The raw body of the response to one JSON request. Raises openai.OpenAIError."""
        # The typed method would walk the whole request and build the whole answer, which nothing here reads.
        response = await self.client.post(
            path, cast_to=httpx2.Response, body=body, options={"headers": headers}
        )
        return self.redact(response.content)

    def redact(self, body: bytes) -> bytes:
        """`body` with every secret of ours that the endpoint echoed replaced by ***."""
        for secret in self._secrets:
            if secret in body:
                body = body.replace(secret, b"***")
        return body

    def redact_text(self, text: str) -> str:
        """`text` with every secret of ours replaced by ***."""
        return self.redact(text.encode("utf-8", "replace")).decode("utf-8", "replace")

    def stop(self, error: RequestError) -> BuildStopped:
        """Let nothing more be sent because of `error`; returns what to raise."""
        where = f"endpoint '{self.settings.endpoint}'"
        hint = {
            "quota": "the account is out of quota; add credit and run the same command again",
            "refused": "check the key in OPENAI_API_KEY and what it may use",
            "all-refused": "check --model and what it accepts; `oceanchat retry` asks the refused ones again",
            "unreachable": "it cannot be reached; check --base-url and that the server runs",
        }.get(error.reason, "run the same command again later")
        why = BuildStopped(f"{where}: {self.redact_text(error.message)}; {hint}; everything answered is kept")
        self.throttle.stop(why)
        return self.throttle.stopped or why

    async def close(self) -> None:
        """Close the sockets."""
        await self.client.close()
