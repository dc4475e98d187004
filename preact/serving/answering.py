"""The thread that answers what waits.

One thread owns the models. It takes waiting orders into batches, one a lane, and lets each lane generate in
turns; orders join between two steps, and leave when they end, run out of time or nobody waits any more. It
knows nothing of HTTP: an order hands its pieces to a function.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tokenizers.decoders import DecodeStream

from preact.serving.batch import Batch, BatchRow, Drawn
from preact.serving.counting import ServerCounts
from preact.serving.prompt_scores import PromptToken, prompt_scores
from preact.serving.roster import Roster
from preact.systems.generation import stop_ids

Ending = Literal["stop", "length", "timeout", "failed"]
STOPPING = 10.0
"""Seconds for the step that is under way when all stops."""
Lane = tuple[str, str, float]


class Piece(NamedTuple):
    """What is new of an answer."""

    text: str
    tokens: tuple[Drawn, ...] = ()
    """The tokens since the last piece."""
    ending: Ending | None = None
    """Set in the last piece."""
    prompt: tuple[PromptToken | None, ...] = ()
    """The prompt's own tokens, in the first piece, where the order asks for them."""


@dataclass(eq=False)
class Order:
    """An answer to generate."""

    lane: Lane
    row: BatchRow
    send: Callable[[Piece], None]
    """Called in the answering thread; the last piece has an ending."""
    stops: tuple[str, ...] = ()
    """Texts that end the answer and are left out of it."""
    seconds: float = 600.0
    """How long it may take, waiting included."""
    cancelled: bool = False
    """Set when nobody waits for it any more."""
    started: float = field(default_factory=time.monotonic)

    @property
    def overdue(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() > self.started + self.seconds


class QueueFull(Exception):
    """As many orders wait as may."""


class Answering:
    """The queue and the thread behind it."""

    def __init__(self, roster: Roster, counts: ServerCounts, batch_size: int = 16, queue: int = 256) -> None:
        self._roster, self._counts = roster, counts
        self._batch_size, self._queue = batch_size, queue
        self._waiting: deque[Order] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._lanes: dict[Lane, _Talks] = {}
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="answering", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether orders will be answered."""
        return self._thread.is_alive() and not self._stopping

    @property
    def busy_seconds(self) -> float:
        """How long the present step has taken; 0 between steps."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def submit(self, order: Order) -> None:
        """Let an order wait for its turn. Raises QueueFull."""
        with self._changed:
            if self._stopping or len(self._waiting) >= self._queue:
                raise QueueFull
            self._waiting.append(order)
            self._counts.waiting = len(self._waiting)
            self._changed.notify()

    def stop(self) -> None:
        """Drop what waits and what is being answered, and end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        # One that hangs in a model cannot be ended, and ends with the process.
        self._thread.join(STOPPING)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._waiting or self._lanes)
                if self._stopping:
                    break
                joining = self._take()
                self._counts.waiting = len(self._waiting)
            for lane in dict.fromkeys([*self._lanes, *joining]):
                self._busy_since = time.monotonic()
                self._turn(lane, joining.get(lane, []))
                self._busy_since = None
            self._counts.answering = sum(len(talks.orders) for talks in self._lanes.values())
        for order in [*self._waiting, *(o for talks in self._lanes.values() for o in talks.orders)]:
            order.send(Piece("", ending="failed"))

    def _take(self) -> dict[Lane, list[Order]]:
        """The waiting orders that may join now, by lane; those that are over leave the queue."""
        joining: dict[Lane, list[Order]] = {}
        staying: deque[Order] = deque()
        for order in self._waiting:
            talks = self._lanes.get(order.lane)
            size = len(joining.get(order.lane, ())) + (len(talks.orders) if talks else 0)
            if order.cancelled:
                continue
            if order.overdue:
                order.send(Piece("", ending="timeout"))
            elif size < self._batch_size and (talks is None or talks.batch.open):
                joining.setdefault(order.lane, []).append(order)
            else:
                staying.append(order)
        self._waiting = staying
        return joining

    def _turn(self, lane: Lane, joining: list[Order]) -> None:
        """One step of a lane. What goes wrong in it fails the lane's orders and no others."""
        talks = self._lanes.get(lane)
        try:
            with self._roster.lane(lane) as run:
                if talks is None:
                    talks = self._lanes[lane] = _Talks(run.model, run.tokenizer, self._counts)
                if joining:
                    talks.join(joining)
                talks.step()
        except Exception as error:  # A batch that fails (memory, a device) must not end the server.
            self._counts.note(error)
            for order in dict.fromkeys([*(talks.orders if talks else []), *joining]):
                order.send(Piece("", ending="failed"))
            self._lanes.pop(lane, None)
            return
        if not talks.orders:
            del self._lanes[lane]


class _Talks:
    """A lane's orders, in the order of its batch's rows."""

    def __init__(self, model: Any, tokenizer: Any, counts: ServerCounts) -> None:
        self.batch = Batch(model)
        self.orders: list[Order] = []
        self._model, self._tokenizer, self._counts = model, tokenizer, counts
        self._ends = frozenset(stop_ids(model, tokenizer))
        self._speech: dict[Order, _AnswerText] = {}

    def join(self, orders: list[Order]) -> None:
        orders = self._read(orders)
        if not orders:
            return
        self.batch.join([order.row for order in orders])
        self.orders += orders
        self._speech |= {order: _AnswerText(self._tokenizer, order.stops) for order in orders}

    def _read(self, orders: list[Order]) -> list[Order]:
        """Score the prompts of those that ask for it; the orders that want an answer, too."""
        asking = [order for order in orders if order.row.prompt_logprobs is not None]
        for order, scores in zip(asking, prompt_scores(self._model, [o.row for o in asking]), strict=True):
            order.send(Piece("", prompt=scores, ending=None if order.row.sampling.max_tokens else "length"))
        silent = [order for order in orders if not order.row.sampling.max_tokens]
        for order in silent:
            if order.row.prompt_logprobs is None:
                order.send(Piece("", ending="length"))
        return [order for order in orders if order not in silent]

    def step(self) -> None:
        """Draw a token for each, hand on what is new, and go on with those that are not done."""
        if not self.orders:
            return
        drawn = self.batch.draw()
        staying = []
        for index, (order, token) in enumerate(zip(self.orders, drawn, strict=True)):
            if order.cancelled:
                continue
            if not self._hand_on(order, token):
                staying.append(index)
        for index in set(range(len(self.orders))) - set(staying):
            del self._speech[self.orders[index]]
        self.batch.leave(staying)
        self.orders = [self.orders[index] for index in staying]
        if self.orders:
            self.batch.advance([drawn[index].id for index in staying])

    def _hand_on(self, order: Order, token: Drawn) -> bool:
        """Whether the answer ends here."""
        speech = self._speech[order]
        ended = token.id in self._ends
        new = speech.add(token, ended)
        self._counts.tokens += 1
        ending: Ending | None = None
        if ended or speech.stopped:
            ending = "stop"
        elif len(speech.ids) >= order.row.sampling.max_tokens:
            ending = "length"
        elif order.overdue:
            ending = "timeout"
        if ending:
            new += speech.rest()
        order.send(Piece(new, (token,), ending))
        return ending is not None


class _AnswerText:
    """An answer's text as far as it is certain, without white space at its ends."""

    def __init__(self, tokenizer: Any, stops: tuple[str, ...]) -> None:
        self._tokenizer, self._stops = tokenizer, stops
        self._stream = DecodeStream(skip_special_tokens=True)
        self._text = ""
        self._sent = ""
        self.ids: list[int] = []
        self.stopped = False

    def add(self, token: Drawn, ended: bool) -> str:
        """The text that has become certain with this token."""
        self.ids.append(token.id)
        if not ended:
            self._text += self._stream.step(self._tokenizer.backend_tokenizer, token.id) or ""
        whole = self._text.strip()
        cut = min((at for stop in self._stops if (at := whole.find(stop)) >= 0), default=-1)
        if cut >= 0:
            self.stopped = True
            whole = whole[:cut].rstrip()
        else:
            whole = whole[: len(whole) - self._held(whole)].rstrip()
        return self._new(whole)

    def rest(self) -> str:
        """What was held back, once the answer has ended."""
        if self.stopped:
            return ""
        return self._new(self._tokenizer.decode(self.ids, skip_special_tokens=True).strip())

    def _new(self, whole: str) -> str:
        new = whole.removeprefix(self._sent) if whole.startswith(self._sent) else ""
        self._sent += new
        return new

    def _held(self, text: str) -> int:
        """How many last characters may be the beginning of a text that stops the answer."""
        lengths = (n for stop in self._stops for n in range(len(stop) - 1, 0, -1) if text.endswith(stop[:n]))
        return max(lengths, default=0)
