"""What processes hold never exceeds what all may use, and few of their requests ask for their part."""

import random
from collections.abc import Sequence
from decimal import Decimal

import pytest

from oceanchat.llm.leases import LeaseGrant, Leases, grant
from oceanchat.store.shared_limits import SharedLimits

WORST = Decimal("0.01")


class Process:
    """One process of a build, without a store."""

    def __init__(self, run: str, limits: SharedLimits) -> None:
        self.run = run
        self.leases = Leases(run, limits.rpm, limits.tpm)
        self.in_flight: list[Decimal] = []
        self.asked = 0
        self._limits = limits
        self._reported_at = 0.0

    def reserve(self, amount: Decimal, now: float) -> bool:
        """Whether the request may go."""
        goes = self.leases.money.take(amount)
        if not goes:
            goes = self.report(now, [amount]).money.refusals == [None]
        if goes:
            self.in_flight.append(amount)
        return goes

    def turn(self, tokens: float, now: float) -> float:
        """When the request goes."""
        wait = self.leases.take_turn(tokens, now)
        return now + (self.report(now, turns=[tokens]).waits[0] if wait is None else wait)

    def settle(self, cost: Decimal) -> None:
        self.leases.money.settle(self.in_flight.pop(), cost)

    def report(self, now: float, amounts: Sequence[Decimal] = (), turns: Sequence[float] = ()) -> LeaseGrant:
        """Settle, give back and take."""
        report = self.leases.report(amounts, turns, now - self._reported_at)
        self._reported_at = now
        self.asked += 1
        got = grant(self._limits, report, now)
        self.leases.receive(got, report)
        return got


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_all_that_was_spent_and_is_in_flight_is_on_record_and_within_the_cap(
    seed: int,
) -> None:
    chance = random.Random(seed)
    limits = SharedLimits(cap=Decimal(5))
    processes = [Process(str(number), limits) for number in range(3)]
    spent, now, refused = Decimal(0), 0.0, 0
    for _ in range(3000):
        now += chance.random() / 50
        process = chance.choice(processes)
        match chance.choice(("reserve", "reserve", "settle", "settle", "report", "taken for dead", "killed")):
            case "reserve":
                refused += not process.reserve(WORST * chance.randint(1, 3), now)
            case "settle" if process.in_flight:
                cost = process.in_flight[-1] * chance.randint(0, 4) / 4
                process.settle(cost)
                spent += cost
            case "report":
                process.report(now)
            case "taken for dead" if chance.random() < 0.1:  # and lives: its lease had run out
                limits.spent += limits.in_flight.pop(process.run, Decimal(0))
            case "killed" if chance.random() < 0.03:
                spent += sum(process.in_flight)  # what it had in flight may have been billed
                limits.spent += limits.in_flight.pop(process.run, Decimal(0))
                processes.remove(process)
                processes.append(Process(f"{process.run}.", limits))
        in_flight = sum((sum(one.in_flight, Decimal(0)) for one in processes), Decimal(0))
        assert spent + in_flight <= limits.spent + sum(limits.in_flight.values()) <= Decimal(5)
    assert refused and spent > 4


def test_a_report_that_is_made_twice_counts_too_much_rather_than_too_little() -> None:
    limits = SharedLimits(cap=Decimal(5))
    process = Process("one", limits)
    for moment in range(20):
        assert process.reserve(WORST, moment / 10)
        process.settle(WORST)
    report = process.leases.report([], [], 1.0)
    grant(limits, report, 3.0)  # the database had stored it when the connection broke
    grant(limits, report, 3.0)
    assert limits.spent >= 20 * WORST


def test_far_from_the_limits_few_requests_ask_and_what_is_not_used_goes_back() -> None:
    limits = SharedLimits(cap=Decimal(1000), rpm=60_000, tpm=6_000_000)
    processes = [Process(str(number), limits) for number in range(2)]
    for step in range(1000):  # a hundred a second for ten seconds
        process = processes[step % 2]
        now = 100 + step / 100
        assert process.turn(50, now) == now and process.reserve(WORST, now)
        process.settle(WORST / 2)
    assert sum(process.asked for process in processes) < 1000 / 8
    for process in processes:
        process.leases.money.want_no_more()
        process.report(111)
    assert limits.spent == 1000 * WORST / 2 and set(limits.in_flight.values()) == {Decimal(0)}


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.3])
def test_no_more_go_out_in_any_time_than_the_rate_and_one_second_s_worth(pause: float) -> None:
    chance = random.Random(1)
    limits = SharedLimits(rpm=6000, tpm=60 * 1000)
    processes = [Process(str(number), limits) for number in range(4)]
    moments, sent = [1000.0] * 4, []
    while (now := min(moments)) < 1010:
        number = moments.index(now)
        goes = processes[number].turn(10, now)
        sent.append(goes)
        moments[number] = goes + chance.uniform(0.5, 1.5) * pause
    sent.sort()
    for first in range(len(sent)):
        for last in range(first, len(sent), 7):
            assert last - first <= 100 * (sent[last] - sent[first] + 1) + 1
    if not pause:  # the rate is all that keeps them: none of it is lost
        assert len(sent) >= 0.97 * 100 * 10
