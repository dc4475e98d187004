"""The columns of an export are known by their names, whoever gave them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.bill_columns import columns_of, day_of

USAGE = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,"
    "batch,input_tokens,output_tokens,input_cached_tokens,input_audio_tokens,output_audio_tokens"
)
ROUTER = (
    "generation_id,created_at,cost_total,cost_web_search,tokens_prompt,tokens_completion,tokens_reasoning,"
    "tokens_cached,model_permaslug,provider_name"
)
CONSOLE = (
    "usage_date_utc,model_version,api_key,workspace,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_read,usage_output_tokens,web_search_count"
)


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        (
            USAGE,
            {
                "model": ("model",),
                "calls": ("num_model_requests",),
                "prompt_tokens": ("input_tokens",),
                "cached_tokens": ("input_cached_tokens",),
                "completion_tokens": ("output_tokens",),
                "date": ("start_time_iso",),
            },
        ),
        (
            ROUTER,
            {
                "model": ("model_permaslug",),
                "request": ("generation_id",),
                "prompt_tokens": ("tokens_prompt",),
                "cached_tokens": ("tokens_cached",),
                "completion_tokens": ("tokens_completion",),
                "usd": ("cost_total",),
                "date": ("created_at",),
            },
        ),
        (
            CONSOLE,
            {
                "model": ("model_version",),
                "prompt_tokens": (
                    "usage_input_tokens_no_cache",
                    "usage_input_tokens_cache_write_5m",
                    "usage_input_tokens_cache_read",
                ),
                "cached_tokens": ("usage_input_tokens_cache_read",),
                "completion_tokens": ("usage_output_tokens",),
                "date": ("usage_date_utc",),
            },
        ),
        (
            "Usage Date,Model Name,Total API Requests,Prompt Tokens (sum),CompletionTokens,Total Cost ($)",
            {
                "model": ("Model Name",),
                "calls": ("Total API Requests",),
                "prompt_tokens": ("Prompt Tokens (sum)",),
                "completion_tokens": ("CompletionTokens",),
                "usd": ("Total Cost ($)",),
                "date": ("Usage Date",),
            },
        ),
        (
            "Date,MeterName,Quantity,CostInBillingCurrency,BillingCurrency",
            {"usd": ("CostInBillingCurrency",), "currency": ("BillingCurrency",), "date": ("Date",)},
        ),
    ],
)
def test_columns_are_found(head: str, columns: dict[str, tuple[str, ...]]) -> None:
    assert columns_of(head.split(",")) == columns


@pytest.mark.parametrize("name", ["request_id", "cost per token", "input token price", "audio input tokens"])
def test_what_is_no_sum_is_not_read_as_one(name: str) -> None:
    assert not {"calls", "usd", "prompt_tokens"} & columns_of([name]).keys()


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-11-05", date(2026, 11, 5)),
        ("2026-11-05T23:30:00-02:00", date(2026, 11, 6)),
        ("2026-11-05 10:00:00 UTC", date(2026, 11, 5)),
        ("1762300800", date(2025, 11, 5)),
        ("1762300800000", date(2025, 11, 5)),
        ("11/05/2026", None),
        ("", None),
    ],
)
def test_a_day_is_read_where_it_is_clear(cell: str, day: date | None) -> None:
    assert day_of(cell) == day


@given(st.text())
def test_any_cell_is_a_day_or_none(cell: str) -> None:
    assert day_of(cell) is None or isinstance(day_of(cell), date)
    assert isinstance(columns_of([cell]), dict)
