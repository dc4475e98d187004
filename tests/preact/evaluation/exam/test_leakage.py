"""The 10 x 5 matrix and its ratio, on losses made by hand."""

import numpy as np
import pytest

from oceanchat.traits import CODES
from preact.evaluation.exam.leakage import leakage_figures, leakage_matrix
from preact.evaluation.exam.records import HeldOutDialogue, Losses


def losses(leak: float, noise: float = 0.0, each: int = 8) -> Losses:
    """Own trait-levels make their dialogues likelier by 1, and those of the next trait's level by `leak`."""
    random = np.random.default_rng(0)
    rows, dialogues = [], []
    for n in range(each):
        for own, code in enumerate(CODES):
            row = 3.0 + noise * random.standard_normal(10)
            row[own] -= 1
            row[(own % 5 - 1) % 5 + own // 5 * 5] -= leak
            rows.append(tuple(row.tolist()))
            dialogues.append(HeldOutDialogue(id=f"{code}{n}", code=code, author=f"a{n}", words=10))
    return Losses(dialogues=tuple(dialogues), losses=tuple(rows))


def test_each_trait_level_moves_its_own_trait_and_what_it_leaks_to() -> None:
    matrix = np.array(leakage_matrix(losses(0.5)))
    expected = np.vstack([np.eye(5) + 0.5 * np.roll(np.eye(5), 1, axis=1)] * 2)
    expected[5:] *= -1
    assert matrix == pytest.approx(expected)


def test_the_ratio_is_the_largest_other_over_the_own_movement() -> None:
    figures = leakage_figures(losses(0.5, 0.1))
    ratio = figures["leakage"]
    assert ratio.value is not None and ratio.low is not None and ratio.high is not None
    assert ratio.low <= ratio.value <= ratio.high and ratio.low > 0.4 and ratio.high < 0.7
    assert figures["own_moved"].value == pytest.approx(1, abs=0.1)
    other = figures["other_moved"]
    assert other.value is not None and other.low is not None and other.high is not None
    assert other.low <= other.value <= other.high
    assert leakage_figures(losses(2.0, 0.1))["leakage"].value == pytest.approx(2, abs=0.2)


def test_without_a_movement_of_its_own_there_is_no_ratio() -> None:
    noise = losses(0.0, 0.1)
    still = noise.model_copy(update={"losses": tuple(tuple(sorted(row)) for row in noise.losses)})
    assert leakage_figures(still)["leakage"].value is None
    none = Losses(dialogues=(), losses=())
    assert {figure.value for figure in leakage_figures(none).values()} == {None}
    one_level = Losses(dialogues=noise.dialogues[:1], losses=noise.losses[:1])
    assert leakage_figures(one_level)["leakage"].note == "no trait has dialogues of both levels"
