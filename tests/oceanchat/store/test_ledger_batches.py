"""Batches are on record with their calls, and belong to whoever follows them."""

import time
from typing import Any

from sqlalchemy import select

from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_batches, ledger_runs, ledger_sums
from oceanchat.store.database import Store
from oceanchat.store.ledger import ANSWERED
from oceanchat.store.ledger_batches import PREPARING, SUBMITTED
from tests.oceanchat.store.test_ledger import row


def batch_row() -> dict[str, Any]:
    return {
        "batch": "b1",
        "remote_id": None,
        "endpoint": "http://x/v1",
        "model": "m",
        "state": PREPARING,
        "requests": 2,
        "answered": 0,
        "message": None,
        "run": "run-1",
        "created_at": time.time(),
        "changed_at": time.time(),
    }


def test_batches_are_on_record_with_their_calls(store: Store) -> None:
    with store.writing() as connection:
        ledger_batches.add_batch(connection, batch_row())
        ledger_rows.claim(
            connection, [row("a", batch="b1", batched=True), row("b", batch="b1", batched=True)]
        )
        ledger_batches.set_batch(connection, "b1", remote_id="batch_7", state=SUBMITTED)
        ledger_rows.store_calls(connection, [row("a", ANSWERED, body=b"x", batch="b1", batched=True)])
        assert [call["key"] for call in ledger_rows.batch_calls(connection, "b1")] == ["b"]
        (record,) = ledger_batches.batches(connection, "http://x/v1", unfinished=True)
        assert record["remote_id"] == "batch_7"
        ledger_batches.set_batch(connection, "b1", state="completed")
        assert ledger_batches.batches(connection, unfinished=True) == []
        assert ledger_batches.batches(connection, "http://elsewhere/v1") == []
        assert connection.execute(select(ledger_batches.ledger_batches.c.state)).scalar_one() == "completed"


def test_a_batch_is_taken_over_once_and_only_from_a_run_that_is_no_more(store: Store) -> None:
    with store.writing() as connection:
        for run in ("run-1", "run-2", "run-3"):
            ledger_runs.start_run(connection, run)
        ledger_batches.add_batch(connection, batch_row())
        ledger_rows.claim(connection, [row("a", batch="b1", batched=True)])
        assert ledger_batches.take_over(connection, "http://x/v1", "run-2") == []
        ledger_runs.end_run(connection, "run-1")
        (taken,) = ledger_batches.take_over(connection, "http://x/v1", "run-2")
        assert (taken["batch"], taken["state"]) == ("b1", PREPARING)
        assert ledger_batches.take_over(connection, "http://x/v1", "run-3") == []
        assert ledger_rows.holders(connection, ["a"])["a"] == ("run-2", "http://x/v1")


def test_a_dead_runs_claims_stay_only_with_batches_that_may_still_come_in(store: Store) -> None:
    with store.writing() as connection:
        for batch, state in (("prepared", PREPARING), ("sent", SUBMITTED), ("over", "completed")):
            ledger_batches.add_batch(connection, batch_row() | {"batch": batch, "state": state})
        batches = ["prepared", "sent", "over", "not on record yet"]
        ledger_rows.claim(connection, [row(batch, batch=batch, batched=True) for batch in batches])
        assert ledger_rows.sweep(connection, ["run-1"]) == 0
        assert set(ledger_rows.holders(connection, batches)) == {"prepared", "sent"}
        assert ledger_sums.lost_attempts(connection) == []  # nothing of the other two was sent
