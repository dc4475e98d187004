"""What a provider bills is counted, however it is reported."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.token_counts import TokenCounts, count_tokens

COUNTS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, (10, 5, None)),
        # reasoning in the total alone (xAI, Gemini)
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 2015}, (10, 2005, None)),
        # reasoning inside the completion (OpenAI): not counted twice
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 2005,
                "total_tokens": 2015,
                "completion_tokens_details": {"reasoning_tokens": 2000},
            },
            (10, 2005, None),
        ),
        # no total, and more reasoning than completion: it was left out
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "completion_tokens_details": {"reasoning_tokens": 2000},
            },
            (10, 2005, None),
        ),
        ({"prompt_tokens": 10, "total_tokens": 15}, (10, 5, None)),
        ({"completion_tokens": 5, "total_tokens": 15}, (10, 5, None)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 3}, (10, 5, None)),
        ({"prompt_tokens": 10.0, "completion_tokens": 5.0, "total_tokens": 15.0}, (10, 5, None)),
        ({"input_tokens": 10, "output_tokens": 5}, (10, 5, None)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 8},
            },
            (10, 5, 8),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 8}, (10, 5, 8)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 80}, (10, 5, 10)),
        ({"prompt_tokens": True, "completion_tokens": -1, "total_tokens": "15"}, (None, None, None)),
        (None, (None, None, None)),
        ([], (None, None, None)),
    ],
)
def test_all_output_is_counted_and_nothing_twice(usage: Any, counts: tuple[int | None, ...]) -> None:
    assert count_tokens(usage) == TokenCounts(*counts)


@given(
    st.dictionaries(
        st.sampled_from(
            ["prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "cached_tokens"]
        ),
        COUNTS,
    ),
    st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens"]), COUNTS) | COUNTS,
)
def test_any_usage_is_counted_as_the_store_can_hold_it(usage: dict[str, Any], details: Any) -> None:
    usage |= {"prompt_tokens_details": details, "completion_tokens_details": details}
    for count in count_tokens(usage):
        assert count is None or 0 <= count < 2**32
