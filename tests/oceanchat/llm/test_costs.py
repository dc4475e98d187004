"""paid = kept + rejected + retried + lost in flight, whatever happens."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.costs import KINDS, CostKey, add_up, cost_report, reconcile
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.prices import load_prices
from oceanchat.models import open_session
from oceanchat.store.database import Store
from tests.endpoint import MODEL, Endpoint, ask, ask_all, prices_file, question, questions

Serve = Callable[..., Endpoint]
ROWS = st.fixed_dictionaries(
    {
        "task": st.sampled_from(["label", "write"]),
        "model": st.sampled_from(["gpt-4", "my-own"]),
        "endpoint": st.just("https://api.openai.com/v1"),
        "trait_level": st.sampled_from(["O+", "N-", ""]),
        "batched": st.booleans(),
        "state": st.sampled_from(["answered", "failed"]),
        "outcome": st.sampled_from([None, "retried", "rejected"]),
        "calls": st.integers(1, 9),
        "uncounted": st.just(0),
        "prompt_tokens": st.none() | st.integers(0, 10**6),
        "completion_tokens": st.none() | st.integers(0, 10**6),
    }
)


@given(st.lists(ROWS, max_size=12), st.lists(ROWS, max_size=4))
def test_every_call_is_counted_once_and_the_sums_agree(spending: list[dict], losses: list[dict]) -> None:  # type: ignore[type-arg]
    lines = reconcile(spending, losses, load_prices())
    total = add_up(lines.values())
    assert total.paid.calls == sum(row["calls"] for row in spending + losses)
    assert total.paid.calls == sum(total.kinds[kind].calls for kind in KINDS)
    assert total.paid.usd == sum((line.paid.usd for line in lines.values()), Decimal(0))
    assert total.kinds["lost"].calls == sum(row["calls"] for row in losses)
    unknown = sum(row["calls"] for row in spending + losses if row["model"] == "my-own")
    assert total.paid.unpriced == unknown


async def test_a_rough_run_reconciles_with_what_the_endpoint_billed(
    store: Store, serve: Serve, tmp_path: Path
) -> None:
    endpoint = serve(rate_429=0.1, rate_500=0.05, rate_cut_off=0.1, rate_refusal=0.1, retry_after=0.1)
    path = prices_file(tmp_path)
    async with open_session(
        endpoint.settings(prices=path, concurrency=16), store.engine, OpenAIEndpoint
    ) as session:
        answers = await ask_all(session, questions(80))
        usable = [isinstance(answer, ChatAnswer) and answer.refusal is None for answer in answers]
        session.model(MODEL).record_outcome(question(f"question {usable.index(True)}"), "retried")
    report = cost_report(store, load_prices(path))
    total = report.total
    counters = endpoint.counters()
    assert total.paid.calls == counters["paid"] + counters["by_status"]["500"]
    assert total.kinds["rejected"].calls == counters["by_status"]["refusal"]
    assert total.kinds["lost"].calls == counters["by_status"]["cut_off"] + counters["by_status"]["500"]
    assert total.kinds["retried"].calls == 1
    assert total.kinds["kept"].calls + total.kinds["rejected"].calls + 1 == 80
    assert session.usage.usd == total.paid.usd - total.kinds["lost"].usd > 0
    assert (session.usage.lost, session.usage.lost_usd) == (
        total.kinds["lost"].calls,
        total.kinds["lost"].usd,
    )
    assert session.budget.spent == total.paid.usd
    assert set(report.lost_reasons) <= {"server-error", "truncated-body", "connection-lost"}
    assert sum(report.lost_reasons.values()) == total.kinds["lost"].calls


async def test_costs_are_reported_by_stage_model_and_trait_level(store: Store, serve: Serve) -> None:
    endpoint = serve()
    requests = [
        question("a"),
        question("b", task="write"),
        question("c", trait_level="N-"),
        question("d", trait_level="N-"),
    ]
    await ask(endpoint.settings(), store.engine, requests)
    lines = cost_report(store, load_prices()).lines
    assert {key: line.paid.calls for key, line in lines.items()} == {
        CostKey("label", MODEL, endpoint.url, "O+"): 1,
        CostKey("label", MODEL, endpoint.url, "N-"): 2,
        CostKey("write", MODEL, endpoint.url, "O+"): 1,
    }
