"""Chat templates, the label mask and cuts at whole turns."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import TrainingError
from oceanchat.prompts import Message
from preact.backbones.tiny import TEMPLATE, _tokenizer, conversation
from preact.dialogues.conversation import IGNORED, PLAIN_TEMPLATE, encode, ensure_template, prompt_ids, render
from tests.preact.conftest import MICRO

LLAMA_2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}"
    "{% else %}{% set loop_messages = messages %}{% set system = '' %}{% endif %}"
    "{% for m in loop_messages %}{% if m['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + (system if loop.first else '') + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + ' ' + eos_token }}{% endif %}{% endfor %}"
)
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHATML
FORGETFUL = "{% for m in messages[-2:] %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
TEMPLATES = {"tiny": TEMPLATE, "plain": PLAIN_TEMPLATE, "llama-2": LLAMA_2, "chatml": CHATML}
THOUGHTFUL = (
    "{% for m in messages %}<|{{ m['role'] }}|>"
    "{% if m['role'] == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'] }}</s>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""Shows an empty thought before the last answer alone."""
TALK = [
    Message("user", "How are you?"),
    Message("assistant", "Fine."),
    Message("user", "Why?"),
    Message("assistant", "Sun!"),
]


@cache
def words() -> Any:
    return _tokenizer(["How are you? Fine. Why? Sun! I felt it all day."] * 3, MICRO)


def with_template(template: str) -> Any:
    tokenizer = words()
    tokenizer.chat_template = template
    return tokenizer


def spoken(tokenizer: Any, encoded: Any) -> list[str]:
    """The labeled stretches as text."""
    stretches: list[list[int]] = []
    for before, label in zip([IGNORED, *encoded.labels], encoded.labels, strict=False):
        if label != IGNORED:
            if before == IGNORED:
                stretches.append([])
            stretches[-1].append(label)
    return [
        tokenizer.decode(ids, skip_special_tokens=True).split("<|im_end|>")[0].strip() for ids in stretches
    ]


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())
def test_the_loss_falls_on_answers_alone_whatever_the_template(template: str) -> None:
    tokenizer = with_template(template)
    encoded = encode(tokenizer, TALK, context=512, reply=256)
    assert encoded is not None and spoken(tokenizer, encoded) == ["Fine.", "Sun!"]
    assert all(label in (IGNORED, token) for token, label in zip(encoded.ids, encoded.labels, strict=True))


@pytest.mark.parametrize("template", [TEMPLATE, PLAIN_TEMPLATE, LLAMA_2], ids=["tiny", "plain", "llama-2"])
def test_the_end_of_a_turn_is_learnt(template: str) -> None:
    tokenizer = with_template(template)
    encoded = encode(tokenizer, TALK, context=512, reply=256)
    assert encoded is not None and encoded.labels.count(tokenizer.eos_token_id) == 2


def test_a_last_answer_shown_otherwise_is_learnt_like_the_others() -> None:
    tokenizer = with_template(THOUGHTFUL)
    encoded = encode(tokenizer, TALK, context=512, reply=256)
    assert encoded is not None and spoken(tokenizer, encoded) == ["Fine.", "Sun!"]
    assert encoded.labels.count(tokenizer.eos_token_id) == 2 and "think" not in tokenizer.decode(encoded.ids)


def test_dialogues_are_cut_at_whole_turns() -> None:
    tokenizer = with_template(TEMPLATE)
    whole = encode(tokenizer, TALK, context=512, reply=256)
    first = encode(tokenizer, TALK[:2], context=512, reply=256)
    assert whole is not None and first is not None
    assert encode(tokenizer, TALK, context=len(whole.ids) - 4, reply=3) == first
    assert encode(tokenizer, TALK, context=len(whole.ids) - 3, reply=3) == whole
    assert encode(tokenizer, TALK, context=2, reply=256) is None
    assert encode(tokenizer, TALK, context=512, reply=2) is None


@given(texts=st.lists(st.text(max_size=30), min_size=2, max_size=6), context=st.integers(1, 60))
def test_no_sequence_is_longer_than_it_may_be(texts: list[str], context: int) -> None:
    talk = [Message("user" if i % 2 == 0 else "assistant", t) for i, t in enumerate(texts)]
    try:
        encoded = encode(with_template(TEMPLATE), talk, context=context, reply=20)
    except TrainingError as error:
        assert "template" in str(error)
        return
    if encoded is not None:
        assert len(encoded.ids) <= context + 20 and len(encoded.ids) == len(encoded.labels)
        assert encoded.labels[-1] != IGNORED


def test_a_system_text_goes_where_the_template_takes_it() -> None:
    assert render(with_template(CHATML), TALK, system="Be calm.").startswith("<|im_start|>system\nBe calm.")
    assert "user\nBe calm.\n\nHow are you?" in render(with_template(NO_SYSTEM), TALK, system="Be calm.")
    assert "<<SYS>>\nBe calm." in render(with_template(LLAMA_2), TALK, system="Be calm.")


def test_templates_that_rewrite_or_refuse_are_told_apart() -> None:
    with pytest.raises(TrainingError, match="rewrites earlier turns"):
        encode(with_template(FORGETFUL), TALK, context=512, reply=256)
    with pytest.raises(TrainingError, match="refuses a dialogue"):
        render(with_template("{{ raise_exception('never') }}"), TALK)


def test_a_backbone_without_template_gets_the_plain_one() -> None:
    tokenizer = with_template(TEMPLATE)
    assert not ensure_template(tokenizer) and tokenizer.chat_template == TEMPLATE
    tokenizer.chat_template = None
    assert ensure_template(tokenizer) and tokenizer.chat_template == PLAIN_TEMPLATE


def test_prompts_end_where_the_answer_begins_and_keep_the_latest_turns() -> None:
    tokenizer = with_template(TEMPLATE)
    whole = prompt_ids(tokenizer, TALK[:3], context=512)
    assert tokenizer.decode(whole).endswith("<|assistant|>")
    short = prompt_ids(tokenizer, TALK[:3], context=len(whole) - 1)
    assert "Why?" in tokenizer.decode(short) and "Fine." not in tokenizer.decode(short)
    assert len(prompt_ids(tokenizer, TALK[:3], context=3)) == 3


def test_pretraining_renders_as_the_template_does() -> None:
    assert conversation([(m.role, m.content) for m in TALK]) == render(with_template(TEMPLATE), TALK)
    assert "</s></s>" not in conversation([("user", "a</s>"), ("assistant", "b")])


QWEN_3 = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['role'] == 'assistant' and loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{{ m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
"""Qwen 3's way: an empty thought before the last answer, and in prompts where no thoughts are wanted."""
MISTRAL = (
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] + '\n\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{{ bos_token }}{% for m in turns %}{% if m['role'] == 'user' %}"
    "{{ '[INST] ' + (system if loop.index >= turns | length - 1 else '') + m['content'] + '[/INST]' }}"
    "{% else %}{{ ' ' + m['content'] | trim + eos_token }}{% endif %}{% endfor %}"
)
"""Mistral's way: the system text moves along with the last question."""
DATED = (
    "{{ 'Today: ' + date_string + ', ' + strftime_now('%Y-%m-%d') + ', ' + strftime_now(\"%d %B\") + '\n' }}"
    + CHATML
)


def test_no_thoughts_are_asked_for_and_none_are_learnt() -> None:
    tokenizer = with_template(QWEN_3)
    assert render(tokenizer, TALK[:3], reply_next=True).endswith("assistant\n<think>\n\n</think>\n\n")
    for talk, answers in ((TALK, ["Fine.", "Sun!"]), (TALK[:2], ["Fine."])):
        encoded = encode(tokenizer, talk, context=512, reply=256)
        assert encoded is not None and spoken(tokenizer, encoded) == answers


def test_a_system_text_that_would_move_stands_in_the_first_question() -> None:
    tokenizer = with_template(MISTRAL)
    for talk in (TALK[:1], TALK[:3], TALK):
        assert "[INST] Be calm.\n\nHow are you?[/INST]" in render(tokenizer, talk, system="Be calm.")
    encoded = encode(tokenizer, TALK, context=512, reply=256, system="Be calm.")
    assert encoded is not None and spoken(tokenizer, encoded) == ["Fine.", "Sun!"]


def test_templates_are_given_one_date_for_ever() -> None:
    text = render(with_template(DATED), TALK)
    assert text.startswith("Today: 26 Jul 2024, 2024-07-26, 26 July\n")


@pytest.mark.parametrize("program", ["{% for a in range(10**9) %}{% endfor %}", "{{ 1 // 0 }}"])
def test_a_template_that_fails_is_one_line(program: str) -> None:
    with pytest.raises(TrainingError, match="chat template refuses a dialogue"):
        encode(with_template(program + CHATML), TALK, context=512, reply=9)


def test_a_template_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preact.dialogues.conversation.PATIENCE", 0.5)
    rounds = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    for act in (encode, prompt_ids):
        with pytest.raises(TrainingError, match=r"did not end within 0\.5 seconds"):
            act(with_template(rounds + CHATML), TALK, context=512, **({"reply": 9} if act is encode else {}))
