"""What goes wrong while others are served: slow bodies, models that hang or fail, clients that leave."""

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from preact.serving import app
from preact.serving.preparing import Limits
from preact.serving.roster import Roster, open_roster
from tests.preact.serving.inside import Disturbance, Inside, inside
from tests.processes import PATIENCE, wait_until

TALK: list[Any] = [{"role": "user", "content": "What are you like?"}]
SHORT = 0.3
"""Seconds that a request may take where it is to be too late."""


@pytest.fixture(scope="module")
def roster(runs: dict[str, Path]) -> Roster:
    return open_roster([runs["preact"], runs["lora"]], threads=1)


@pytest.fixture
def disturbance(roster: Roster) -> Iterator[Disturbance]:
    disturbing = Disturbance(roster.runs["preact"].model)
    yield disturbing
    disturbing.remove()


def ask(server: Inside, model: str = "preact:o-high", **options: Any) -> Any:
    options = {"max_tokens": 4, "seed": 1, **options}
    return server.client().chat.completions.create(model=model, messages=TALK, **options)


def health(server: Inside) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{server.root}/health") as response:
            return response.status, json.load(response)["status"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["status"]


def test_a_body_that_comes_too_slowly_is_told_so(roster: Roster) -> None:
    with inside(roster, Limits(seconds=SHORT)) as server, socket.create_connection(server.address) as slow:
        slow.settimeout(PATIENCE)
        slow.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
        reply = b""
        while not reply.endswith(b"}}"):
            part = slow.recv(65536)
            assert part, reply
            reply += part
        assert reply.startswith(b"HTTP/1.1 408 ") and b"did not arrive in time" in reply
        assert health(server) == (200, "ok")


def test_a_model_that_hangs_is_a_timeout_and_a_server_that_says_it_is_stuck(
    roster: Roster, disturbance: Disturbance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "LATE", 0.1)
    disturbance.hang_from = 1
    with inside(roster, Limits(seconds=SHORT)) as server:
        with pytest.raises(openai.APIStatusError, match="took too long") as late:
            ask(server)
        assert (late.value.status_code, late.value.code) == (504, "timeout")
        with pytest.raises(openai.APIError, match="took too long"):
            list(ask(server, stream=True))
        assert health(server) == (503, "stuck")
        assert len(server.client().models.list().data) == 20
        server.endpoint._limits = replace(server.endpoint._limits, seconds=PATIENCE)
        disturbance.release.set()
        wait_until(lambda: health(server) == (200, "ok"))
        assert ask(server).choices[0].finish_reason in ("stop", "length")


def test_a_batch_that_fails_fails_alone(
    roster: Roster, disturbance: Disturbance, caplog: pytest.LogCaptureFixture
) -> None:
    with inside(roster, Limits()) as server:
        disturbance.failure = RuntimeError("out of memory\nand a long explanation")
        with pytest.raises(openai.APIStatusError, match="broke off") as broken:
            ask(server)
        assert (broken.value.status_code, broken.value.code) == (503, "server_error")
        assert ask(server, "lora:o-high").choices and ask(server).choices
        assert server.endpoint.counts.failures == 1
    assert "a batch failed: RuntimeError: out of memory" in caplog.messages


def test_a_stream_whose_batch_fails_ends_in_an_error(roster: Roster, disturbance: Disturbance) -> None:
    with inside(roster, Limits()) as server:
        disturbance.failure = RuntimeError("out of memory")
        with pytest.raises(openai.APIError, match="broke off"):
            list(ask(server, stream=True))
        assert ask(server).choices


def test_a_client_that_leaves_in_mid_stream_is_not_answered_on(
    roster: Roster, disturbance: Disturbance
) -> None:
    with inside(roster, Limits()) as server:
        disturbance.hang_from = 2
        stream = ask(server, stream=True, max_tokens=300, temperature=2)
        next(iter(stream))
        wait_until(lambda: disturbance.passes == 2)
        stream.close()
        wait_until(lambda: server.endpoint.counts.cancelled == 1)
        disturbance.release.set()
        wait_until(lambda: server.endpoint.counts.answering == 0)
        assert server.endpoint.counts.tokens <= 2
        assert ask(server).choices


def test_a_megabyte_of_prompt_keeps_no_other_waiting(roster: Roster) -> None:
    errors: list[openai.APIStatusError] = []

    def send(server: Inside) -> None:
        text = "Tell me more about it, please. " * 34_000
        try:
            ask_with = [{"role": "user", "content": text}]
            server.client().chat.completions.create(
                model="preact:o-high",
                messages=ask_with,
                max_tokens=4,  # type: ignore[arg-type]
            )
        except openai.APIStatusError as error:
            errors.append(error)

    with inside(roster, Limits()) as server:
        sending = threading.Thread(target=send, args=(server,))
        sending.start()
        assert all(ask(server).choices for _ in range(3))
        sending.join(PATIENCE)
    assert errors[0].code == "context_length_exceeded" and "tokens" in errors[0].message
