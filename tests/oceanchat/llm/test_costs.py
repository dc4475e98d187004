"""paid = kept + rejected + retried + lost in flight, whatever happens."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.costs import KINDS, Line, accounts_of, reconcile, total
from oceanchat.llm.prices import load_prices
from oceanchat.models import open_run
from oceanchat.store.database import Store
from tests.endpoint import MODEL, Endpoint, ask, ask_all, prices_file, question, questions

Serve = Callable[..., Endpoint]
ROWS = st.fixed_dictionaries(
    {
        "task": st.sampled_from(["label", "write"]),
        "model": st.sampled_from(["gpt-4", "my-own"]),
        "endpoint": st.just("https://api.openai.com/v1"),
        "about": st.sampled_from(["O+", "N-", ""]),
        "batched": st.booleans(),
        "state": st.sampled_from(["answered", "failed"]),
        "outcome": st.sampled_from([None, "retried", "rejected"]),
        "calls": st.integers(1, 9),
        "untold": st.just(0),
        "prompt_tokens": st.none() | st.integers(0, 10**6),
        "completion_tokens": st.none() | st.integers(0, 10**6),
    }
)


@given(st.lists(ROWS, max_size=12), st.lists(ROWS, max_size=4))
def test_every_call_is_booked_once_and_the_sums_agree(spending: list[dict], losses: list[dict]) -> None:  # type: ignore[type-arg]
    accounts = reconcile(spending, losses, load_prices())
    everything = total(accounts)
    assert everything.paid.calls == sum(row["calls"] for row in spending + losses)
    assert everything.paid.calls == sum(everything.kinds[kind].calls for kind in KINDS)
    assert everything.paid.usd == sum((account.paid.usd for account in accounts.values()), Decimal(0))
    assert everything.kinds["lost"].calls == sum(row["calls"] for row in losses)
    unknown = sum(row["calls"] for row in spending + losses if row["model"] == "my-own")
    assert everything.paid.unpriced == unknown


async def test_a_rough_run_reconciles_with_what_the_endpoint_billed(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve(rate_429=0.1, rate_500=0.05, rate_cut_off=0.1, rate_refusal=0.1, retry_after=0.1)
    path = prices_file(tmp_path)
    async with open_run(endpoint.settings(prices=path, concurrency=16), store.engine) as run:
        answers = await ask_all(run, questions(80))
        usable = [isinstance(answer, ChatAnswer) and answer.refusal is None for answer in answers]
        run.model(MODEL).mark(question(f"question {usable.index(True)}"), "retried")
    books = accounts_of(store, load_prices(path))
    everything = total(books.accounts)
    counters = endpoint.counters()
    assert everything.paid.calls == counters["paid"]
    assert everything.kinds["rejected"].calls == counters["by_status"]["refusal"]
    assert everything.kinds["lost"].calls == counters["by_status"]["cut_off"]
    assert everything.kinds["retried"].calls == 1
    assert everything.kinds["kept"].calls + everything.kinds["rejected"].calls + 1 == 80
    assert run.counts.usd == everything.paid.usd - everything.kinds["lost"].usd > 0


async def test_accounts_are_kept_by_stage_model_and_trait_level(store: Store, serve: Serve) -> None:
    endpoint = serve()
    requests = [
        question("a"),
        question("b", task="write"),
        question("c", about="N-"),
        question("d", about="N-"),
    ]
    await ask(endpoint.settings(), store.engine, requests)
    found = accounts_of(store, load_prices()).accounts
    assert {line: account.paid.calls for line, account in found.items()} == {
        Line("label", MODEL, endpoint.url, "O+"): 1,
        Line("label", MODEL, endpoint.url, "N-"): 2,
        Line("write", MODEL, endpoint.url, "O+"): 1,
    }
