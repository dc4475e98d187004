"""Batches on record are listed, watched and cancelled."""

import asyncio
from collections.abc import Callable

import pytest

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.endpoint import batch_status
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.database import Store
from tests.endpoint import FAST_BATCHES, Endpoint, ask, questions

Serve = Callable[..., Endpoint]


async def test_a_cancelled_batch_stops_the_build(store: Store, serve: Serve) -> None:
    endpoint = serve(batch_seconds=30)
    settings = endpoint.settings(**FAST_BATCHES)

    async def cancel() -> None:
        while not any(row["state"] == "submitted" for row in batch_status.known_batches(store)):
            await asyncio.sleep(0.02)
        row = batch_status.batch_named(batch_status.known_batches(store), "batch_1")
        assert (await batch_status.cancel(settings, row)).status == "cancelled"

    with pytest.raises(BuildStopped, match="batch 'batch_1' was cancelled"):
        await asyncio.gather(ask(settings, store.engine, questions(3)), cancel())
    with store.reading() as connection:
        assert ledger_rows.in_flight(connection) == 0


async def test_watching_ends_when_all_batches_are_finished(store: Store, serve: Serve) -> None:
    endpoint = serve(batch_seconds=0.2)
    settings = endpoint.settings(**FAST_BATCHES)
    await ask(settings, store.engine, questions(3))
    rows = batch_status.known_batches(store)
    statuses = [status async for _, status in batch_status.watch(settings, rows, wait=True)]
    assert [(status.status, status.completed, status.total) for status in statuses] == [("completed", 3, 3)]
    assert batch_status.known_batches(store, unfinished=True) == []


async def test_a_batch_is_named_by_the_start_of_either_id(store: Store, serve: Serve) -> None:
    await ask(serve().settings(**FAST_BATCHES), store.engine, questions(1))
    (row,) = rows = batch_status.known_batches(store)
    assert batch_status.batch_named(rows, row["batch"][:6]) is row
    assert batch_status.batch_named(rows, "batch_") is row
    with pytest.raises(ConfigError, match="batch 'b7' is not known"):
        batch_status.batch_named(rows, "b7")
    with pytest.raises(ConfigError, match="is not the only one"):
        batch_status.batch_named([*rows, {**row, "batch": "other"}], "batch_")
