"""The coefficients of resamples against other sources."""

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oceanchat.statistics.coefficients import (
    alpha,
    cohen_kappas,
    count_table,
    figures,
    interval_distance,
    ratio_distance,
    resample,
)

tables = st.tuples(st.integers(1, 12), st.integers(2, 5)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 4))
)


@given(tables, st.integers(0, 10_000))
def test_every_resample_has_the_alpha_of_the_krippendorff_package(table: np.ndarray, seed: int) -> None:
    rows = count_table(table, [float(v) for v in range(table.shape[1])])
    if not len(rows.rows):
        return
    share = rows.items / rows.items.sum()
    weights = np.random.default_rng(seed).multinomial(rows.items.sum(), share, size=5)
    ours = figures(rows, weights.astype(np.float64))
    for number, weight in enumerate(weights):
        drawn = np.repeat(rows.rows, weight, axis=0)
        drawn = drawn[drawn.sum(axis=1) > 1]
        for level in ("nominal", "ordinal", "interval"):
            if not len(drawn) or np.count_nonzero(drawn.sum(axis=0)) < 2:
                assert np.isnan(ours[f"alpha_{level}"][number])
                continue
            theirs = krippendorff.alpha(value_counts=drawn, level_of_measurement=level)
            assert ours[f"alpha_{level}"][number] == pytest.approx(theirs, abs=1e-9)


def test_equal_rows_are_gathered_and_empty_ones_left_out() -> None:
    table = count_table(np.array([[1, 2], [0, 0], [3, 0], [1, 2]]), ["no", "yes"])
    assert table.rows.tolist() == [[3, 0], [1, 2]] or table.rows.tolist() == [[1, 2], [3, 0]]
    assert sorted(table.items.tolist()) == [1, 2] and table.scale is None


def test_rows_too_large_to_be_whole_numbers_are_gathered_as_well() -> None:
    wide = np.zeros((3, 70), dtype=np.int64)
    wide[:, 0], wide[2, 69] = 1, 1
    table = count_table(wide, [float(value) for value in range(70)])
    assert sorted(table.items.tolist()) == [1, 2]


@given(tables)
def test_alpha_of_any_distance_is_that_of_the_package(counts: np.ndarray) -> None:
    table = count_table(counts, [float(value + 1) for value in range(counts.shape[1])])
    paired = counts[counts.sum(axis=1) > 1]
    if not len(paired) or np.count_nonzero(paired.sum(axis=0)) < 2:
        return
    assert table.scale is not None
    for level, distance in (("interval", interval_distance), ("ratio", ratio_distance)):
        theirs = krippendorff.alpha(value_counts=paired, value_domain=table.scale, level_of_measurement=level)
        assert alpha(table, distance(table.scale)) == pytest.approx(theirs, abs=1e-9)


def test_a_seed_gives_the_same_resamples() -> None:
    table = count_table(np.array([[3, 0], [0, 3], [1, 2]]), [0.0, 1.0])
    first, second = (resample(table, 50, np.random.default_rng(7)) for _ in range(2))
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])
        assert values.shape == (50,)


def test_cohens_kappa_is_undefined_where_chance_agrees_always() -> None:
    cells, same = np.array([[5.0]]), np.array([[1.0]])
    assert np.isnan(cohen_kappas(cells, same, same)).all()
