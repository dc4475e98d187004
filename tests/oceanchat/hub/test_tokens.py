"""Whose token it is, and that a repository it cannot write to is refused before anything is sent."""

from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import HubError
from oceanchat.hub.tokens import check_may_write, token_owner
from tests.oceanchat.hub.hub_process import GOOD, READ_ONLY, HubProcess


def test_a_token_speaks_for_a_user_and_organizations(hub: HubProcess) -> None:
    owner = token_owner(hub.endpoint, GOOD)
    assert owner is not None and owner == ("me", ("ocean",), "write") and owner.may_write
    for repo_id in ("me/chat", "Ocean/chat", "chat"):
        check_may_write(repo_id, hub.endpoint, GOOD)


@pytest.mark.parametrize(
    ("repo_id", "token", "message"),
    [
        ("me/chat", READ_ONLY, "your token, of 'me', may only read; make one with write access"),
        (
            "other/chat",
            GOOD,
            "'other/chat' belongs to 'other', and your token is of 'me'; write me/…",
        ),
        ("me/chat", "hf_wrong", "the Hub does not accept your token; set HF_TOKEN"),
    ],
)
def test_what_cannot_be_written_to_is_one_line(
    hub: HubProcess, repo_id: str, token: str, message: str
) -> None:
    with pytest.raises(HubError) as error:
        check_may_write(repo_id, hub.endpoint, token)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_no_token_is_said_without_asking(
    hub: HubProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(HubError, match="there is no token for the Hub; set HF_TOKEN"):
        check_may_write("me/chat", hub.endpoint)
    assert hub.state()["seen"] == ["GET /_stub/state"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cut"},
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 404},
        {"kind": "status", "status": 200, "content": []},
        {"kind": "status", "status": 200, "content": {"name": "me", "orgs": [1, {}], "auth": "?"}},
    ],
)
def test_a_hub_that_does_not_say_stops_nobody(hub: HubProcess, fault: dict[str, Any]) -> None:
    hub.faults({"match": "whoami", "times": 9, **fault})
    check_may_write("me/chat", hub.endpoint, GOOD)
