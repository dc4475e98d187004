"""An offline session goes on until nothing can, and says all that is missing."""

import asyncio

import pytest

from oceanchat.llm.offline import AnswersMissing
from oceanchat.llm.settings import CallSettings
from oceanchat.models import ModelSession, open_session
from oceanchat.store.database import Store
from tests.endpoint import MODEL, question

KNOWN = [
    question(f"<task>theme</task> <seed_topic>I paint {n} walls.</seed_topic>", task="theme")
    for n in range(9)
]


async def know(store: Store) -> None:
    """Put answers of the scripted model on record."""
    async with open_session(CallSettings(), store.engine) as session:
        for request in KNOWN:
            await session.model("scripted").ask(request)


async def chain(session: ModelSession, known: int) -> None:
    """Ask what is known, one after the other, then what nobody knows."""
    for request in KNOWN[:known]:
        await session.model("scripted").ask(request)
    await session.model(MODEL).ask(question(f"unknown {known}"))


async def test_all_that_is_missing_is_named_once_nothing_can_go_on(store: Store) -> None:
    await know(store)
    async with open_session(CallSettings(offline=True), store.engine) as session:
        chains = [asyncio.create_task(chain(session, known)) for known in (0, 3, 9, 9)]
        ends = await asyncio.gather(*chains, return_exceptions=True)
    (missing,) = set(ends)
    assert isinstance(missing, AnswersMissing)
    assert [absent.request.messages[0].content for absent in missing.requests] == [
        "unknown 0",
        "unknown 3",
        "unknown 9",
    ]
    assert missing.requests[0].key != missing.requests[1].key
    assert "and for 2 more (3 'label' in all)" in str(missing)


async def test_a_session_ends_although_whoever_waited_is_gone(store: Store) -> None:
    async with open_session(CallSettings(offline=True), store.engine) as session:
        asker = asyncio.create_task(session.model(MODEL).ask(question("never")))
        await asyncio.sleep(0)
        asker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asker


async def test_what_is_missing_later_is_named_anew(store: Store) -> None:
    async with open_session(CallSettings(offline=True), store.engine) as session:
        for text in ("one", "two"):
            with pytest.raises(AnswersMissing, match=f"{text}.*to ask for it$") as missing:
                await session.model(MODEL).ask(question(text))
            assert len(missing.value.requests) == 1
