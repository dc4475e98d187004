"""A key never reaches the store, a log, an error message, an export or the screen."""

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.settings import CallSettings, shown_url
from oceanchat.models import open_session
from oceanchat.store.database import Store
from tests.endpoint import Endpoint, ask, question, questions
from tests.processes import PATIENCE

Serve = Callable[..., Endpoint]
KEY = "sk-planted-4242424242"


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_an_echoed_key_is_redacted_from_answers_and_failures(
    store: Store, serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = serve(reply=f"you sent {KEY}", poison="bad")
    settings = endpoint.settings(api_key=SecretStr(KEY))
    (answer, failure), session = await ask(settings, store.engine, [question("good"), question(f"bad {KEY}")])
    store.close()
    assert answer.text == "you sent ***"
    outputs = [str(failure), repr(settings), settings.model_dump_json(), repr(session.usage), caplog.text]
    assert not any(KEY in text for text in outputs)


async def test_a_word_used_as_a_key_eats_no_words(store: Store, serve: Serve) -> None:
    endpoint = serve(reply="the boat and the oar", poison="bad")
    settings = endpoint.settings(api_key=SecretStr("the"))
    (answer, failure), _ = await ask(settings, store.engine, [question("good"), question("bad")])
    assert answer.text == "the boat and the oar"
    assert "*** prompt was filtered" in str(failure)


async def test_a_refused_key_is_not_quoted(store: Store, serve: Serve) -> None:
    endpoint = serve(require_key="sk-another")
    with pytest.raises(BuildStopped) as caught:
        await ask(endpoint.settings(api_key=SecretStr(KEY)), store.engine, questions(1))
    assert KEY not in str(caught.value)


async def test_a_url_is_shown_without_its_credentials(store: Store, serve: Serve, tmp_path: Path) -> None:
    endpoint = serve(reply="hello")
    url = endpoint.url.replace("http://", f"http://user:{KEY}@") + f"?token={KEY}"
    assert shown_url(url) == endpoint.url
    settings = CallSettings(base_url=url, api_key=SecretStr(KEY))
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json() + str(settings.model_dump())
    down = f"http://user:{KEY}@127.0.0.1:9/v1"
    with pytest.raises(BuildStopped) as caught:
        await ask(CallSettings(base_url=down), store.engine, questions(1))
    assert KEY not in str(caught.value) and "127.0.0.1:9" in str(caught.value)
    store.close()
    assert KEY.encode() not in everything_written(tmp_path)


@pytest.mark.parametrize("value", [f"{KEY}\n", f"{KEY}\u00e9"])
async def test_no_text_of_a_header_that_cannot_be_sent_is_shown(
    store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OPENAI_PROJECT_ID", value)
    with pytest.raises(BuildStopped, match=r"a header .* cannot be sent; .*OPENAI_\*") as caught:
        await ask(serve().settings(), store.engine, questions(1))
    assert KEY not in str(caught.value)


async def test_the_openai_endpoint_needs_a_key(store: Store) -> None:
    async with open_session(CallSettings(), store.engine, OpenAIEndpoint) as session:
        with pytest.raises(ConfigError, match="set OPENAI_API_KEY"):
            session.model("gpt-4o-mini")


def test_a_build_against_a_real_endpoint_writes_the_key_nowhere(serve: Serve, tmp_path: Path) -> None:
    reply = f"Reason: {KEY}\nLabel: neutral"
    endpoint = serve(require_key=KEY, reply=reply, rate_429=0.05, retry_after=0.1)
    command = [sys.executable, "-c", "from oceanchat.cli.main import main; main()"]
    command += ["build", "--trait", "O", "--level", "high", "--count", "1", "--model", "served"]
    environment = {"OPENAI_API_KEY": KEY, "OPENAI_LOG": "debug", "PATH": "/usr/bin:/bin"}
    command += ["--base-url", endpoint.url, "--essays", str(tmp_path / "essays.jsonl")]
    lines = [
        f'{{"id": "{n}", "text": "I walked to the river number {n} and sang there."}}' for n in range(40)
    ]
    (tmp_path / "essays.jsonl").write_text("\n".join(lines))
    build = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=PATIENCE)
    costs = [sys.executable, "-c", "from oceanchat.cli.calls import costs; costs()", "--json"]
    report = subprocess.run(costs, cwd=tmp_path, env=environment, capture_output=True, timeout=PATIENCE)
    assert endpoint.counters()["paid"] >= 40, build.stderr
    for output in (build.stdout, build.stderr, report.stdout, report.stderr, everything_written(tmp_path)):
        assert KEY.encode() not in output
