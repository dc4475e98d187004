"""Requests can be stored and read again."""

from oceanchat.llm.chat import as_json, from_json
from tests.endpoint import question


def test_a_request_survives_being_kept_beside_its_failure() -> None:
    request = question("caf\u00e9 <x> \ud83d", sample=2)
    assert from_json(as_json(request)) == request
