"""Connection: one client with its pools of sockets and the health of its endpoint, shared by a run's models.

Keeps secrets from leaving: whatever an endpoint echoes is blotted out here before anyone sees it. Knows
nothing of prompts or the ledger.
"""

import itertools
import ssl
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from oceanchat.errors import BuildStopped
from oceanchat.llm.endpoint.request_errors import Fault, RetryBudget
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Gate

POOL = 8
"""Sockets in one pool: a pool looks at all of its sockets for each request, so small pools save time."""


class ManyPools(httpx2.AsyncBaseTransport):
    """Takes turns among small pools of sockets."""

    def __init__(self, sockets: int) -> None:
        context = ssl.create_default_context()
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=2 * POOL)
        pools = [httpx2.AsyncHTTPTransport(verify=context, limits=limits) for _ in range(-(-sockets // POOL))]
        self._pools = pools
        self._turns = itertools.cycle(pools)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await next(self._turns).handle_async_request(request)

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.aclose()


@dataclass
class Connection:
    """One endpoint in one run."""

    settings: CallSettings
    gate: Gate
    retries: RetryBudget = field(default_factory=RetryBudget)
    answered: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        settings = self.settings
        seconds = settings.timeout_seconds
        timeout = httpx2.Timeout(seconds, connect=min(10.0, seconds), pool=None)
        transport = ManyPools(settings.concurrency)
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
        # The typed method would walk the whole request and build the whole answer, which nobody reads here.
        response = await self.client.post(
            path, cast_to=httpx2.Response, body=body, options={"headers": headers}
        )
        return self.blot(response.content)

    def blot(self, body: bytes) -> bytes:
        """`body` without any secret of ours that an endpoint echoed."""
        for secret in self._secrets:
            if secret in body:
                body = body.replace(secret, b"***")
        return body

    def blot_text(self, text: str) -> str:
        """`text` without any secret of ours."""
        return self.blot(text.encode("utf-8", "replace")).decode("utf-8", "replace")

    def stop(self, fault: Fault) -> BuildStopped:
        """Let nothing more be sent; the error that says so."""
        where = f"endpoint '{self.settings.endpoint}'"
        hint = {
            "quota": "the account is out of quota; add credit and run the same command again",
            "refused": "check the key in OPENAI_API_KEY and what it may use",
            "hopeless": "check --model and what it accepts; `oceanchat retry` asks the refused ones again",
            "unreachable": "it cannot be reached; check --base-url and that the server runs",
        }.get(fault.reason, "run the same command again later")
        why = BuildStopped(f"{where}: {self.blot_text(fault.message)}; {hint}; everything answered is kept")
        self.gate.stop(why)
        return self.gate.stopped or why

    async def close(self) -> None:
        """Close the sockets."""
        await self.client.close()
