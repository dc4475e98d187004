"""Talk with a model, turn by turn.

A message is stored before the model is asked, an answer once it is whole: whatever breaks, the same message
is asked about again. Turns are only added. A message has the token of the page it was sent from and a number;
sending it twice gives the answer that is stored, and another message under a used number is refused. Nothing
here sends requests.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection

from oceanchat.annotation import labels
from oceanchat.annotation.evaluation import systems_of
from oceanchat.annotation.labels import PresentedItem
from oceanchat.annotation.tasks import MAX_CHARACTERS, TALK
from oceanchat.errors import AnnotationError
from oceanchat.statistics.sampling import fraction
from oceanchat.store import annotators as annotator_rows
from oceanchat.store import assignments as assignment_rows
from oceanchat.store import conversations as conversation_rows
from oceanchat.store import presentations as presentation_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.assignments import Assignment
from oceanchat.store.conversations import (
    CONVERSATION,
    EVALUATION,
    SHARED,
    OpenCell,
    StoredConversation,
    StoredTurn,
)
from oceanchat.store.database import Store
from oceanchat.store.samples import Sample, latest_sample
from oceanchat.traits import TraitLevel


class HeldElsewhere(AnnotationError):
    """A conversation that another annotator is holding."""


class OtherMessage(AnnotationError):
    """A message under a number that another message has; sent from another tab or window."""

    def __init__(self, turns: Sequence[StoredTurn]) -> None:
        super().__init__(
            "the conversation went on in another tab or window; what you typed is still here and was not sent"
        )
        self.turns = turns


class NextConversation(NamedTuple):
    """What somebody is to do next in an evaluation."""

    item: PresentedItem | None
    waiting: bool
    """Whether all that is left is being talked about by others."""


@dataclass(frozen=True)
class Request:
    """What a model is asked for one answer."""

    conversation_id: int
    number: int
    """Of the exchange, from 1."""
    exchanges: int
    """After which the conversation is over."""
    url: str
    model: str
    messages: tuple[tuple[str, str], ...]
    """(role, content) pairs of the chat."""
    seed: int
    temperature: float
    max_tokens: int

    @property
    def body(self) -> dict[str, Any]:
        """The parameters that are sent."""
        return {
            "model": self.model,
            "messages": [{"role": role, "content": content} for role, content in self.messages],
            "seed": self.seed,
            "temperature": self.temperature,
            "top_p": 1.0,
            "max_tokens": self.max_tokens,
        }

    @property
    def prompt_hash(self) -> str:
        """SHA-256 of what is sent."""
        return text_hash(json.dumps(self.body, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def text_hash(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def newest_evaluation(store: Store) -> Sample | None:
    """The evaluation that annotators work on; None when there is none."""
    with store.reading() as connection:
        return latest_sample(connection, EVALUATION)


def next_conversation(store: Store, account: Annotator, number: int) -> NextConversation:
    """Present what somebody is to talk about or rate next.

    First, in their order, what they can rate and what they are to hold; then what nobody holds yet. What they
    put off comes last.
    """
    with store.reading() as connection:
        cells = conversation_rows.open_cells(connection, account.id, number)
        sample = latest_sample(connection, number=number)
        live = sample is not None and sample.settings["unit"] == "live"
        reachable = [cell for cell in cells if live or cell.finished or cell.holder_id in (None, account.id)]
        reachable.sort(key=lambda cell: (cell.put_off, not live and not _is_ready(cell, account)))
        chosen = next(iter(reachable), None)
        assignment = (
            None if chosen is None else assignment_rows.assignment_by_id(connection, chosen.assignment_id)
        )
    if assignment is None:
        return NextConversation(None, waiting=bool(cells))
    return NextConversation(labels.show(store, account, assignment), waiting=False)


def _is_ready(cell: OpenCell, account: Annotator) -> bool:
    if cell.finished or cell.holder_id == account.id:
        return True
    return cell.holder_id is None and cell.slot == 0


def put_off(store: Store, account: Annotator, token: str, *, now: float | None = None) -> None:
    """Have a conversation come behind all others; AnnotationError unless it is somebody's own."""
    with store.writing() as connection:
        _, assignment = labels.locked_presentation(connection, account, token)
        assignment_rows.put_off(connection, assignment.id, time.time() if now is None else now)


def turns_for(store: Store, assignment: Assignment) -> list[StoredTurn]:
    """The turns of the conversation that an assignment is about; none while it has not begun."""
    with store.reading() as connection:
        held = conversation_rows.conversation_for(connection, assignment.item.id, assignment.annotator_id)
        return [] if held is None else conversation_rows.turns_of(connection, held.id)


def held_elsewhere(store: Store, account: Annotator, assignment: Assignment) -> bool:
    """Whether another annotator, who has not left, is in the middle of an assignment's conversation."""
    with store.reading() as connection:
        held = conversation_rows.conversation_for(connection, assignment.item.id, account.id)
        return held is not None and held.finished_at is None and _is_anothers(connection, held, account)


def _is_anothers(connection: Connection, held: StoredConversation, account: Annotator) -> bool:
    return held.holder_id != account.id and annotator_rows.by_id(connection, held.holder_id).gets_items


def say(
    store: Store, account: Annotator, token: str, number: int, text: str, *, now: float | None = None
) -> StoredTurn | Request:
    """Store a message; the answer to it where there is one already, else what the model is to be asked.

    The first message is the starting question, whatever is sent. Raises HeldElsewhere, OtherMessage, and
    AnnotationError for an item that is not somebody's own, a number out of turn and an empty or endless text.
    """
    moment = time.time() if now is None else now
    with store.writing() as connection:
        _, assignment = labels.locked_presentation(connection, account, token)
        if account.retired_at is not None or assignment.item.kind != CONVERSATION:
            raise AnnotationError("there is nothing to say here; reload the page")
        sample = latest_sample(connection, number=assignment.item.sample_id)
        assert sample is not None  # every conversation belongs to an evaluation
        held = _held(connection, account, assignment, sample, moment)
        turns = conversation_rows.turns_of(connection, held.id)
        text = str(assignment.item.content["question"]) if number == 1 else _message(text)
        before = next((t for t in turns if (t.number, t.role) == (number, "questioner")), None)
        if before is not None and before.text != text:
            raise OtherMessage(turns)
        answer = next((t for t in turns if (t.number, t.role) == (number, "discloser")), None)
        if answer is not None:
            return answer
        if before is None:
            _check_turn(turns, number, int(sample.settings["exchanges"]))
            turn = StoredTurn(number, "questioner", text, moment, account.id)
            conversation_rows.add_turn(connection, held.id, turn)
            turns.append(turn)
            _drop_message(connection, assignment, moment)
        system = systems_of(sample)[conversation_rows.system_of(connection, assignment.item.id)]
        level = TraitLevel.parse(assignment.item.stratum)
        persona = [("system", sample.settings["personas"][level.code])] if system.prompted else []
        return Request(
            held.id,
            number,
            int(sample.settings["exchanges"]),
            system.url,
            system.model_for(level),
            (*persona, *((_ROLES[turn.role], turn.text) for turn in turns)),
            held.seed,
            float(sample.settings["temperature"]),
            int(sample.settings["max_tokens"]),
        )


_ROLES = {"questioner": "user", "discloser": "assistant"}


def _held(
    connection: Connection, account: Annotator, assignment: Assignment, sample: Sample, moment: float
) -> StoredConversation:
    """The locked conversation, which is now this annotator's to go on with; raises HeldElsewhere."""
    item, slot = assignment.item.id, SHARED if sample.settings["unit"] == "shared" else account.id
    seed = int(fraction(sample.seed, "conversation", item, slot) * 2**31)
    held = conversation_rows.start_conversation(connection, item, slot, account.id, seed, moment)
    if held.finished_at is None and held.holder_id != account.id:
        if _is_anothers(connection, held, account):
            raise HeldElsewhere(
                "another annotator is holding this conversation; you rate it when it is over: go on with the"
                " next one"
            )
        conversation_rows.take_over(connection, held.id, account.id)
    return held


def _message(text: str) -> str:
    cleaned = TALK.tidy({"message": text}).get("message", "")
    if not cleaned:
        raise AnnotationError("the message is empty; write what you want to say")
    if len(text) > MAX_CHARACTERS:
        raise AnnotationError(f"the message has over {MAX_CHARACTERS:,} characters; shorten it")
    return cleaned


def _check_turn(turns: Sequence[StoredTurn], number: int, exchanges: int) -> None:
    answered = sum(turn.role == "discloser" for turn in turns)
    if number != answered + 1 or number > exchanges:
        raise OtherMessage(turns)


def _drop_message(connection: Connection, assignment: Assignment, moment: float) -> None:
    """Drop the draft of a message that was sent; the time spent stays."""
    draft = presentation_rows.draft(connection, assignment.id)
    if draft is not None:
        presentation_rows.put_draft(connection, assignment.id, {}, moment, draft.active_seconds)


def store_answer(store: Store, request: Request, text: str, *, now: float | None = None) -> StoredTurn:
    """Store a model's whole answer; the one that is stored where another process was quicker."""
    moment = time.time() if now is None else now
    cleaned = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
    answer = StoredTurn(
        request.number,
        "discloser",
        cleaned,
        moment,
        model=request.model,
        seed=request.seed,
        prompt_hash=request.prompt_hash,
        answer_hash=text_hash(cleaned),
    )
    with store.writing() as connection:
        conversation_rows.lock_conversation(connection, request.conversation_id)
        turns = conversation_rows.turns_of(connection, request.conversation_id)
        stored = next((t for t in turns if (t.number, t.role) == (request.number, "discloser")), None)
        if stored is not None:
            return stored
        conversation_rows.add_turn(connection, request.conversation_id, answer)
        if request.number >= request.exchanges:
            conversation_rows.finish(connection, request.conversation_id, moment)
    return answer
