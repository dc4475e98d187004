"""One answer for every page that waits, stored when it is whole and only then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from oceanchat.annotation import conversations, live_answers
from oceanchat.annotation.conversations import Request
from oceanchat.annotation.live_answers import AnswerBrokeOff, LiveAnswers
from oceanchat.llm.settings import CallSettings
from oceanchat.store.conversations import StoredTurn
from oceanchat.store.database import Store, open_store
from tests.endpoint import Endpoint
from tests.oceanchat.annotation.talks import evaluated, next_cell
from tests.processes import PATIENCE
from tests.streaming_model import streaming_model


class Talking:
    """Ann in front of the first question, and a model that a test lets speak."""

    def __init__(self, store: Store, url: str) -> None:
        self.store = store
        self.ann = evaluated(store, ("Ann",), systems=[f"preact={url}#preact:"])[0]
        self.item = next_cell(store, self.ann)
        self.answers = LiveAnswers(store, lambda url: CallSettings(base_url=url))

    def ask(self) -> Request:
        asked = conversations.say(self.store, self.ann, self.item.token, 1, "")
        assert isinstance(asked, Request)
        return asked

    def turns(self) -> list[StoredTurn]:
        return conversations.turns_for(self.store, self.item.assignment)

    async def read(self) -> tuple[str, str]:
        """(what came in pieces, what was stored)."""
        pieces, stored = "", ""
        async for part in self.answers.answer(self.ask()):
            pieces += part.piece
            stored = part.stored.text if part.stored else stored
        return pieces, stored


async def test_a_page_that_comes_late_or_leaves_early_costs_nothing(tmp_path: Path) -> None:
    more = asyncio.Event()

    async def script(body: dict[str, Any]) -> AsyncIterator[str | None]:
        yield "Fine, "
        await more.wait()
        yield "thanks."
        yield None

    async with asyncio.timeout(PATIENCE), streaming_model(script) as model:
        talking = Talking(open_store(tmp_path / "store.db"), model.url)
        leaving = talking.answers.answer(talking.ask())
        assert (await anext(leaving)).piece == "Fine, "
        await leaving.aclose()  # type: ignore[attr-defined]
        late = asyncio.create_task(talking.read())
        await asyncio.sleep(0)
        assert [turn.role for turn in talking.turns()] == ["questioner"]
        more.set()
        assert await late == ("Fine, thanks.", "Fine, thanks.")
        assert [turn.text for turn in talking.turns()] == ["How was day 0?", "Fine, thanks."]
        assert len(model.bodies) == 1 and model.bodies[0]["model"] == "preact:o-high"
        await talking.answers.close()
        talking.store.close()


async def test_half_an_answer_is_not_stored_and_the_same_message_is_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(body: dict[str, Any]) -> AsyncIterator[str | None]:
        yield "Half"
        if len(model.bodies) > 1:
            yield " and whole"
            yield None

    async with asyncio.timeout(PATIENCE), streaming_model(script) as model:
        talking = Talking(open_store(tmp_path / "store.db"), model.url)
        with pytest.raises(AnswerBrokeOff) as away:
            await talking.read()
        assert "preact" not in str(away.value) and "preact:o-high" in caplog.text
        assert [turn.role for turn in talking.turns()] == ["questioner"]
        assert await talking.read() == ("Half and whole", "Half and whole")
        assert model.bodies[0] == model.bodies[1]
        await talking.answers.close()
        talking.store.close()


async def test_what_asking_again_will_hardly_mend_is_a_matter_for_the_lead(
    tmp_path: Path, serve: Callable[..., Endpoint]
) -> None:
    talking = Talking(open_store(tmp_path / "store.db"), serve(require_key="another").url)
    with pytest.raises(AnswerBrokeOff, match="tell the lead"):
        await talking.read()
    await talking.answers.close()
    talking.store.close()


async def test_an_answer_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(body: dict[str, Any]) -> AsyncIterator[str | None]:
        yield "And so on"
        await asyncio.Event().wait()

    monkeypatch.setattr(live_answers, "ANSWER_SECONDS", 0.05)
    async with asyncio.timeout(PATIENCE), streaming_model(script) as model:
        talking = Talking(open_store(tmp_path / "store.db"), model.url)
        with pytest.raises(AnswerBrokeOff, match="tell the lead"):
            await talking.read()
        assert [turn.role for turn in talking.turns()] == ["questioner"]
        await talking.answers.close()
        talking.store.close()
