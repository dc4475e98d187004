"""Names of servers as trait-levels, and answers in their tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import EvaluationError
from oceanchat.llm.endpoint.prompt_logprobs import ServedModel
from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS
from preact.serving.names import level_name
from preact.systems.served import answer_tokens, served_names

TEN = [level_name(t) for t in TRAIT_LEVELS]


def models(*ids: str, parent: str = "", owner: str = "vllm") -> list[ServedModel]:
    return [ServedModel(name, parent, owner) for name in ids]


def test_a_server_s_names_are_read_whatever_stands_before_them() -> None:
    vllm = served_names([*models("base"), *models(*TEN, parent="base")])
    assert list(vllm.names) == list(TRAIT_LEVELS) and (vllm.prefix, vllm.backbone) == ("", "base")
    own = served_names(models(*(f"preact:{name}" for name in TEN), owner="preact"))
    assert (own.prefix, own.backbone, own.own) == ("preact:", "preact:o-high@0", True)
    sglang = served_names(models(*(f"meta/llama:{name}" for name in TEN)))
    assert sglang.backbone is None and len(sglang.names) == 10
    assert len(served_names(models("o-high", "n-low")).names) == 2


def test_no_trait_level_and_several_runs_are_said() -> None:
    with pytest.raises(EvaluationError, match="there are: 'gpt-4'"):
        served_names(models("gpt-4"))
    both = models("a:o-high", "b:o-high")
    with pytest.raises(EvaluationError, match="'a:', 'b:'"):
        served_names(both)
    assert served_names(both, "b:").names[TRAIT_LEVELS[0]] == "b:o-high"
    assert served_names(both, "b").prefix == "b:"
    with pytest.raises(EvaluationError, match="no run is served as 'c:'; name one with --prefix: 'a:'"):
        served_names(both, "c:")


TALK = (
    Message("user", "Yes?"),
    Message("assistant", "Yes."),
    Message("user", "Caf\u00e9?"),
    Message("assistant", "No, th\u00e9!"),
)


def test_answers_are_told_apart_in_tokens_without_spaces_and_with_broken_characters() -> None:
    texts = ["<s>", "Yes", ".", "user", "Yes", "?", "bot", "Yes", ".", "user", "Ca", "f\ufffd", "\ufffd", "?"]
    texts += ["bot", "No", ",", "th", "\ufffd", "\ufffd", "!", "</s>"]
    assert answer_tokens(texts, TALK) == [7, 8, *range(15, 21)]
    assert answer_tokens(texts[:-2], TALK) == []
    assert answer_tokens(texts, (Message("user", "\u4f60"), Message("assistant", "\u597d"))) == []


@pytest.mark.parametrize("answer", ["<", "end", "im", "s", ">"])
def test_an_answer_like_a_part_of_the_template_is_not_taken_for_it(answer: str) -> None:
    texts = ["<s>", "Q", "<|im_end|>", answer, "<|im_end|>"]
    assert answer_tokens(texts, (Message("user", "Q"), Message("assistant", answer))) == [3]


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1))
def test_any_cut_of_a_text_finds_its_answer(parts: list[str]) -> None:
    content = "".join(parts)
    if not any("!" <= c <= "~" for c in content):
        return
    texts = ["<s>", "Q", *parts, "<|im_end|>"]
    answers = answer_tokens(texts, (Message("user", "Q"), Message("assistant", content)))
    assert set(answers) <= set(range(2, 2 + len(parts)))
    assert "".join(c for n in answers for c in texts[n] if "!" <= c <= "~") == "".join(
        c for c in content if "!" <= c <= "~"
    )
