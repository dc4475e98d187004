"""One process's part of shared limits.

It takes a little more than it needs at once, at most what it used in half a second, so that few requests
need to ask for their part. What it does not use it gives back. Times are epoch seconds by the clock that all
share. Pure arithmetic: knows neither how limits are stored nor the event loop.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from oceanchat.llm.throttle import RateLimit
from oceanchat.store.shared_limits import SharedLimits

AHEAD_SECONDS = 0.5
"""A process takes at most what it used in so many seconds beyond what it needs now."""
LARGEST_SHARE = 16
"""Of the money that is left, a process takes at most one in so many parts beyond what it needs now, or
nothing: close to the cap all ask each time."""


class Recent:
    """Requests in the last half second, roughly: in this one or in the one before, whichever had more."""

    def __init__(self) -> None:
        self._before = self._now = 0
        self._seconds = 0.0

    def add(self, requests: int = 1) -> None:
        """Count some more."""
        self._now += requests

    def number(self, seconds: float) -> int:
        """How many, `seconds` after it was asked last."""
        self._seconds += seconds
        if self._seconds >= AHEAD_SECONDS:
            self._before = int(self._now * AHEAD_SECONDS / self._seconds)
            self._now, self._seconds = 0, 0.0
        return max(self._before, self._now)


class Balance(NamedTuple):
    """What a build has spent and holds at its worst, in USD."""

    spent: Decimal
    in_flight: Decimal


class MoneyReport(NamedTuple):
    """What a process says when it asks for money; amounts in USD."""

    run: str
    held: Decimal
    """What it held, by its own account."""
    used: Decimal
    """What it has in flight at the worst."""
    cost: Decimal
    """What ended since its last report cost."""
    ahead: Decimal
    """What it would like beyond what waits."""


class MoneyGrant(NamedTuple):
    """What a process got."""

    refusals: list[Balance | None]
    """For each amount that waited: None where it was granted, else the balance that forbids it."""
    amount: Decimal
    """All that was granted, in USD."""
    is_close: bool
    """Whether the cap left no room for more than what waited."""


def grant_money(limits: SharedLimits, report: MoneyReport, waiting: Sequence[Decimal]) -> MoneyGrant:
    """Settle what ended and set aside what waits, as far as the cap leaves room."""
    # What is no longer held was counted as spent when this process was taken for dead.
    counted = Decimal(0) if report.run in limits.in_flight else report.held
    limits.spent += report.cost - counted
    limits.in_flight[report.run] = report.used
    balance = Balance(limits.spent, sum(limits.in_flight.values(), Decimal(0)))
    room = None if limits.cap is None else limits.cap - sum(balance)
    refusals: list[Balance | None] = []
    granted = Decimal(0)
    for amount in waiting:
        fits = room is None or granted + amount <= room
        refusals.append(None if fits else balance._replace(in_flight=balance.in_flight + granted))
        granted += amount if fits else 0
    left = None if room is None else (room - granted) / LARGEST_SHARE
    is_close = any(refusals) or (left is not None and report.ahead > left)
    granted += 0 if is_close else report.ahead
    limits.in_flight[report.run] += granted
    return MoneyGrant(refusals, granted, is_close)


class MoneyLease:
    """The money that a process may spend without asking, in USD."""

    def __init__(self) -> None:
        self._held = self._used = self._cost = self._last = Decimal(0)
        self._recent = Recent()
        self.is_close = False
        """Whether the cap was close at the last report, so that others wait for what this process settles."""

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to report and nothing to give back."""
        return self._held == self._used and not self._cost

    def take(self, amount: Decimal) -> bool:
        """Set aside `amount`, if so much is at hand."""
        if self._held - self._used - self._cost < amount:
            return False
        self._used += amount
        self._recent.add()
        return True

    def settle(self, amount: Decimal, cost: Decimal) -> None:
        """End an attempt for which `amount` was set aside and which cost `cost`."""
        self._used -= amount
        self._cost += cost

    def want_no_more(self) -> None:
        """From now on everything goes back with the next report."""
        self._recent = Recent()

    def report(self, run: str, seconds: float) -> MoneyReport:
        """Hand over what is not in flight, and ask for as much as was used lately."""
        ahead = self._last * self._recent.number(seconds)
        report = MoneyReport(run, self._held, self._used, self._cost, ahead)
        self._held, self._cost = self._used, Decimal(0)
        return report

    def receive(self, grant: MoneyGrant, waiting: Sequence[Decimal]) -> None:
        """Take what the report brought."""
        answers = zip(waiting, grant.refusals, strict=True)
        taken = [amount for amount, refusal in answers if refusal is None]
        self._held += grant.amount
        self._used += sum(taken, Decimal(0))
        self._recent.add(len(taken))
        self._last = taken[-1] if taken else self._last
        self.is_close = grant.is_close

    def take_back(self, report: MoneyReport) -> None:
        """The report reached nobody."""
        self._held += report.held - report.used
        self._cost += report.cost


class RateReport(NamedTuple):
    """The part of a schedule that a process hands back."""

    free_at: float
    until: float
    ahead: float
    """Units it would like beyond what waits."""


class RateGrant(NamedTuple):
    """The part of a schedule that a process got."""

    waits: list[float]
    """Seconds to wait, for each who waited."""
    free_at: float
    until: float
    """From here on turns are for others."""


def grant_rate(
    scheduled: float, per_minute: float, report: RateReport, waiting: Sequence[float], now: float
) -> RateGrant:
    """The next turns of a schedule that is used up to `scheduled`, for units that wait."""
    # Turns go back unless others have taken those after them, for then these are over when they come.
    limit = RateLimit(per_minute, report.free_at if scheduled == report.until else scheduled)
    waits = [limit.wait_for(units, now) for units in waiting]
    # A turn that is a second late is over, so those for later must not be as late as that already.
    free_at = max(limit.free_at, now - 1.0 + AHEAD_SECONDS)
    # Where the rate is what all wait for, nobody takes turns that he may not need.
    if not report.ahead or free_at >= now:
        return RateGrant(waits, limit.free_at, limit.free_at)
    return RateGrant(waits, free_at, free_at + report.ahead / (per_minute / 60))


class RateLease:
    """The turns of a schedule that a process may use without asking. A turn may be used up to a second
    late, as it may be by a process that is alone."""

    def __init__(self, per_minute: float) -> None:
        self._limit = RateLimit(per_minute, 0.0)
        self._until = 0.0
        self._per_second = per_minute / 60
        self._last = 0.0
        self._recent = Recent()

    def reaches(self, units: float, now: float) -> bool:
        """Whether so many are at hand."""
        return max(self._limit.free_at, now - 1.0) + units / self._per_second <= self._until

    def take(self, units: float, now: float) -> float:
        """Take what is at hand; returns the seconds to wait before using it."""
        self._recent.add()
        return self._limit.wait_for(units, now)

    def report(self, seconds: float) -> RateReport:
        """Hand over what is not used, and ask for as much as was used lately."""
        report = RateReport(self._limit.free_at, self._until, self._last * self._recent.number(seconds))
        self._until = 0.0
        return report

    def receive(self, grant: RateGrant, waiting: Sequence[float]) -> None:
        """Take what the report brought, also for what waited."""
        self._limit.free_at, self._until = grant.free_at, grant.until
        self._recent.add(len(waiting))
        self._last = waiting[-1] if waiting else self._last


class LeaseReport(NamedTuple):
    """What a process tells the others, and what waits there."""

    money: MoneyReport
    requests: RateReport
    tokens: RateReport
    amounts: tuple[Decimal, ...]
    """USD that wait."""
    turns: tuple[float, ...]
    """Tokens of each request that waits for its turn."""


class LeaseGrant(NamedTuple):
    """What came of a report."""

    money: MoneyGrant
    requests: RateGrant | None
    """None: there is no such limit."""
    tokens: RateGrant | None
    waits: list[float]
    """Seconds to wait, for each request that waited for its turn."""


def grant(limits: SharedLimits, report: LeaseReport, now: float) -> LeaseGrant:
    """Change `limits` as a process reports, and give it what it asks for as far as they allow."""
    requests = tokens = None
    if limits.rpm:
        each = [1.0] * len(report.turns)
        requests = grant_rate(limits.request_at, limits.rpm, report.requests, each, now)
        limits.request_at = requests.until
    if limits.tpm:
        tokens = grant_rate(limits.token_at, limits.tpm, report.tokens, report.turns, now)
        limits.token_at = tokens.until
    both = [rate.waits for rate in (requests, tokens) if rate]
    waits = [max(turn) for turn in zip(*both, strict=True)] if both else [0.0] * len(report.turns)
    return LeaseGrant(grant_money(limits, report.money, report.amounts), requests, tokens, waits)


class Leases:
    """All that one process holds."""

    def __init__(self, run: str, rpm: float | None, tpm: float | None) -> None:
        self._run = run
        self.money = MoneyLease()
        self._requests = RateLease(rpm) if rpm else None
        self._tokens = RateLease(tpm) if tpm else None

    def take_turn(self, tokens: float, now: float) -> float | None:
        """Take one request of so many tokens; the seconds to wait before sending it, None where no turn is
        at hand."""
        own = [(lease, units) for lease, units in ((self._requests, 1.0), (self._tokens, tokens)) if lease]
        if not all(lease.reaches(units, now) for lease, units in own):
            return None
        return max((lease.take(units, now) for lease, units in own), default=0.0)

    def report(self, amounts: Sequence[Decimal], turns: Sequence[float], seconds: float) -> LeaseReport:
        """Hand over what is not in flight, `seconds` after the last report."""
        nothing = RateReport(0.0, 0.0, 0.0)
        return LeaseReport(
            self.money.report(self._run, seconds),
            self._requests.report(seconds) if self._requests else nothing,
            self._tokens.report(seconds) if self._tokens else nothing,
            tuple(amounts),
            tuple(turns),
        )

    def receive(self, grant: LeaseGrant, report: LeaseReport) -> None:
        """Take what the report brought."""
        self.money.receive(grant.money, report.amounts)
        if self._requests and grant.requests:
            self._requests.receive(grant.requests, [1.0] * len(report.turns))
        if self._tokens and grant.tokens:
            self._tokens.receive(grant.tokens, report.turns)
