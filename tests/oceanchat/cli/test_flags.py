"""Flags become configs, and a wrong value is reported by the flag that was typed."""

import pytest

from oceanchat.cli.flags import call_settings, take_call_settings
from oceanchat.store.database import open_store
from oceanchat.store.location import DEFAULT_STORE
from tests.oceanchat.cli.conftest import Command

BUILD = ("build", "--trait", "O", "--level", "high")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*BUILD, "--count", "0"), "--count '0' cannot be used: it should be greater than"),
        ((*BUILD, "--timeout", "0"), "--timeout '0.0' cannot be used: it should be greater than 0"),
        ((*BUILD, "--batch-poll", "-1"), "--batch-poll '-1.0' cannot be used"),
        (
            (*BUILD, "--base-url", "here"),
            "--base-url 'here' cannot be used: write http://HOST:PORT/v1 or https://HOST/v1",
        ),
        (
            (*BUILD, "--base-url", "http://me:planted/word@host/v1?k=planted"),
            "--base-url 'http://***@host/v1?***' cannot be used: write http://HOST:PORT/v1",
        ),
        ((*BUILD, "--extra-body", "{"), "--extra-body '{' cannot be used: write a JSON object such as"),
        (
            (*BUILD, "--extra-body", '{"stream": true}'),
            "--extra-body '{\"stream\": true}' cannot be used: 'stream' is not for you to set there",
        ),
        (("estimate", *BUILD[1:], "--max-usd", "-1"), "--max-usd '-1.0' cannot be used"),
        (("retry", "--concurrency", "0"), "--concurrency '0' cannot be used"),
        (("batches", "--watch", "--poll", "0"), "--batch-poll '0.0' cannot be used"),
        (("import", "lines.jsonl", "--exchanges", "0"), "--exchanges '0' cannot be used"),
        (("sample", "--per-trait-level", "0"), "--per-trait-level '0' cannot be used"),
        (("sample", "--repeats", "2"), "--repeats '2.0' cannot be used"),
        (("topics", "--labeler", "m", "--max-usd", "-1"), "--max-usd '-1.0' cannot be used"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_value_is_reported_by_the_flag_that_was_typed(
    command: Command, arguments: tuple[str, ...], message: str
) -> None:
    open_store(DEFAULT_STORE).close()
    ended = command(*arguments)
    assert ended.code == 1 and ended.out == ""
    assert ended.err.startswith(f"oceanchat: {message}") and ended.err.count("\n") == 1


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    key = call_settings().api_key
    assert key is not None and key.get_secret_value() == "sk-test"
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert call_settings().api_key is None


@pytest.mark.parametrize("key", ["sk-plant\ned", "sk-plant\u00e9d"])
def test_a_key_that_no_header_can_hold_is_not_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    ended = command(*BUILD, "--model", "m")
    assert ended.code == 1 and "plant" not in ended.out + ended.err
    assert ended.err.startswith("oceanchat: OPENAI_API_KEY cannot be used: its character 9 of ")


def test_the_endpoint_comes_from_the_environment_where_no_flag_names_it(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", " http://here:1/v1 ")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:2")
    settings = call_settings()
    assert (settings.base_url, settings.proxy) == ("http://here:1/v1", "http://proxy:2")
    assert call_settings(base_url="http://there/v1").base_url == "http://there/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "here")
    assert command(*BUILD).err.startswith("oceanchat: OPENAI_BASE_URL 'here' cannot be used")


def test_flags_that_were_not_given_keep_their_defaults() -> None:
    flags = {"concurrency": None, "max_usd": 2.0, "check": "paper"}
    settings = take_call_settings(flags)
    assert (settings.concurrency, settings.max_usd) == (32, 2.0)
    assert flags == {"check": "paper"}
