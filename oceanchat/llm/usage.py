"""Live counts of answers, tokens and dollars.

The ledger updates them for the progress display and `--json`. Knows nothing of terminals.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from oceanchat.llm.prices import format_cost

RATE_WINDOW = 30.0
"""Seconds that the shown rate is averaged over."""
SUMS = (
    "answered",
    "replayed",
    "retried",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "usd",
    "unpriced",
    "lost",
    "lost_usd",
)
"""What the processes that ask for one build count each for itself, and the build adds up."""


@dataclass
class Usage:
    """The live figures of one session, all of its models together; token counts in tokens, cost in USD."""

    answered: int = 0
    """Answers that a model gave in this session."""
    replayed: int = 0
    """Answers read from the ledger."""
    failed: int = 0
    """Requests that failed permanently, in this session or on record in the ledger."""
    unusable: int = 0
    """Replies that no stage could use: unreadable, refusing, cut off or empty."""
    retried: int = 0
    """Attempts that brought no answer and were repeated."""
    in_flight: int = 0
    """Attempts sent and not answered yet."""
    waiting: int = 0
    """Requests that wait for the answer to another run's."""
    prompt_tokens: int = 0
    """Prompt tokens of the answers given in this session."""
    completion_tokens: int = 0
    """Completion tokens of the answers given in this session, reasoning included."""
    cached_tokens: int = 0
    """The part of the prompt tokens that came from a provider's cache."""
    usd: Decimal = Decimal(0)
    """What they cost by the price table, in US dollars."""
    unpriced: int = 0
    """Answers whose cost is unknown (no price for the model, or no token count in the reply)."""
    cap: Decimal | None = None
    """What this session may spend at most, in US dollars."""
    lost: int = 0
    """Attempts of this session that may have been billed and brought no answer."""
    lost_usd: Decimal = Decimal(0)
    """What they may have cost at most, as far as their prices are known."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of this session, one sentence each."""
    on_note: Callable[[str], None] | None = None
    """Shows a note at once."""
    started: float = field(default_factory=time.monotonic)
    _recent: deque[float] = field(default_factory=deque)
    _span: tuple[float, float] | None = None
    """When the first answer came and when the last."""

    def note(self, text: str) -> None:
        """Tell the user, once."""
        if text in self.notes:
            return
        self.notes.append(text)
        self.tell(text)

    def tell(self, text: str) -> None:
        """Tell the user, now, where anybody shows it."""
        if self.on_note is not None:
            self.on_note(text)

    def record_answer(self) -> None:
        """Count an answer that has just come, also for the rate."""
        self.answered += 1
        now = time.monotonic()
        self._recent.append(now)
        self._span = (self._span[0] if self._span else now, now)
        while self._recent[0] < now - RATE_WINDOW or len(self._recent) > 20_000:
            self._recent.popleft()

    def sums(self) -> dict[str, Any]:
        """What is added up over processes, as it stands."""
        return {name: getattr(self, name) for name in SUMS}

    def add(self, counted: Mapping[str, Any]) -> None:
        """Add what another process has counted since it last said so, by the names of SUMS."""
        for name, more in counted.items():
            if name == "answered":
                for _ in range(more):
                    self.record_answer()
            else:
                setattr(self, name, getattr(self, name) + more)

    @property
    def rate(self) -> float:
        """Answers a second over the last half minute."""
        now = time.monotonic()
        recent = sum(moment >= now - RATE_WINDOW for moment in list(self._recent))
        return recent / min(RATE_WINDOW, max(now - self.started, 0.001))

    @property
    def cost(self) -> str:
        """The cost so far, as it is shown: '$0.1234', 'unknown', or both where some models have no price; and
        up to how much more may have been billed for attempts without an answer."""
        cost = format_cost(self.usd, self.unpriced)
        return f"{cost} and up to ${self.lost_usd:.4f} possibly paid" if self.lost_usd else cost

    @property
    def calls_a_second(self) -> float | None:
        """Answers a second from the first to the last; None of fewer than two."""
        if self._span is None or self.answered < 2 or self._span[0] == self._span[1]:
            return None
        return (self.answered - 1) / (self._span[1] - self._span[0])

    @property
    def pace(self) -> float:
        """Answers a second over the last half minute, or over the whole session where none came in it."""
        if self.rate:
            return self.rate
        return self.answered / max(time.monotonic() - self.started, 0.001)

    def as_json(self) -> dict[str, int | float | str | None]:
        """The figures for `--json`; `usd` is null where a cost is unknown."""
        return {
            "made": self.answered,
            "replayed": self.replayed,
            "failed": self.failed,
            "unusable": self.unusable,
            "retried": self.retried,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cached_tokens": self.cached_tokens,
            "usd": None if self.unpriced else float(self.usd),
            "possibly_paid": self.lost,
            "possibly_paid_usd": float(self.lost_usd),
        }
