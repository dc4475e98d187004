"""CallCounts: what a run has asked, paid and still waits for, for the progress display and `--json`.

Plain numbers kept by the ledger; knows nothing of terminals.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

RATE_WINDOW = 30.0
"""Seconds the shown rate looks back."""


@dataclass
class CallCounts:
    """The live figures of one run, all of its models together."""

    made: int = 0
    """Answers that came from a model in this run."""
    replayed: int = 0
    """Answers found in the ledger."""
    failed: int = 0
    """Requests that failed for good, found failed in the ledger included."""
    retried: int = 0
    """Attempts that came to nothing and were made again."""
    in_flight: int = 0
    """Attempts sent and not answered yet."""
    prompt_tokens: int = 0
    """Prompt tokens of the answers made in this run."""
    completion_tokens: int = 0
    """Completion tokens of the answers made in this run."""
    usd: Decimal = Decimal(0)
    """What they cost by the price table, in USD."""
    unpriced: int = 0
    """Answers whose cost is unknown (no price for the model, or no token count in the reply)."""
    started: float = field(default_factory=time.monotonic)
    _recent: deque[float] = field(default_factory=deque)

    def finished_one(self) -> None:
        """Remember when an answer came, for the rate."""
        now = time.monotonic()
        self._recent.append(now)
        while self._recent[0] < now - RATE_WINDOW or len(self._recent) > 20_000:
            self._recent.popleft()

    @property
    def rate(self) -> float:
        """Answers a second over the last half minute."""
        if not self._recent:
            return 0.0
        span = min(RATE_WINDOW, max(time.monotonic() - self.started, 0.001))
        return len(self._recent) / span

    @property
    def cost(self) -> str:
        """The cost so far, as it is shown: '$0.1234', 'unknown', or both where some models have no price."""
        if not self.unpriced:
            return f"${self.usd:.4f}"
        return f"${self.usd:.4f} + unknown" if self.usd else "unknown"

    def line(self, remaining: int | None = None) -> str:
        """One line: done / failed / in flight / rate / cost so far / remaining."""
        parts = [
            f"{self.made + self.replayed:,} done",
            f"{self.failed:,} failed",
            f"{self.in_flight:,} in flight",
            f"{self.rate:.1f}/s",
            f"cost {self.cost}",
        ]
        if remaining is not None:
            parts.append(f"{remaining:,} remaining")
        return ", ".join(parts)

    def as_json(self) -> dict[str, int | float | str | None]:
        """The figures for `--json`; `usd` is null where a cost is unknown."""
        return {
            "made": self.made,
            "replayed": self.replayed,
            "failed": self.failed,
            "retried": self.retried,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "usd": None if self.unpriced else float(self.usd),
        }
