"""What a study will tell, against what studies told."""

import math

import numpy as np
import pytest

from oceanchat.statistics.coefficients import count_table, figures
from oceanchat.statistics.study_plan import StudySize, plan, seconds_per_item


def test_a_study_of_the_paper_s_size() -> None:
    paper = plan(StudySize(40, 10, 3), 0.965, 60.0)
    assert paper.width == pytest.approx(0.0365, abs=0.001)
    assert paper.width_by_trait_level == pytest.approx(0.125, abs=0.01)
    assert paper.kappa == pytest.approx(0.081, abs=0.001)
    assert paper.kappa_by_trait_level == pytest.approx(0.256, abs=0.001)
    assert paper.hours == pytest.approx(400 / 60 + 0.75) and paper.total_hours == 3 * paper.hours


def test_agreement_by_chance_exceeds_the_smallest_kappa_as_rarely_as_it_should() -> None:
    rng = np.random.default_rng(3)
    limit = plan(StudySize(40, 1, 3), 0.9, 60.0).kappa_by_trait_level
    kappas = []
    for _ in range(400):
        yes = (rng.random((40, 3)) < 0.7).sum(axis=1)
        table = count_table(np.stack([3 - yes, yes], axis=1), ["no", "yes"])
        kappas.append(figures(table, table.items[None, :].astype(float))["fleiss_kappa"][0])
    significant = np.abs(kappas) > limit * 1.96 / (1.96 + 0.84)
    assert 0.02 <= significant.mean() <= 0.08


def test_one_annotator_shows_no_agreement_and_longer_dialogues_take_longer() -> None:
    assert plan(StudySize(40, 10, 1), 0.95, 60.0).kappa == math.inf
    assert seconds_per_item(100) == 45.0 and seconds_per_item(400) > 120
    assert plan(StudySize(40, 10, 3, 0.5), 0.95, 60.0).hours > plan(StudySize(40, 10, 3), 0.95, 60.0).hours
