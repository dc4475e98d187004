"""Ask about several things in one call.

What the reply says of each is stored as that one's share, under a request about it alone, and is recalled in
whatever company it comes up again. What could not be read is the caller's to ask for one by one.
"""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import usable_text

Item = TypeVar("Item")
Reading = TypeVar("Reading")
ONE_BY_ONE = frozenset({"broken-off", "content-filter", "empty", "length", "refused"})
"""Why a call about several may fail and a call about each alone may not."""


class Shared(NamedTuple, Generic[Reading]):
    """What one call about several things brought."""

    readings: list[Reading | None]
    """In the order asked; None for what could not be read."""
    failure: CallFailed | None = None
    """Why the call failed, where asking one by one is no use."""


class SharedForm(NamedTuple, Generic[Item, Reading]):
    """How several things are asked about in one call, and how the reply is read."""

    request: Callable[[Sequence[Item]], ChatRequest]
    parse: Callable[[str, int], list[Reading | None]]
    """Reads a raw reply about so many."""
    write: Callable[[Reading], str]
    """A reading as a reply about one, which `parse` reads back."""
    alone: Callable[[Item], ChatRequest] | None = None
    """How the caller asks about one that could not be read; None: as about several."""


async def ask_about_all(
    model: RecordingModel, form: SharedForm[Item, Reading], items: Sequence[Item]
) -> Shared[Reading]:
    """Ask about `items` in one call, unless the ledger holds what was said of each of them.

    All are asked about, also those known: a request never depends on what was answered before it. What was
    known stays as it was.
    """
    stored = [await model.stored_answer(form.request([item])) for item in items]
    readings = [None if answer is None else form.parse(answer.text, 1)[0] for answer in stored]
    request = form.request(items)
    if all(readings) and await model.stored_answer(request) is None:
        return Shared(readings)
    if await _is_made_up_for(model, form, request, items):
        return Shared(readings)
    try:
        read = await _read(model, form, request, len(items))
    except CallFailed as failure:
        return Shared(readings, None if failure.reason in ONE_BY_ONE else failure)
    for number, reading in enumerate(read):
        if reading is not None and readings[number] is None:
            readings[number] = reading
            if len(items) > 1:
                model.store_share(form.request(items[number : number + 1]), form.write(reading))
    return Shared(readings)


async def _is_made_up_for(
    model: RecordingModel, form: SharedForm[Item, Reading], request: ChatRequest, items: Sequence[Item]
) -> bool:
    """Whether a call that would be asked again was followed by calls about each, and any of them answered."""
    if form.alone is None or await model.failure_to_repeat(request) not in ONE_BY_ONE:
        return False
    answers = [await model.stored_answer(form.alone(item)) for item in items]
    return any(answer is not None for answer in answers)


async def _read(
    model: RecordingModel, form: SharedForm[Item, Reading], request: ChatRequest, count: int
) -> list[Reading | None]:
    answer = await model.ask(request)
    try:
        read = form.parse(usable_text(answer), count)
    except CallFailed:
        model.record_outcome(request, "retried")
        raise
    if not any(read):
        model.record_outcome(request, "retried")
    return read
