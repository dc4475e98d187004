"""What the ledger adds up to."""

from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_sums
from oceanchat.store.database import Store
from oceanchat.store.ledger import ANSWERED
from oceanchat.store.ledger_sums import Period
from tests.oceanchat.store.test_ledger import row


def test_pilot_figures_give_sums_and_squares(store: Store) -> None:
    with store.writing() as connection:
        ledger_rows.store_calls(connection, [row("a", ANSWERED, prompt_tokens=3, completion_tokens=1)])
        ledger_rows.store_calls(connection, [row("b", ANSWERED, prompt_tokens=4, completion_tokens=2)])
        ledger_rows.store_calls(connection, [row("c", ANSWERED)])
        (sums,) = ledger_sums.pilot_sums(connection, "m", "label")
    figures = (sums["calls"], sums["counted"], int(sums["prompt"]), int(sums["prompt_squares"]))
    assert figures == (3, 2, 7, 25)
    with store.reading() as connection:
        assert ledger_sums.pilot_sums(connection, "m", "check") == []


def test_sums_can_be_of_some_days(store: Store) -> None:
    with store.writing() as connection:
        for key, moment in (("a", 100.0), ("b", 200.0), ("c", 300.0)):
            call = row(key, ANSWERED, completion_tokens=1, recorded_at=moment)
            ledger_rows.store_calls(connection, [call])
            ledger_rows.add_lost(connection, [call | {"reason": "timeout"}])
        for when, calls, ends in (
            (Period(100, 300), 2, (100, 200)),
            (Period(0, float("inf")), 3, (100, 300)),
            (Period(400, 500), 0, None),
        ):
            assert sum(sums["calls"] for sums in ledger_sums.spending(connection, when)) == calls
            assert sum(sums["calls"] for sums in ledger_sums.lost_attempts(connection, when)) == calls
            assert ledger_sums.period(connection, when) == ends
