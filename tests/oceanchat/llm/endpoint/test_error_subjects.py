"""What an error is about is known by its words, whoever serves and under whatever status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.endpoint.error_subjects import CONTENT_FILTER, KEY, MODEL, QUOTA, TOO_LONG, subject_of


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "This model's maximum context length is 2048 tokens. However, you requested 2900 tokens."),
        (400, "The decoder prompt (length 9000) is longer than the maximum model length of 8192."),
        (400, "'max_tokens' is too large: 800. This model's maximum context length is 512 tokens"),
        (400, "the request exceeds the available context size, try increasing it"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum"),
        (400, "input length and `max_tokens` exceed context limit: 188240 + 20000 > 200000"),
        (400, "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"),
        (400, "Please reduce the length of the messages or completion."),
        (400, "the input length exceeds the context length"),
        (
            400,
            "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded",
        ),
        (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 2100"),
        (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
        (400, "Input is too long for requested model."),
        (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081"),
        (400, "This model's maximum prompt length is 131072 but the request contains 140000 tokens."),
        (400, "Range of input length should be [1, 30720]"),
        (400, "Invalid request: Your request exceeded model token limit: 8192"),
        (500, "Context size has been exceeded."),
    ],
)
def test_a_request_that_does_not_fit_is_too_long(status: int, message: str) -> None:
    assert subject_of(status, "invalid_request_error", message) == TOO_LONG


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "content_filter", "The response was filtered due to the prompt"),
        (400, "", "The response was filtered by Azure OpenAI's content management policy."),
        (400, "invalid_prompt", "Your prompt was flagged as potentially violating our usage policy."),
        (400, "DataInspectionFailed", "Input data may contain inappropriate content."),
        (400, "invalid_request_error", "Content Exists Risk"),
        (400, "invalid_request_error", "Output blocked by content filtering policy"),
        (403, "", "anthropic/claude requires moderation on OpenRouter. Your input was flagged for violence"),
    ],
)
def test_a_request_that_a_filter_withholds_is_known(status: int, code: str, message: str) -> None:
    assert subject_of(status, code, message) == CONTENT_FILTER


@pytest.mark.parametrize(
    ("status", "code", "message", "subject"),
    [
        (400, "invalid_request_error", "Your credit balance is too low to access the API.", QUOTA),
        (402, "", "Insufficient Balance", QUOTA),
        (429, "exceeded_current_quota_error", "Your account is suspended", QUOTA),
        (429, "billing_not_active", "Your account is not active, please check your billing", QUOTA),
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", KEY),
        (400, "", "Incorrect API key provided: ***. You can obtain an API key from the console", KEY),
        (401, "", "Missing API key", KEY),
        (400, "invalid_request_error", "Unsupported value: 'temperature' does not support 0", None),
        (400, "invalid_value", "max_tokens is too large: 5000. This model supports at most 4096", None),
        (401, "", "Not authenticated", KEY),
        (404, "model_not_found", "The model `x` does not exist or you do not have access to it.", MODEL),
        (403, "model_not_found", "Project `p` does not have access to model `x`", MODEL),
        (400, "", "x is not a valid model ID", MODEL),
        (400, "invalid_request_error", "Model Not Exist", MODEL),
        (400, "invalid_model", "Invalid model: x", MODEL),
        (404, "", "model 'x' not found, try pulling it first", MODEL),
        (404, "DeploymentNotFound", "The API deployment for this resource does not exist.", MODEL),
        (404, "", "404 page not found", None),
        (429, "rate_limit_exceeded", "Rate limit reached: Limit 200, Used 200", None),
        (429, "", "Request too large for model: Limit 6000, Requested 9000, tokens per minute", None),
        (500, "server_error", "The server had an error while processing your request", None),
        (403, "", "Country, region, or territory not supported", None),
        (400, "", "'messages' must contain the word 'json' in some form", None),
    ],
)
def test_other_subjects_are_told_apart(status: int, code: str, message: str, subject: str | None) -> None:
    assert subject_of(status, code, message) == subject


@given(st.integers(200, 599), st.text(), st.text())
def test_any_words_have_one_subject_or_none(status: int, code: str, message: str) -> None:
    assert subject_of(status, code, message) in (TOO_LONG, CONTENT_FILTER, QUOTA, KEY, MODEL, None)
