"""Readers of prompt log-probabilities: vLLM's form, echoed prompts, and anything else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.endpoint.prompt_logprobs import ScoredToken, read_echo, read_prompt


def entry(token: int, logprob: Any, text: str = "x") -> dict[str, Any]:
    return {str(token): {"logprob": logprob, "rank": 2, "decoded_token": text}, "9": {"logprob": -0.1}}


def test_the_prompt_s_own_token_comes_first_and_the_likelier_one_behind_it() -> None:
    answer = {"prompt_logprobs": [None, entry(5, -1.5, " I"), entry(6, -2)]}
    assert read_prompt(answer) == [
        ScoredToken("", None, None),
        ScoredToken(" I", -1.5, 5),
        ScoredToken("x", -2.0, 6),
    ]


@pytest.mark.parametrize(
    "entries",
    [None, [], [None], {}, [None, None], [None, {}], [None, {"x": {"logprob": -1}}], [None, {"5": -1}],
     [None, entry(5, None)], [None, entry(5, True)], [None, entry(5, float("nan"))]],
)  # fmt: skip
def test_what_holds_no_log_probabilities_is_none(entries: Any) -> None:
    assert read_prompt({"prompt_logprobs": entries}) is None


def test_an_echoed_prompt_is_read_without_ids() -> None:
    logprobs = {"tokens": ["A", " b", "c"], "token_logprobs": [None, -1, -2.5]}
    tokens = read_echo({"choices": [{"text": "A bc", "logprobs": logprobs}]})
    assert tokens == [ScoredToken("A", None, None), ScoredToken(" b", -1, None), ScoredToken("c", -2.5, None)]
    assert (
        read_echo({"choices": [{"text": "c", "logprobs": {"tokens": ["c"], "token_logprobs": [-1]}}]}) is None
    )
    assert read_echo({"choices": [{"text": "c", "logprobs": None}]}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["choices", "logprobs", "tokens", "token_logprobs", "prompt_logprobs", "5"]),
            inner,
        )
    ),
)


@given(st.dictionaries(st.sampled_from(["choices", "prompt_logprobs"]), JSON))
def test_any_answer_is_read_or_none(answer: dict[str, Any]) -> None:
    answer = json.loads(json.dumps(answer))
    for tokens in (read_prompt(answer), read_echo(answer)):
        assert tokens is None or all(isinstance(token, ScoredToken) for token in tokens)
