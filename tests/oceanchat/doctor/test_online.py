"""Endpoint, models and the Hub's token are looked at over real sockets, and nothing is asked of a model."""

from collections.abc import Callable

import pytest

from oceanchat.doctor.findings import Finding, Named
from oceanchat.doctor.online import LONGEST_CALL, look_online
from oceanchat.errors import HubError
from oceanchat.hub.tokens import TokenOwner
from oceanchat.llm.endpoint import served_models
from oceanchat.llm.settings import CallSettings
from oceanchat.pipeline.back_validation import CHECK_TOKENS, TOKENS_FOR_ANOTHER
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.rough_estimate import PROMPT_TOKENS
from oceanchat.prompts import open_prompts
from oceanchat.traits import TraitLevel
from tests.endpoint import Endpoint

NOWHERE = CallSettings(base_url="http://127.0.0.1:9/v1")


async def findings(
    settings: CallSettings,
    models: tuple[str, ...] = (),
    endpoint_named: bool = True,
    token_owner: Callable[[], TokenOwner | None] = lambda: None,
) -> dict[str, Finding]:
    looked = look_online(Named(models=models), settings, endpoint_named, token_owner)
    return {finding.name: finding async for finding in looked}


async def test_a_model_is_looked_for_and_not_asked(serve: Callable[..., Endpoint]) -> None:
    endpoint = serve()
    seen = await findings(endpoint.settings(), ("scripted-http", "no-such-model"))
    assert seen["endpoint"].state == "ok"
    assert seen["model no-such-model"].state == "missing"
    served = seen["endpoint"].text.rpartition("serves ")[2].split(", ")[0]
    assert (await findings(endpoint.settings(), (served,)))[f"model {served}"].state == "ok"
    assert endpoint.counters()["calls"] == 0


@pytest.mark.parametrize(("length", "state"), [(4096, "note"), (8192, "ok"), ("8192", "ok"), (None, "ok")])
async def test_a_context_that_is_too_short_for_a_check_is_said(
    monkeypatch: pytest.MonkeyPatch, length: object, state: str
) -> None:
    async def listed(connection: object, path: str) -> list[dict[str, object]]:
        return [{"id": "m", "max_model_len": length}]

    monkeypatch.setattr(served_models, "_models", listed)
    seen = (await findings(NOWHERE, ("m",)))["model m"]
    shown = f"with a context of {length:,} tokens" if isinstance(length, int) else "is served"
    assert seen.state == state and shown in seen.text
    assert ("--dialogues-per-check" in seen.text) == (state == "note")


def test_the_longest_call_is_a_check_of_full_dialogues() -> None:
    config = BuildConfig(trait_levels=(TraitLevel.parse("O+"),))
    dialogues = config.dialogues_per_check * config.exchanges * 2 * config.words
    prompt = (len(open_prompts()["check"].text.split()) + dialogues) * PROMPT_TOKENS.value
    reply = CHECK_TOKENS + TOKENS_FOR_ANOTHER * (config.dialogues_per_check - 1)
    assert LONGEST_CALL - 500 < prompt + reply < LONGEST_CALL + 500


async def test_an_endpoint_that_is_not_there_is_missing_only_where_it_was_named() -> None:
    assert (await findings(NOWHERE))["endpoint"].state == "missing"
    assert (await findings(NOWHERE, endpoint_named=False))["endpoint"].state == "note"
    assert (await findings(NOWHERE, ("m",)))["model m"].state == "missing"


async def test_what_the_token_may_do_is_said() -> None:
    def refuse() -> TokenOwner:
        raise HubError("there is no token for the Hub; set HF_TOKEN")

    async def token(owner: Callable[[], TokenOwner | None]) -> Finding:
        return (await findings(NOWHERE, token_owner=owner))["Hub token"]

    assert await token(lambda: TokenOwner("me", (), "write")) == ("Hub token", "ok", "of me; it may write")
    assert (await token(lambda: TokenOwner("me", (), "read"))).state == "note"
    assert "own" in (await token(lambda: TokenOwner("me", (), "fineGrained"))).text
    assert "cannot be reached" in (await token(lambda: None)).text
    assert (await token(refuse)).text.startswith("there is no token")
