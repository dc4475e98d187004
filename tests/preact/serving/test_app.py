"""The endpoint as clients meet it: the real openai client, a real socket, micro runs of three methods."""

import contextlib
import json
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from click.testing import CliRunner

from preact.cli.main import preact
from preact.serving.server import raise_file_limit
from tests.preact.serving.served import Served, run_paths, served
from tests.processes import PATIENCE, wait_until

TALK: list[Any] = [{"role": "user", "content": "What are you like?"}]
PERSONAS = {"preact:o-high": "O+", "preact:n-low": "N-", "preact:e-high*0.7,a-low*0.3": "E+=0.7 A-=0.3"}


@pytest.fixture(scope="module")
def server(runs: dict[str, Path]) -> Iterator[Served]:
    with served(*run_paths(runs, "preact", "lora", "lora-sep"), "--queue", "40") as running:
        yield running


def chatted(run: Path, persona: str, seed: int, tokens: int) -> str:
    """What `preact chat` says at the first question."""
    options = ["--persona", persona, "--seed", seed, "--max-tokens", tokens, "--threads", 1]
    words = ["chat", str(run), *(str(option) for option in options)]
    done = CliRunner().invoke(preact, words, input=f"{TALK[0]['content']}\n\n", catch_exceptions=False)
    return done.stdout.removesuffix("\n")


def streamed(server: Served, model: str, seed: int, tokens: int) -> str:
    chunks = server.client().chat.completions.create(
        model=model, messages=TALK, seed=seed, max_tokens=tokens, stream=True
    )
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def metrics(server: Served) -> dict[str, float]:
    with urllib.request.urlopen(f"{server.root}/metrics") as response:
        lines = response.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def test_three_trait_levels_stream_at_once_what_chat_says(server: Served, runs: dict[str, Path]) -> None:
    with ThreadPoolExecutor(3) as pool:
        answers = pool.map(lambda model: streamed(server, model, 5, 40), PERSONAS)
        assert dict(zip(PERSONAS, answers, strict=True)) == {
            model: chatted(runs["preact"], persona, 5, 40) for model, persona in PERSONAS.items()
        }


@pytest.mark.parametrize("method", ["lora", "lora-sep"])
def test_methods_without_experts_say_what_chat_says(
    server: Served, runs: dict[str, Path], method: str
) -> None:
    answer = server.client().chat.completions.create(
        model=f"{method}:c-high", messages=TALK, seed=2, max_completion_tokens=20
    )
    assert answer.choices[0].message.content == chatted(runs[method], "C+", 2, 20)
    assert answer.usage is not None and answer.usage.completion_tokens <= 20
    weak = server.client().chat.completions.create(
        model=f"{method}:c-high@0.5", messages=TALK, temperature=0, max_tokens=1, logprobs=True
    )
    full = server.client().chat.completions.create(
        model=f"{method}:c-high", messages=TALK, temperature=0, max_tokens=1, logprobs=True
    )
    assert weak.choices[0].logprobs and full.choices[0].logprobs
    assert weak.choices[0].logprobs.content != full.choices[0].logprobs.content


def test_log_probabilities_and_usage_come_in_streams_too(server: Served) -> None:
    asked: Any = {"model": "preact:o-high", "messages": TALK, "seed": 1, "max_tokens": 6, "logprobs": True}
    whole = server.client().chat.completions.create(**asked, top_logprobs=3)
    chunks = list(
        server.client().chat.completions.create(
            **asked, top_logprobs=3, stream=True, stream_options={"include_usage": True}
        )
    )
    assert whole.choices[0].logprobs is not None and whole.choices[0].logprobs.content
    tokens = [
        token
        for chunk in chunks
        for choice in chunk.choices
        if choice.logprobs
        for token in choice.logprobs.content or ()
    ]
    assert tokens == whole.choices[0].logprobs.content
    assert all(len(token.top_logprobs) == 3 and token.logprob <= 0 for token in tokens)
    assert chunks[-1].usage == whole.usage
    assert whole.usage is not None and whole.usage.completion_tokens == len(tokens)


def test_models_say_that_they_are_machines(server: Served) -> None:
    models = list(server.client().models.list())
    assert len(models) == 30
    assert all("machine that simulates" in model.description for model in models)  # type: ignore[attr-defined]
    mixture = server.client().models.retrieve("preact:o-high*0.5,n-low*0.5@0.5")
    assert "high Openness and low Neuroticism" in mixture.description  # type: ignore[attr-defined]
    assert "a machine that simulates traits, no person" in server.line


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"model": "gpt-4"}, 404, "model_not_found", "gpt-4"),
        ({"model": "nobody:o-high"}, 404, "model_not_found", "preact, lora"),
        ({"model": "lora-sep:o-high,n-low"}, 404, "model_not_found", "mixture"),
        ({"messages": []}, 400, "invalid_request_error", "messages"),
        ({"messages": [{"role": "assistant", "content": "Hm."}]}, 400, "invalid_request_error", "last"),
        ({"temperature": 3}, 400, "invalid_request_error", "temperature"),
        ({"max_tokens": 100_000}, 400, "invalid_request_error", "1024"),
        ({"n": 2}, 400, "unsupported_parameter", "'n'"),
        (
            {"messages": [{"role": "user", "content": "word " * 200_000}]},
            400,
            "context_length_exceeded",
            "tok",
        ),
        ({"messages": [{"role": "user", "content": "x" * 5_000_000}]}, 413, "request_too_large", "larger"),
    ],
)
def test_what_is_wrong_is_said_in_the_api_s_format(
    server: Served, change: dict[str, Any], status: int, code: str, words: str
) -> None:
    asked: Any = {"model": "preact:o-high", "messages": TALK, "max_tokens": 4} | change
    with pytest.raises(openai.APIStatusError) as caught:
        server.client().chat.completions.create(**asked)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert words in caught.value.message


HALF = json.dumps({"model": "preact:o-high", "messages": [{"role": "user", "content": "\ud800"}]}).encode()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, HALF])
def test_a_body_that_is_no_request_is_refused(server: Served, body: bytes) -> None:
    request = urllib.request.Request(f"{server.root}/v1/chat/completions", body, method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as error:
        assert error.code == 400 and json.load(error)["error"]["type"] == "invalid_request_error"


def test_a_thousand_connections_and_a_hanging_body_keep_nobody_waiting(server: Served) -> None:
    host, _, port = server.root.removeprefix("http://").partition(":")
    raise_file_limit()
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(socket.create_connection((host, int(port))))
        hanging = stack.enter_context(socket.create_connection((host, int(port))))
        hanging.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
        assert streamed(server, "preact:o-high", 5, 8) == streamed(server, "preact:o-high", 5, 8)


def test_a_path_that_is_not_served_is_said_in_the_api_s_format(server: Served) -> None:
    with pytest.raises(openai.NotFoundError, match="not served"):
        server.client().embeddings.create(model="preact:o-high", input="Hello")


def test_a_client_that_leaves_in_mid_stream_frees_its_row(server: Served) -> None:
    before = metrics(server)["preact_cancelled_total"]
    stream = server.client().chat.completions.create(
        model="preact:o-high", messages=TALK, max_tokens=400, stream=True, temperature=2
    )
    next(iter(stream))
    stream.close()
    assert streamed(server, "preact:n-low", 1, 8) is not None
    wait_until(lambda: metrics(server)["preact_answering"] == 0)
    assert metrics(server)["preact_cancelled_total"] - before in (0, 1)


def test_stop_texts_end_an_answer(server: Served) -> None:
    asked: Any = {"model": "preact:o-high", "messages": TALK, "seed": 3, "max_tokens": 40}
    text = server.client().chat.completions.create(**asked).choices[0].message.content or ""
    stop = text[len(text) // 2 :][:3]
    cut = server.client().chat.completions.create(**asked, stop=[stop]).choices[0]
    assert cut.message.content == text[: text.index(stop)].rstrip()
    assert cut.finish_reason == "stop"
    chunks = server.client().chat.completions.create(**asked, stop=stop, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == cut.message.content


def test_more_than_may_wait_is_told_to_come_again(server: Served) -> None:
    def ask(number: int) -> int:
        try:
            server.client(timeout=PATIENCE).chat.completions.create(
                model="preact:o-high", messages=TALK, max_tokens=200, seed=number, temperature=2
            )
        except openai.RateLimitError as error:
            assert error.response.headers["retry-after"]
            return 429
        return 200

    with ThreadPoolExecutor(80) as pool:
        statuses = list(pool.map(ask, range(80)))
    assert statuses.count(200) >= 40 and statuses.count(200) + statuses.count(429) == 80
    wait_until(lambda: metrics(server)["preact_answering"] == 0)
    assert metrics(server)['preact_requests_total{status="200"}'] > 40


def test_a_key_is_required_where_one_is_set_and_a_signal_lets_answers_end(runs: dict[str, Path]) -> None:
    with served(*run_paths(runs, "preact"), PREACT_API_KEY="secret") as server:
        with pytest.raises(openai.AuthenticationError):
            server.client("other").models.list()
        with urllib.request.urlopen(f"{server.root}/health") as response:
            assert json.load(response) == {"status": "ok"}
        stream = server.client("secret").chat.completions.create(
            model="preact:o-high", messages=TALK, max_tokens=60, temperature=2, stream=True
        )
        chunks = iter(stream)
        next(chunks)
        server.process.send_signal(signal.SIGTERM)
        ends = [chunk.choices[0].finish_reason for chunk in chunks]
        assert ends[-1] in ("stop", "length")
        assert server.process.wait(PATIENCE) == 0


def test_a_killed_server_breaks_off_and_its_port_is_free_again(runs: dict[str, Path]) -> None:
    with served(*run_paths(runs, "preact")) as server:
        stream = server.client(timeout=PATIENCE).chat.completions.create(
            model="preact:o-high", messages=TALK, max_tokens=500, temperature=2, stream=True
        )
        chunks = iter(stream)
        next(chunks)
        server.process.kill()
        # On a busy machine the answer may have come whole before the kill; then it says that it has ended.
        with suppress(openai.APIError, httpx2.TransportError):
            rest = list(chunks)
            assert rest and rest[-1].choices[0].finish_reason is not None
        server.process.wait(PATIENCE)
        host, _, port = server.root.removeprefix("http://").partition(":")
        with pytest.raises(ConnectionError):
            socket.create_connection((host, int(port))).close()
