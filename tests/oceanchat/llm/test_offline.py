"""An offline session goes on until nothing can, and says all that is missing."""

import asyncio
import time

import pytest

from oceanchat.llm.offline import AnswersMissing
from oceanchat.llm.settings import CallSettings
from oceanchat.models import ModelSession, open_session
from oceanchat.store.database import Store
from tests.endpoint import MODEL, question, questions

CHAINS = 40
KNOWN = questions(CHAINS)


async def chain(session: ModelSession, known: int) -> None:
    """Ask what is known, one after the other, then what nobody knows."""
    for request in KNOWN[:known]:
        await session.model(MODEL).ask(request)
    await session.model(MODEL).ask(question(f"unknown {known}"))


async def test_all_that_is_missing_is_named_once_nothing_can_go_on(store: Store) -> None:
    async with open_session(CallSettings(offline=True), store.engine) as session:
        for request in KNOWN:
            session.model(MODEL).store_share(request, "known")
        chains = [asyncio.create_task(chain(session, known)) for known in (*range(CHAINS), 0)]
        ends = await asyncio.gather(*chains, return_exceptions=True)
    (missing,) = set(ends)
    assert isinstance(missing, AnswersMissing)
    asked = [absent.request.messages[0].content for absent in missing.requests]
    assert asked == [f"unknown {known}" for known in range(CHAINS)]
    assert f"and for {CHAINS - 1} more ({CHAINS} 'label' in all)" in str(missing)


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


async def test_whoever_waits_for_a_slow_store_is_waited_for(store: Store) -> None:
    async with open_session(CallSettings(offline=True), store.engine) as session:
        writer, model = session.ledger_writer, session.model(MODEL)

        async def ask_late(jobs: int) -> None:
            while (
                writer.jobs < jobs + 2
            ):  # the first one's look into the ledger, and the look whether it is alone
                await asyncio.sleep(0)
            await writer.transaction(lambda connection: time.sleep(0.3))
            await model.ask(question("late"))

        asking = (model.ask(question("early")), ask_late(writer.jobs))
        missing, _ = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(missing, AnswersMissing)
    assert [absent.request.messages[0].content for absent in missing.requests] == ["early", "late"]
