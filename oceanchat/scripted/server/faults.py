"""Faults of the scripted endpoint, and its counters.

What it does wrong on purpose and how often are pure decisions by a seeded generator; knows nothing of sockets
or models.
"""

import random
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Share = Field(default=0.0, ge=0.0, le=1.0)


class Faults(BaseModel):
    """The switches of `oceanchat serve-scripted`; shares are of all calls, each at most one fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency: float = Field(default=0.0, ge=0.0)
    """Seconds before any reply."""
    rate_429: float = Share
    rate_500: float = Share
    rate_503: float = Share
    retry_after: float | None = Field(default=None, ge=0.0)
    """Seconds sent in Retry-After with 429 and 503; None: no such header."""
    retry_after_date: bool = False
    """Send Retry-After as an HTTP date."""
    rate_hang: float = Share
    rate_reset: float = Share
    rate_cut_off: float = Share
    rate_malformed: float = Share
    rate_empty: float = Share
    rate_refusal: float = Share
    rate_length: float = Share
    poison: str | None = None
    """A prompt that holds this text always gets 400 content_filter."""
    refuse: str | None = None
    """Requests with one of these parameters, by name with commas between, get 400 unsupported_parameter."""
    limit: int | None = Field(default=None, ge=1)
    """Calls beyond this many at once get 429."""
    rate_limit_headers: bool = False
    """Send x-ratelimit-* headers."""
    key: str | None = None
    """Any other key gets 401."""
    quota_after: int | None = Field(default=None, ge=0)
    """After this many answers calls get 429 insufficient_quota."""
    no_usage: bool = False
    """Leave the token counts out of the replies."""
    batch_seconds: float = Field(default=0.0, ge=0.0)
    """How long a batch takes."""
    batch_expired: float = Share
    """Share of a batch's requests that expire unanswered."""
    seed: int = 0

    def refused_parameter(self, body: dict[str, Any]) -> str | None:
        """The parameter of a request that is refused, if any; a temperature of 1 never is."""
        refused = (name.strip() for name in (self.refuse or "").split(","))
        return next(
            (name for name in refused if name in body and (name, body[name]) != ("temperature", 1)), None
        )

    def kinds(self) -> list[tuple[str, float]]:
        """The faults drawn at random, each with its share."""
        names = ("429", "500", "503", "hang", "reset", "cut_off", "malformed", "empty", "refusal", "length")
        return [(name, getattr(self, f"rate_{name}")) for name in names]


class FaultDice:
    """Draws at most one fault for each call, reproducibly."""

    def __init__(self, faults: Faults) -> None:
        self._kinds = faults.kinds()
        self._random = random.Random(faults.seed)

    def draw(self) -> str | None:
        """The name of a fault, or None."""
        drawn = self._random.random()
        for name, share in self._kinds:
            if drawn < share:
                return name
            drawn -= share
        return None


def retry_after_header(faults: Faults) -> dict[str, str]:
    """The Retry-After header in the form that `faults` ask for."""
    if faults.retry_after is None:
        return {}
    if faults.retry_after_date:
        return {"retry-after": formatdate(time.time() + faults.retry_after, usegmt=True)}
    return {"retry-after": f"{faults.retry_after:g}"}


@dataclass
class Counters:
    """What the endpoint saw; an answer is paid when the model's work was done, whether or not it arrived."""

    calls: int = 0
    paid: int = 0
    paid_twice: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    batches: int = 0
    by_status: dict[str, int] = field(default_factory=dict)
    _payments: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """A call came in."""
        self.calls += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def end(self, outcome: str) -> None:
        """A call ended with this outcome, a status or the name of a fault."""
        self.in_flight -= 1
        self.by_status[outcome] = self.by_status.get(outcome, 0) + 1

    def pay(self, request_hash: str) -> None:
        """The work for the request with this hash was done."""
        self.paid += 1
        times = self._payments[request_hash] = self._payments.get(request_hash, 0) + 1
        self.paid_twice += times > 1

    def as_json(self) -> dict[str, Any]:
        """The counter page."""
        return {
            "calls": self.calls,
            "paid": self.paid,
            "paid_twice": self.paid_twice,
            "in_flight": self.in_flight,
            "most_in_flight": self.max_in_flight,
            "batches": self.batches,
            "by_status": self.by_status,
        }
