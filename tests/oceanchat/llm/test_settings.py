"""Settings that make no sense are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from oceanchat.llm.settings import OPENAI_URL, CallSettings, known_endpoint, shown_url, without_credentials


@pytest.mark.parametrize(
    "given",
    [
        {"concurrency": 0},
        {"max_usd": 0},
        {"rpm": -1},
        {"timeout_seconds": 0},
        {"max_attempts": 0},
        {"unknown": 1},
        {"base_url": "host/v1"},
        {"base_url": "http://me:pa/ss@host/v1"},
        {"base_url": "http://me:12/ss@host/v1"},
        {"base_url": "http://host/v 1"},
        {"base_url": "http://host:99999/v1"},
        {"base_url": "http://[::1/v1"},
        {"extra_body": "[1]"},
        {"extra_body": '{"a": NaN}'},
        {"extra_body": '{"messages": []}'},
        {"extra_body": "[" * 100_000},
        {"api_key": SecretStr("sk-\u00e9")},
        {"api_key": SecretStr("sk-\nx")},
    ],
    ids=lambda given: str(given)[:40],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CallSettings(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["sk-1 ", "\tsk-1\n", "\ufeffsk-1", " sk-1\r\n"])
def test_a_key_is_stripped(key: str) -> None:
    stripped = CallSettings(api_key=SecretStr(key)).api_key
    assert stripped is not None and stripped.get_secret_value() == "sk-1"
    assert CallSettings(api_key=SecretStr(" \n")).api_key is None


@pytest.mark.parametrize(
    ("url", "endpoint", "query", "version"),
    [
        ("http://h:1/v1/", "http://h:1/v1", "", True),
        ("http://h/v1?api-version=2", "http://h/v1", "api-version=2", True),
        ("http://h/v1/chat/completions/", "http://h/v1", "", True),
        ("https://h/v1beta/openai", "https://h/v1beta/openai", "", False),
        (" http://h ", "http://h", "", False),
    ],
)
def test_a_url_is_read_as_it_was_meant(url: str, endpoint: str, query: str, version: bool) -> None:
    settings = CallSettings(base_url=url)
    assert (settings.endpoint, settings.root_url) == (endpoint, endpoint)
    assert (settings.url_query, settings.names_version) == (query, version)


def test_equal_parameters_are_equal_text() -> None:
    assert CallSettings(extra_body=' {"b": 1, "a": null} ').extra_body == '{"a":null,"b":1}'
    assert CallSettings(extra_body="{}").extra_body == CallSettings().extra_body == ""


SECRET = "planted-0123456789"


@given(
    st.sampled_from(["http://", "https://", "", "ftp://", "://", "http:/"]),
    st.text(st.characters(exclude_characters="@"), max_size=8),
    st.sampled_from(["", "/", "?", "#", "@", ":"]),
    st.sampled_from(["host/v1", "host:x", "", "host/v1?k=1#f"]),
)
def test_no_password_of_a_bad_url_is_shown(scheme: str, user: str, odd: str, host: str) -> None:
    assert SECRET not in without_credentials(f"{scheme}{user}:{odd}{SECRET}@{host}")
    assert SECRET not in without_credentials(f"{scheme}{host}?{user}={SECRET}")


@pytest.mark.parametrize(
    "text",
    [f"http://host:{SECRET}/v1", f"host:{SECRET}", "sk-planted-0123456789", "http://hf_planted0123456/v1"],
)
def test_a_key_in_the_wrong_part_of_a_url_is_not_shown(text: str) -> None:
    assert "planted" not in without_credentials(text)


@pytest.mark.parametrize("text", ["here", "http://h:x/v1", "localhost:11434/v1"])
def test_a_bad_url_without_secrets_is_shown_as_it_is(text: str) -> None:
    assert without_credentials(text) == text


def test_every_secret_of_the_settings_is_known() -> None:
    settings = CallSettings(
        base_url="http://me:word@host/v1?token=hidden", api_key=SecretStr("key"), proxy="http://a:b@p:1"
    )
    assert {"word", "me:word", "hidden", "key", "b", "a:b"} <= set(settings.secrets())
    assert CallSettings(base_url="http://token@host/v1").secrets()[0] == "token"
    assert settings.shown_proxy == shown_url("http://p:1")
    assert "a:b" not in repr(settings) + settings.model_dump_json()


def test_openai_answered_for_no_model_of_the_hub() -> None:
    assert known_endpoint(OPENAI_URL, "gpt-4o") == OPENAI_URL
    assert known_endpoint(OPENAI_URL, "owner/name") is None
    assert known_endpoint("http://x/v1", "owner/name") == "http://x/v1"
    assert known_endpoint(OPENAI_URL, "mine", in_files={"mine"}) is None
    assert known_endpoint("http://x/v1", "mine", in_files={"mine"}) == "http://x/v1"
