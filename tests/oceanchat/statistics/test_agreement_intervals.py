"""Intervals of kappa and alpha are given where they cover the truth."""

import numpy as np
import pytest

from oceanchat.statistics.agreement import Rating, agreement, cohen
from oceanchat.statistics.coefficients import CountTable, count_table, figures, resample

STUDIES = ((0.04, 0.75, 0.01), (0.1, 0.7, 0.03), (0.25, 0.7, 0.05))
"""Of annotators made up: the share of items that are no, and how often they say no of these and of others."""


def test_a_kappa_that_a_few_items_make_has_no_interval() -> None:
    def study(others: int) -> list[Rating]:
        return [
            Rating(str(item), name, "no" if item < others and name == "a" else "yes")
            for item in range(80)
            for name in "abc"
        ]

    for others in (1, 4):
        figures = agreement(study(others)).figures()
        for name in ("fleiss_kappa", "alpha_nominal"):
            assert figures[name].value is not None and figures[name].low is None
            assert f"only {others} item" in figures[name].note and "resamples" not in figures[name].note
        assert figures["observed"].low is not None and figures["ac1"].low is not None
    assert agreement(study(5)).fleiss_kappa.low is not None
    pairs = [("no", "yes")] * 4 + [("no", "no")] * 1 + [("yes", "yes")] * 60
    assert cohen(pairs).low is not None and cohen(pairs[1:]).note.startswith("only 4 items hold another")


@pytest.mark.parametrize(
    ("others", "least", "most"),
    [
        (range(1, 5), 0.3, 0.7),
        (range(5, 10), 0.78, 0.92),
        (range(10, 20), 0.8, 0.95),
        (range(20, 200), 0.9, 0.98),
    ],
)
def test_resamples_of_kappa_cover_the_truth_as_often_as_the_page_says(
    others: range, least: float, most: float
) -> None:
    rng = np.random.default_rng(7)
    hits = []
    for share, right, wrong in STUDIES:

        def study(items: int, no: float = share, chances: tuple[float, float] = (right, wrong)) -> CountTable:
            of_no = np.where(rng.random(items) < no, *chances)
            counts = (rng.random((items, 3)) < of_no[:, None]).sum(axis=1)
            return count_table(np.stack([counts, 3 - counts], axis=1), ("no", "yes"))

        population = study(1_000_000)
        truth = figures(population, population.items[None, :].astype(float))["fleiss_kappa"][0]
        for items in (20, 40, 120, 400) * 100:
            table = study(items)
            if int(table.items[table.rows[:, 1] < 3].sum()) in others:
                low, high = np.nanquantile(resample(table, 200, rng)["fleiss_kappa"], (0.025, 0.975))
                hits.append(low <= truth <= high)
    assert len(hits) > 100 and least <= np.mean(hits) <= most
