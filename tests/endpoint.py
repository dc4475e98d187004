"""The rehearsal endpoint as a separate process on a real socket, and how tests ask it."""

import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatAnswer, ChatRequest, Message
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.models import ModelSession, open_session
from tests.forks import Fork

MODEL = "served"
FAST_BATCHES: dict[str, Any] = {"batch": True, "batch_poll_seconds": 0.05, "batch_gather_seconds": 0.1}
"""Settings of a session whose batches are sent and polled without delay."""
COUNTED_BATCHES: dict[str, Any] = {"batch": True, "batch_poll_seconds": 0.05}
"""The same where batches are counted: what a busy machine brings late still goes with the others."""
SERVE = "from oceanchat.cli.serve import serve_scripted; serve_scripted()"


class Endpoint:
    """A running `oceanchat serve-scripted`."""

    def __init__(self, **switches: Any) -> None:
        switches = {"reply": "Label: neutral", "port": 0} | switches
        switches = {name: value for name, value in switches.items() if value is not None}
        flags = [f"--{name.replace('_', '-')}" for name in switches]
        pairs = zip(flags, switches.values(), strict=True)
        options = [
            part for flag, value in pairs for part in ([flag] if value is True else [flag, str(value)])
        ]
        self.process = Fork([sys.executable, "-c", SERVE, *options], stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        address = re.search(r"http://\S+/v1", line)
        assert address, line + self.process.stderr.read()
        self.url = address.group()

    def counters(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/counters") as response:
            counters: dict[str, Any] = json.load(response)
        return counters

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()

    def settings(self, **given: Any) -> CallSettings:
        return CallSettings(base_url=self.url, **given)


def question(text: str, sample: int = 0, trait_level: str = "O+", task: str = "label") -> ChatRequest:
    return ChatRequest((Message("user", text),), task, 100, 0.0, sample=sample, trait_level=trait_level)


def questions(count: int) -> list[ChatRequest]:
    return [question(f"question {number}") for number in range(count)]


async def ask_all(
    session: ModelSession, requests: Iterable[ChatRequest], model: str = MODEL
) -> list[ChatAnswer | CallFailed]:
    """Each answer, or the failure in its place."""
    ledger = session.model(model)

    async def answer(request: ChatRequest) -> ChatAnswer | CallFailed:
        try:
            return await ledger.ask(request)
        except CallFailed as failure:
            return failure

    return list(await asyncio.gather(*map(answer, requests)))


async def ask(settings: CallSettings, engine: Engine, requests: Iterable[ChatRequest]) -> Any:
    """One run: answers and the session."""
    async with open_session(settings, engine, OpenAIEndpoint) as session:
        answers = await ask_all(session, requests)
    return answers, session


def prices_file(folder: Path, price_in: float = 1.0, price_out: float = 2.0) -> Path:
    path = folder / "prices.toml"
    path.write_text(
        f'unit = "USD per million tokens"\ndate = "2026-01-01"\nsource = "a test"\nbatch_share = 0.5\n'
        f'[[price]]\nmodels = ["{MODEL}"]\ninput = {price_in}\noutput = {price_out}\n'
    )
    return path
