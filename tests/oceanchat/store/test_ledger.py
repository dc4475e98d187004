"""The ledger's tables, on SQLite and on PostgreSQL."""

from typing import Any

from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_runs, ledger_sums
from oceanchat.store.database import Store
from oceanchat.store.ledger import ANSWERED, FAILED, IN_FLIGHT, Entry


def row(key: str, state: str = IN_FLIGHT, **given: Any) -> dict[str, Any]:
    plain = {
        "key": key,
        "endpoint": "http://x/v1",
        "model": "m",
        "task": "label",
        "trait_level": "O+",
        "sample": 0,
        "state": state,
        "reason": None,
        "outcome": None,
        "body": None,
        "prompt_tokens": None,
        "completion_tokens": None,
        "max_prompt_tokens": 100,
        "max_tokens": 10,
        "batched": False,
        "batch": None,
        "request": None,
        "run": "run-1",
        "recorded_at": 1.0,
    }
    return plain | given


def test_a_call_goes_from_asking_to_answered(store: Store) -> None:
    with store.writing() as connection:
        ledger_rows.claim(connection, [row("a"), row("b")])
        assert ledger_rows.find(connection, ["a", "b"]) == {}
        assert ledger_rows.in_flight(connection) == 2
        ledger_rows.store_calls(connection, [row("a", ANSWERED, body=b"\x00\xff raw", completion_tokens=3)])
    with store.reading() as connection:
        assert ledger_rows.find(connection, ["a", "b", "c"]) == {"a": Entry(ANSWERED, None, b"\x00\xff raw")}
        assert ledger_rows.in_flight(connection) == 1


def test_an_answer_is_never_replaced(store: Store) -> None:
    with store.writing() as connection:
        ledger_rows.store_calls(connection, [row("a", ANSWERED, body=b"first")])
        ledger_rows.store_calls(connection, [row("a", ANSWERED, body=b"second")])
        ledger_rows.store_calls(connection, [row("a", FAILED, reason="timeout")])
        ledger_rows.claim(connection, [row("a")])
        assert ledger_rows.find(connection, ["a"]) == {"a": Entry(ANSWERED, None, b"first")}


def test_a_failure_is_replaced_by_a_later_answer_and_survives_a_vain_attempt(store: Store) -> None:
    with store.writing() as connection:
        ledger_rows.store_calls(connection, [row("a", FAILED, reason="timeout", request="{}")])
        ledger_rows.claim(connection, [row("a")])
        ledger_rows.withdraw(connection, [("a", "run-1")])
        assert ledger_rows.find(connection, ["a"])["a"].reason == "timeout"
        ledger_rows.store_calls(connection, [row("a", ANSWERED, body=b"now")])
        assert ledger_rows.find(connection, ["a"]) == {"a": Entry(ANSWERED, None, b"now")}
        assert ledger_rows.failed_rows(connection) == []


def test_freeing_touches_only_what_is_on_its_way(store: Store) -> None:
    with store.writing() as connection:
        ledger_rows.claim(connection, [row("a")])
        ledger_rows.store_calls(connection, [row("b", ANSWERED, body=b"kept")])
        ledger_rows.withdraw(connection, [("a", "run-1"), ("b", "run-1"), ("never", "run-1")])
        ledger_rows.withdraw(connection, [])
        assert ledger_rows.in_flight(connection) == 0
        assert set(ledger_rows.find(connection, ["a", "b"])) == {"b"}


def test_failed_rows_come_oldest_first_and_by_reason(store: Store) -> None:
    with store.writing() as connection:
        for key, reason, recorded_at in (
            ("a", "timeout", 2.0),
            ("b", "content-filter", 1.0),
            ("c", "timeout", 3.0),
        ):
            ledger_rows.store_calls(connection, [row(key, FAILED, reason=reason, recorded_at=recorded_at)])
        assert [call["key"] for call in ledger_rows.failed_rows(connection)] == ["b", "a", "c"]
        assert [call["key"] for call in ledger_rows.failed_rows(connection, "timeout")] == ["a", "c"]


def test_what_a_dead_run_left_becomes_lost_and_free(store: Store) -> None:
    with store.writing() as connection:
        ledger_runs.start_run(connection, "run-1")
        ledger_rows.claim(connection, [row("a"), row("b")])
        ledger_rows.store_calls(connection, [row("b", ANSWERED, body=b"kept", completion_tokens=1)])
        assert ledger_rows.dead_runs(connection) == []  # this process is alive
        ledger_runs.end_run(connection, "run-1")
        assert ledger_rows.dead_runs(connection) == ["run-1"]
        assert ledger_rows.sweep(connection, ["run-1"]) == 1
        assert ledger_rows.sweep(connection, ["run-1"]) == 0
        (lost,) = ledger_sums.lost_attempts(connection)
        assert (lost["calls"], lost["prompt_tokens"], lost["completion_tokens"]) == (1, 100, 10)
        assert ledger_rows.in_flight(connection) == 0


def test_marks_and_sums(store: Store) -> None:
    with store.writing() as connection:
        for key in "abc":
            ledger_rows.store_calls(
                connection, [row(key, ANSWERED, body=b"x", prompt_tokens=5, completion_tokens=2)]
            )
        ledger_rows.record_outcomes(connection, [("a", "retried", None), ("b", "rejected", "{}")])
        ledger_rows.record_outcomes(connection, [("b", None, None)])
        sums = {call["outcome"]: call for call in ledger_sums.spending(connection)}
    assert {outcome: call["calls"] for outcome, call in sums.items()} == {None: 2, "retried": 1}
    assert (sums[None]["prompt_tokens"], sums[None]["completion_tokens"], sums[None]["uncounted"]) == (
        10,
        4,
        0,
    )


def test_a_rejected_answer_makes_room_for_a_new_one_and_stays_in_the_accounts(store: Store) -> None:
    with store.writing() as connection:
        ledger_rows.store_calls(connection, [row("a", ANSWERED, body=b"no use", completion_tokens=2)])
        ledger_rows.archive_rejected(connection, "a")
        assert ledger_rows.find(connection, ["a"])["a"].body == b"no use"  # kept ones stay
        ledger_rows.record_outcomes(connection, [("a", "rejected", "{}")])
        assert [call["key"] for call in ledger_rows.rejected_rows(connection)] == ["a"]
        ledger_rows.archive_rejected(connection, "a")
        assert ledger_rows.find(connection, ["a"]) == {}
        ledger_rows.store_calls(connection, [row("a", ANSWERED, body=b"better", completion_tokens=2)])
        assert ledger_rows.find(connection, ["a"])["a"].body == b"better"
        sums = {call["outcome"]: call["calls"] for call in ledger_sums.spending(connection)}
    assert sums == {None: 1, "retried": 1}
