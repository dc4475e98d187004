"""Read the bodies of chat requests.

What the API allows and this server can do is checked here, and refused with the parameter's name otherwise.
It knows nothing of models or of HTTP.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from oceanchat.nesting import OutOfBounds, parse_json
from oceanchat.prompts import Message
from preact.systems.system import MAX_TOKENS, TEMPERATURE, TOP_P, Sampling

MOST_LIKELIEST = 20
"""The API's own bound of top_logprobs."""


Call = TypeVar("Call", bound=BaseModel)


class Refused(Exception):
    """A request that is answered with an error of the API."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param


def _writable(text: str) -> str:
    """The text, unless it holds half a character (a lone surrogate), which no tokenizer reads."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character (a lone surrogate); leave that out") from None
    return text


Text = Annotated[str, AfterValidator(_writable)]


class ChatTurn(BaseModel):
    """A message; `content` may come as text or as parts of type 'text'."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant"]
    content: Text

    @staticmethod
    def joined(content: Any) -> Any:
        """The text of parts, or whatever else was given."""
        if isinstance(content, list) and all(
            isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
            for part in content
        ):
            return "".join(part["text"] for part in content)
        return content


def _turn(value: Any) -> Any:
    if isinstance(value, dict) and "content" in value:
        return {**value, "content": ChatTurn.joined(value["content"])}
    return value


def texts(value: Any) -> Any:
    """A list of one or several."""
    return [value] if isinstance(value, str) else value or []


class StreamOptions(BaseModel):
    """Options of streams."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ChatCall(BaseModel):
    """A chat request, read; defaults are those of `preact chat`."""

    model_config = ConfigDict(extra="ignore")

    model: Text
    messages: list[Annotated[ChatTurn, BeforeValidator(_turn)]] = Field(min_length=1)
    temperature: float | None = Field(default=TEMPERATURE, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(default=TOP_P, gt=0, le=1, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    stop: Annotated[list[Annotated[Text, Field(min_length=1, max_length=200)]], BeforeValidator(texts)] = (
        Field(default=[], max_length=4)
    )
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = Field(default=None, ge=0, le=MOST_LIKELIEST)
    prompt_logprobs: int | None = Field(default=None, ge=0, le=MOST_LIKELIEST)
    """As vLLM takes it: the prompt's own log-probabilities, and so many of the likeliest tokens' beside."""
    add_generation_prompt: bool | None = True
    """As vLLM takes it: without, the conversation stands as it is, and may end with an answer."""

    def sampling(self) -> Sampling:
        """How its answer is drawn."""
        limit = self.max_completion_tokens or self.max_tokens or MAX_TOKENS
        temperature = TEMPERATURE if self.temperature is None else self.temperature
        return Sampling(temperature, self.top_p or TOP_P, limit)

    def conversation(self) -> tuple[str, tuple[Message, ...]]:
        """The system texts that open it, and its turns. Raises Refused where the last is not the user's."""
        opening = 0
        while opening < len(self.messages) and self.messages[opening].role in ("system", "developer"):
            opening += 1
        turns = [Message(turn.role, turn.content) for turn in self.messages[opening:]]
        last = "user" if self.add_generation_prompt is not False else turns[-1].role if turns else ""
        if not turns or turns[-1].role != last:
            raise _invalid("messages", "the last message must be the user's")
        if any(turn.role not in ("user", "assistant") for turn in turns):
            raise _invalid("messages", "system messages come first, before the user's")
        system = "\n\n".join(turn.content for turn in self.messages[:opening])
        return system, tuple(turns)


_CANNOT: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "tools": ([],),
    "functions": ([],),
    "logit_bias": ({},),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "audio": (),
}
"""Parameters that would change the answer and are not supported, with the values that change nothing."""


def read_call(body: bytes) -> ChatCall:
    """A request's body. Raises Refused, with the API's status and code, for what cannot be done."""
    call = validated(ChatCall, checked_body(body))
    if call.stream and call.prompt_logprobs is not None:
        raise _invalid("prompt_logprobs", "'prompt_logprobs' does not come in a stream; leave one out")
    return call


def checked_body(body: bytes) -> dict[str, Any]:
    """A body that is a JSON object and asks for nothing that no request can have. Raises Refused."""
    try:
        content = parse_json(body)
    except OutOfBounds as error:
        raise Refused(400, "invalid_request_error", f"the body cannot be read: {error}") from None
    except ValueError as error:
        raise Refused(400, "invalid_request_error", f"the body is not JSON: {str(error)[:200]}") from None
    if not isinstance(content, dict):
        raise Refused(400, "invalid_request_error", "the body is not a JSON object")
    for name, harmless in _CANNOT.items():
        if content.get(name) is not None and content[name] not in harmless:
            raise Refused(400, "unsupported_parameter", f"'{name}' is not supported; leave it out", name)
    return content


def validated(kind: type[Call], content: dict[str, Any]) -> Call:
    """The content as this kind of call. Raises Refused with the first parameter that is wrong."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _invalid(where, f"'{where}': {first['msg']}") from None


def _invalid(param: str, message: str) -> Refused:
    return Refused(400, "invalid_request_error", message, param)
