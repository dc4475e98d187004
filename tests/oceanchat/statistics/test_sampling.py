"""Seeded, order-free, nested samples."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.statistics.sampling import draw, fraction


class Thing(NamedTuple):
    id: str


@given(st.sets(st.text(max_size=5), max_size=30), st.integers(0, 9), st.integers(0, 9))
def test_a_sample_depends_on_the_seed_only_and_grows_by_adding(ids: set[str], few: int, seed: int) -> None:
    things = [Thing(id) for id in sorted(ids)]
    drawn = draw({"x": things}, few, seed)["x"]
    assert drawn == draw({"x": things[::-1]}, few, seed)["x"]
    assert drawn == draw({"x": things}, few + 3, seed)["x"][:few]
    assert len(drawn) == min(few, len(things)) == len(set(drawn))


def test_every_thing_has_the_same_chance() -> None:
    things = [Thing(str(n)) for n in range(10)]
    counts = dict.fromkeys((thing.id for thing in things), 0)
    for seed in range(2000):
        for thing in draw({"x": things}, 3, seed)["x"]:
            counts[thing.id] += 1
    assert all(520 < count < 680 for count in counts.values())


def test_fractions_do_not_run_parts_together() -> None:
    assert fraction("ab", "c") != fraction("a", "bc")
    assert 0 <= fraction(1, "\ud800") < 1
