"""What was asked under a key is known until there is an answer or a failure."""

from sqlalchemy import select

from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_requests
from oceanchat.store.database import Store
from oceanchat.store.ledger import ANSWERED, FAILED, IN_FLIGHT
from oceanchat.store.ledger_requests import WrittenRequest
from tests.oceanchat.store.test_ledger import row


def test_a_request_is_known_until_it_is_answered_or_has_failed(store: Store) -> None:
    written = [WrittenRequest(key, "http://e/v1", "m", "{}") for key in "abcd"]
    with store.writing() as connection:
        ledger_requests.add_requests(connection, written)
        ledger_requests.add_requests(connection, [written[0]._replace(endpoint="http://other/v1")])
        ledger_requests.add_requests(connection, [])
        ledger_rows.claim(connection, [row("d", IN_FLIGHT)])
        ledger_rows.store_calls(
            connection, [row("b", ANSWERED, body=b"x"), row("c", FAILED, request='{"c": 1}')]
        )
        ledger_rows.store_calls(connection, [row("e", ANSWERED, body=b"x"), row("f", FAILED)])
        known = ledger_requests.requests_for(connection, [*"abcdefg"])
        assert {key: request.state for key, request in known.items()} == {
            "a": None,
            "b": ANSWERED,
            "c": FAILED,
            "d": None,
            "e": ANSWERED,
        }
        assert known["a"].endpoint == "http://other/v1" and known["c"].request == '{"c": 1}'
        ledger_requests.forget_done(connection)
        left = connection.execute(select(ledger_requests.ledger_requests.c.key)).scalars()
        assert {*left} == {"a", "d"}
