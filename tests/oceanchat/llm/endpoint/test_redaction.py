"""A key is found however it is written; a word that is used as a key eats no words."""

import json
import re
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.endpoint.redaction import Redactor

KEY = "sk-planted-0123456789abcdef"
QUOTED = "sk'planted\"with\\odd/0123"
HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40)


@pytest.mark.parametrize("key", [KEY, QUOTED])
@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda key: json.dumps(key),
        repr,
        lambda key: repr(key.encode()),
        lambda key: json.dumps({"message": json.dumps(key)}),
        lambda key: f"{key[:9]}\n  {key[9:]}",
        lambda key: f"{key[:5]}\r\n{key[5:14]}\n{key[14:]}",
        lambda key: json.dumps(f"{key[:9]}\n\t{key[9:]}"),
        lambda key: key.replace("-", "\\u002d").replace("'", "\\u0027"),
        lambda key: quote(key, safe=""),
        lambda key: f"Bearer {key}\\n",
    ],
)
def test_a_key_is_found_in_every_spelling(key: str, write: object) -> None:
    assert callable(write)
    redactor, text = Redactor([key]), f"before {write(key)} after"
    for cleaned in (redactor.answer(text.encode()).decode(), redactor.error(text)):
        assert "***" in cleaned and cleaned.startswith("before ") and cleaned.endswith(" after")
        assert "planted" not in cleaned and "0123" not in cleaned


@given(HEADER, st.text(max_size=30), st.text(max_size=30))
def test_no_key_survives_and_json_stays_json(key: str, before: str, after: str) -> None:
    body = json.dumps({"text": f"{before} {key} {after}"})
    cleaned = Redactor([key]).answer(body.encode()).decode()
    assert json.dumps(key)[1:-1] not in cleaned
    assert key not in json.loads(cleaned)["text"]


@pytest.mark.parametrize("key", ["x", "the", "EMPTY", "1", "ollama", "lm-studio", "no"])
def test_a_short_key_touches_no_answer(key: str) -> None:
    body = json.dumps({"text": f"the x-ray of ollama, 1 {key}", "tokens": 11}).encode()
    redactor = Redactor([key])
    assert redactor.answer(body) == body
    assert redactor.error(f"key '{key}' is wrong, {key}word too") == f"key '***' is wrong, {key}word too"


def test_a_password_is_found_in_the_header_it_becomes() -> None:
    header = b64encode(b"me:a-long-password").decode()
    assert Redactor(["me:a-long-password"]).answer(header.encode()) == b"***"
    assert "p@ss" not in Redactor(["long-p%40ssword"]).error("sent long-p@ssword")


@given(st.binary(max_size=200))
def test_bytes_without_a_secret_stay_as_they_are(body: bytes) -> None:
    if re.search(rb"sk-planted", body) is None:
        assert Redactor([KEY]).answer(body) == body


def test_without_secrets_nothing_changes() -> None:
    assert Redactor([]).error("a") == "a" and Redactor([""]).answer(b"a") == b"a"
