"""A Hub that does not answer is asked once, and then its cache alone."""

import time
from unittest import mock

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import OfflineModeIsEnabled

from oceanchat.hub.reaching import hub_or_cache
from tests.oceanchat.hub.hub_process import HubProcess


def test_without_an_answer_nothing_more_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with hub_or_cache() as problem:
        assert problem == "'http://127.0.0.1:9' cannot be reached (ConnectError)"
        with pytest.raises(OfflineModeIsEnabled):
            HfApi(endpoint="http://127.0.0.1:9").model_info("owner/name")
    assert not constants.HF_HUB_OFFLINE and time.monotonic() - started < 10
    with mock.patch.object(constants, "HF_HUB_OFFLINE", True), hub_or_cache() as problem:
        assert problem == "HF_HUB_OFFLINE is set" and constants.HF_HUB_OFFLINE


def test_a_hub_that_answers_is_used(hub: HubProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    with hub_or_cache() as problem:
        assert problem == "" and not constants.HF_HUB_OFFLINE
