"""A conversation as token ids.

The chat template, the self-discloser's label mask, cuts at whole turns. It knows tokenizers and templates; it
knows nothing of releases, traits or batches.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import TemplateError

from oceanchat.errors import TrainingError
from oceanchat.prompts import Message
from preact.dialogues.time_limit import OutOfTime, time_limit

IGNORED = -100
"""The label of a token that carries no loss."""

TODAY = date(2024, 7, 26)
"""The date that templates which print one are given, so that the same seed is the same run tomorrow; the one
that Llama 3's template falls back to."""
PATIENCE = 20.0
"""Seconds that a template may take over a dialogue."""
_NOW = re.compile(r"strftime_now\(\s*(?P<mark>['\"])(?P<form>.*?)(?P=mark)\s*\)")

PLAIN_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message.role == 'assistant' %}### Self-discloser:\n"
    "{% elif message.role == 'user' %}### Questioner:\n{% else %}### Setting:\n{% endif %}"
    "{{ message.content }}{{ eos_token if message.role == 'assistant' else '' }}\n"
    "{% endfor %}{% if add_generation_prompt %}### Self-discloser:\n{% endif %}"
)
"""What a backbone without a chat template gets."""
_TEMPLATE_ERRORS = (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""What a chat template can raise: it is a program of its own."""


class Encoded(NamedTuple):
    """One dialogue as the model sees it."""

    ids: list[int]
    labels: list[int]
    """The id where the self-discloser speaks (its end of turn included), IGNORED elsewhere."""
    answers: int
    """How many answers fitted; what follows them is cut off."""


def ensure_template(tokenizer: Any) -> bool:
    """Give the tokenizer the plain template if it has none; True if it got it."""
    if tokenizer.chat_template:
        return False
    tokenizer.chat_template = PLAIN_TEMPLATE
    return True


def render(tokenizer: Any, messages: Sequence[Message], *, system: str = "", reply_next: bool = False) -> str:
    """The conversation as text by the backbone's own chat template, without thoughts and on a fixed date.

    A `system` text goes into a system message, or in front of the first question where the template knows no
    such role or moves it when the conversation goes on. Raises TrainingError when the template refuses the
    conversation.
    """
    turns = [{"role": m.role, "content": m.content} for m in messages]
    failure: Exception | None = None
    try:
        if not system:
            return _apply(tokenizer, turns, reply_next)
        if _keeps_system(tokenizer, tokenizer.get_chat_template()):
            return _apply(tokenizer, [{"role": "system", "content": system}, *turns], reply_next)
        first = {**turns[0], "content": f"{system}\n\n{turns[0]['content']}"}
        text = _apply(tokenizer, [first, *turns[1:]], reply_next)
        if system.strip()[:40] in text:
            return text
    except _TEMPLATE_ERRORS as error:
        failure = error
    raise TrainingError(
        f"the backbone's chat template refuses a dialogue ({failure or 'it leaves the persona out'});"
        " choose a chat model as backbone"
    )


def _apply(tokenizer: Any, turns: Sequence[dict[str, str]], reply_next: bool) -> str:
    text: str = tokenizer.apply_chat_template(
        list(turns),
        chat_template=_dated(tokenizer.get_chat_template()),
        tokenize=False,
        add_generation_prompt=reply_next,
        enable_thinking=False,
        date_string=TODAY.strftime("%d %b %Y"),
    )
    return text


@lru_cache(maxsize=8)
def _dated(template: str) -> str:
    """The template with TODAY where it asks for the date."""
    return _NOW.sub(lambda call: repr(TODAY.strftime(call["form"])), template)


@lru_cache(maxsize=8)
def _keeps_system(tokenizer: Any, template: str) -> bool:
    """Whether a system message is shown, and stays where it is when the conversation goes on."""
    system, first, second = "Be as you are.", "What is first?", "What is second?"
    talk = [("system", system), ("user", first), ("assistant", "This is."), ("user", second)]
    turns = [{"role": role, "content": content} for role, content in talk]
    try:
        short, long = _apply(tokenizer, turns[:2], True), _apply(tokenizer, turns, True)
    except _TEMPLATE_ERRORS:
        return False
    beginning = short[: short.find(first) + len(first)]
    return system in beginning and first in beginning and long.startswith(beginning)


def encode(
    tokenizer: Any, messages: Sequence[Message], *, context: int, reply: int, system: str = ""
) -> Encoded | None:
    """Token ids and labels of a dialogue, cut at whole turns (section 5.3's lengths).

    The dialogue goes on while what precedes an answer has at most `context` tokens besides `reply` for the
    answers, so a sequence never exceeds `context + reply`, and an answer never exceeds `reply`. None when not
    even the first answer fits. Raises TrainingError when the template does not keep earlier turns as they
    were, or does not end.
    """
    with _patience():
        text, spans = _answers(tokenizer, messages, system)
    tokens = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return _cut(list(tokens["input_ids"]), list(tokens["offset_mapping"]), spans, context, reply)


@contextmanager
def _patience() -> Iterator[None]:
    """A scope for templates, which are programs that come with a backbone."""
    try:
        with time_limit(PATIENCE):
            yield
    except OutOfTime:
        raise TrainingError(
            f"the backbone's chat template did not end within {PATIENCE:g} seconds; choose another backbone"
        ) from None


def _answers(tokenizer: Any, messages: Sequence[Message], system: str) -> tuple[str, list[tuple[int, int]]]:
    """The conversation as text, and where each answer stands in it, its end of turn included."""
    answers = [index for index, message in enumerate(messages) if message.role == "assistant"]
    before = [render(tokenizer, messages[:i], system=system, reply_next=True) for i in answers]
    after = [render(tokenizer, messages[: i + 1], system=system) for i in answers]
    text = render(tokenizer, messages, system=system)
    whole = all(text.startswith(end.rstrip()) for end in after)
    if not whole:
        # Some templates show the last answer otherwise than earlier ones (an empty thought before it):
        # with another question behind it all answers are earlier ones.
        text = render(tokenizer, [*messages, Message("user", "?")], system=system)
    # What precedes an answer may end in more than a conversation shows: the empty thought again.
    starts = [_common(text, beginning) for beginning in before]
    if whole:
        spans = [(min(s, len(b)), len(b.rstrip())) for s, b in zip(starts, after, strict=True)]
    else:
        spans = [
            (s, _end_of_turn(tokenizer, text, messages[i], s)) for s, i in zip(starts, answers, strict=True)
        ]
    contents = [messages[i].content.strip() for i in answers]
    if not all(
        text[start:end].lstrip().startswith(content) and end > 0
        for content, (start, end) in zip(contents, spans, strict=True)
    ):
        raise TrainingError(
            "the backbone's chat template rewrites earlier turns, so answers cannot be told apart;"
            " choose another backbone"
        )
    return text, spans


def _common(text: str, beginning: str) -> int:
    """How many first characters both share."""
    pairs = enumerate(zip(text, beginning, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(text), len(beginning)))


def _end_of_turn(tokenizer: Any, text: str, answer: Message, start: int) -> int:
    """Where the answer that begins at `start` ends, a special token behind it included; 0 if it is absent."""
    content = answer.content.strip()
    if not text[start:].lstrip().startswith(content):
        return 0
    end = text.index(content, start) + len(content)
    mark = next((token for token in tokenizer.all_special_tokens if text.startswith(token, end)), "")
    return end + len(mark)


def _cut(
    ids: list[int], offsets: list[tuple[int, int]], spans: list[tuple[int, int]], context: int, reply: int
) -> Encoded | None:
    labels = [IGNORED] * len(ids)
    position, end_of_cut, answers = 0, 0, 0
    for start, end in spans:
        while position < len(ids) and offsets[position][1] <= start:
            position += 1
        first = position
        while position < len(ids) and offsets[position][0] < end:
            position += 1
        if position - first > reply or position > context + reply or (not end_of_cut and first > context):
            break
        labels[first:position] = ids[first:position]
        end_of_cut, answers = position, answers + 1
    return Encoded(ids[:end_of_cut], labels[:end_of_cut], answers) if answers else None


def prompt_ids(tokenizer: Any, messages: Sequence[Message], *, context: int, system: str = "") -> list[int]:
    """The prompt of the self-discloser's next answer: the latest turns that fit `context` tokens, as ids."""
    for start in range(0, len(messages), 2):
        with _patience():
            text = render(tokenizer, messages[start:], system=system, reply_next=True)
        ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) <= context:
            return ids
    return ids[-context:]
