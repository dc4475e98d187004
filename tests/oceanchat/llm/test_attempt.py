"""An attempt is paid for, stored and counted once, whatever comes of it."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from oceanchat.llm.attempt import token_columns
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.models import open_session
from oceanchat.store import ledger_sums
from oceanchat.store.database import Store
from tests.endpoint import MODEL, Endpoint, ask_all, prices_file, questions

Serve = Callable[..., Endpoint]


def test_an_answer_without_counts_leaves_its_columns_empty() -> None:
    empty = {"prompt_tokens": None, "completion_tokens": None, "cached_tokens": None}
    assert token_columns(None) == token_columns(ChatAnswer("no counts")) == empty
    assert token_columns(ChatAnswer("x", prompt_tokens=9, completion_tokens=2, cached_tokens=8)) == {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "cached_tokens": 8,
    }


async def test_an_attempt_that_may_be_billed_counts_at_its_worst(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve(rate_500=1.0)
    settings = endpoint.settings(prices=prices_file(tmp_path, 0.0, 10_000.0), max_usd=50, max_tries=2)
    async with open_session(settings, store.engine, OpenAIEndpoint) as session:
        await ask_all(session, questions(2))
        assert session.model(MODEL).name == MODEL
    assert session.budget.spent == session.usage.lost_usd == Decimal(4)  # four tries of 100 tokens each
    assert session.usage.cost == "$0.0000 and up to $4.0000 possibly paid"
    assert session.usage.as_json()["possibly_paid"] == 4
    with store.reading() as connection:
        (lost,) = ledger_sums.lost_attempts(connection)
    assert (lost["reason"], lost["calls"]) == ("server-error", 4)
