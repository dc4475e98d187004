"""What a model refuses is read from its words, whoever words it; nothing else is taken for a refusal."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.chat import ChatRequest, Message
from oceanchat.llm.endpoint.error_words import ErrorWords
from oceanchat.llm.endpoint.request_form import RequestForm, without_system

REQUEST = ChatRequest((Message("system", "You label."), Message("user", "This.")), "label", 100, 0.0)
LIMIT = RequestForm(limit_name="max_completion_tokens")
COLD = RequestForm(left_out=frozenset({("temperature", 0.0)}))
WHOLE = RequestForm(left_out=frozenset({("top_p", 1.0)}))
FOLDED = RequestForm(no_system=True)
STREAMED = RequestForm(streamed=True)


def after(message: str, code: str = "", param: str = "", status: int | None = 400) -> RequestForm | None:
    return RequestForm().after(status, ErrorWords(message, code, param, status), REQUEST)


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (("Unsupported parameter: 'max_tokens' ... Use 'max_completion_tokens' instead.",), LIMIT),
        (("max_tokens is deprecated in favor of max_completion_tokens",), LIMIT),
        (("Unrecognized request argument supplied", "", "max_tokens"), LIMIT),
        (("property 'maxTokens' is unsupported",), LIMIT),
        (("bad request", "unsupported_parameter", "max_tokens"), LIMIT),
        (("Unsupported value: 'temperature' does not support 0 with this model.",), COLD),
        (("temperature is deprecated for this model", "invalid_request_error"), COLD),
        (("invalid temperature: only 1 is allowed for this model",), COLD),
        (("`temperature` must be strictly positive",), COLD),
        (("unsupported", "unsupported_value", "temperature"), COLD),
        (("`top_p` must be > 0.0 and < 1.0",), WHOLE),
        (("Extra inputs are not permitted", "extra_forbidden", "top_p"), WHOLE),
        (("temperature and top_p cannot both be specified for this model",), WHOLE),
        (("Unknown parameter: top_p; supported: model, messages, max_tokens, temperature",), WHOLE),
        (("This model only support stream mode, please enable the stream parameter.",), STREAMED),
        (("Stream must be set to true", "invalid_request_error", "stream"), STREAMED),
        (("System role not supported",), FOLDED),
        (("'messages[0].role' does not support 'system'", "unsupported_value", "messages[0].role"), FOLDED),
        (("Conversation roles must alternate user/assistant/user/assistant/...",), FOLDED),
        (("Developer instruction is not enabled for models/gemma-3-27b-it",), FOLDED),
        (("Input should be 'user' or 'assistant'", "literal_error", "messages.0.role"), FOLDED),
    ],
)
def test_a_refusal_is_read_from_code_param_or_message(words: tuple[str, ...], form: RequestForm) -> None:
    assert after(*words) == form


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (
            (
                "max_tokens is too large: 5000. This model supports at most 4096",
                "invalid_value",
                "max_tokens",
            ),
            400,
        ),
        (("maximum context length is 2048 tokens; you asked for max_tokens=100, unsupported",), 400),
        (("The model `x` does not exist or does not support temperature",), 404),
        (("temperature is not supported", "content_filter"), 400),
        (("Unsupported parameter", "unsupported_parameter", "logprobs"), 400),
        (("Unsupported parameter 'stop'; temperature is fine", "", "stop"), 400),
        (("temperature is not supported",), 429),
        (("no such thing",), 400),
    ],
)
def test_other_errors_change_nothing(words: tuple[str, ...], status: int) -> None:
    assert after(*words, status=status) is None


def test_what_was_learnt_is_sent_and_named() -> None:
    form = LIMIT.merged(COLD).merged(WHOLE).merged(FOLDED)
    assert form.body("m", REQUEST) == {
        "model": "m",
        "messages": [{"role": "user", "content": "You label.\n\nThis."}],
        "max_completion_tokens": 100,
    }
    assert form.differences() == (
        "max_completion_tokens in place of max_tokens",
        "no temperature where it would be 0",
        "no top_p where it would be 1",
        "the system part in the first user message",
    )
    assert RequestForm().differences() == ()


def test_another_temperature_is_sent_until_it_is_refused_too() -> None:
    warm = ChatRequest(REQUEST.messages, "write", 100, 0.9)
    assert COLD.body("m", warm)["temperature"] == 0.9
    assert COLD.after(400, ErrorWords("temperature is not supported"), REQUEST) is None


@given(st.permutations([LIMIT, COLD, WHOLE, FOLDED]))
def test_the_order_of_lessons_does_not_matter(forms: list[RequestForm]) -> None:
    first = list(itertools.accumulate(forms, RequestForm.merged))[-1]
    assert first == LIMIT.merged(COLD).merged(WHOLE).merged(FOLDED)


@given(st.text(), st.text(max_size=20), st.text(max_size=20), st.integers(100, 599))
def test_no_error_ends_in_an_endless_chain(message: str, code: str, param: str, status: int) -> None:
    form: RequestForm | None = RequestForm()
    for _ in range(5):
        form = form.after(status, ErrorWords(message, code, param), REQUEST) if form else None
    assert form is None


def test_further_parameters_are_added_and_null_leaves_ours_out() -> None:
    request = ChatRequest(REQUEST.messages, "label", 100, 0.0, extra_body='{"seed":1,"top_p":null}')
    body = RequestForm().body("m", request)
    assert body["seed"] == 1 and "top_p" not in body and body["max_tokens"] == 100


@pytest.mark.parametrize(
    ("roles", "folded"),
    [
        ("su", "u"),
        ("ssu", "u"),
        ("u", "u"),
        ("sau", "uau"),
        ("s", "u"),
        ("suau", "uau"),
    ],
)
def test_system_parts_go_in_front(roles: str, folded: str) -> None:
    names = {"s": "system", "u": "user", "a": "assistant"}
    messages = [Message(names[role], f"{role}{number}") for number, role in enumerate(roles)]
    joined = without_system(messages)
    assert "".join(message.role[0] for message in joined) == folded
    assert "\n\n".join(message.content for message in joined).split("\n\n") == [m.content for m in messages]
