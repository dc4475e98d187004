"""Read the bodies of text completion requests.

A prompt as text or token ids, and whether it is sent back with its log-probabilities. The prompt is not
touched, so methods that portray by a system text are not for these calls. It knows nothing of models or HTTP.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from preact.serving.chat_calls import (
    MOST_LIKELIEST,
    Refused,
    Text,
    checked_body,
    texts,
    validated,
)
from preact.systems.system import TEMPERATURE, TOP_P, Sampling

MAX_TOKENS = 16
"""The API's own default."""


def _one_prompt(value: list[str] | list[int] | list[list[int]]) -> list[str] | list[int] | list[list[int]]:
    if not value:
        raise ValueError("it is empty")
    if isinstance(value[0], str | list) and len(value) > 1:
        raise ValueError("one prompt a request")
    return value


class TextCall(BaseModel):
    """A text completion request, read; sampling as for chat requests."""

    model_config = ConfigDict(extra="ignore")

    model: Text
    prompt: Annotated[
        list[Text] | list[int] | list[list[int]], BeforeValidator(texts), AfterValidator(_one_prompt)
    ]
    max_tokens: int | None = Field(default=MAX_TOKENS, ge=0)
    temperature: float | None = Field(default=TEMPERATURE, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(default=TOP_P, gt=0, le=1, allow_inf_nan=False)
    seed: int | None = None
    stop: Annotated[list[Annotated[Text, Field(min_length=1, max_length=200)]], BeforeValidator(texts)] = (
        Field(default=[], max_length=4)
    )
    echo: bool | None = False
    logprobs: int | None = Field(default=None, ge=0, le=MOST_LIKELIEST)
    prompt_logprobs: int | None = Field(default=None, ge=0, le=MOST_LIKELIEST)

    def sampling(self) -> Sampling:
        """How its answer is drawn; 0 tokens where the prompt alone is wanted back."""
        temperature = TEMPERATURE if self.temperature is None else self.temperature
        limit = MAX_TOKENS if self.max_tokens is None else self.max_tokens
        return Sampling(temperature, self.top_p or TOP_P, limit)

    @property
    def wanted(self) -> int | None:
        """How many of the likeliest tokens to report at each position of the prompt; None reports none."""
        return self.logprobs if self.echo and self.prompt_logprobs is None else self.prompt_logprobs


def read_text_call(body: bytes) -> TextCall:
    """A request's body. Raises Refused, with the API's status and code, for what cannot be done."""
    content = checked_body(body)
    for name, harmless in (("stream", False), ("suffix", ""), ("best_of", 1)):
        if content.get(name) not in (None, harmless):
            message = f"'{name}' is not supported for text completions; leave it out"
            raise Refused(400, "unsupported_parameter", message, name)
    call = validated(TextCall, content)
    if call.max_tokens == 0 and not call.echo:
        raise Refused(
            400, "invalid_request_error", "'max_tokens': 0 is for 'echo'; ask for 1 or more", "max_tokens"
        )
    return call
