"""The table's arithmetic, against the paper's own printed figures and worked examples."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from oceanchat.errors import EvaluationError
from preact.evaluation.comparison.comparing import HIGH, LOW, QUANTITIES, ComparisonRow, compare, quantities
from preact.evaluation.comparison.item_intervals import ClusterScore
from preact.evaluation.comparison.paper import paper_rows
from preact.evaluation.comparison.statistics import holm


def run(high: float, low: float) -> dict[str, float]:
    return {**dict.fromkeys(HIGH, high), **dict.fromkeys(LOW, low)}


def row(model: str, *overalls: float, backbone: str = "tiny") -> ComparisonRow:
    return ComparisonRow(backbone, model, tuple(run(3 + o / 2, 3 - o / 2) for o in overalls))


def test_the_quantities_stand_in_the_papers_order() -> None:
    assert " ".join(QUANTITIES) == "O+ C+ E+ A+ N+ Avg+ O- C- E- A- N- Avg- Overall"


def test_best_and_second_overall_of_each_backbone_are_the_papers() -> None:
    table = compare([p.row for p in paper_rows(2)])
    ranks = {r.label: cells["Overall"].rank for r, cells in zip(table.rows, table.cells, strict=True)}
    assert [label for label, rank in ranks.items() if rank == 1] == [
        "- GPT-4", "Llama2-7B P-React", "Llama2-13B P-React", "Qwen2-7B P-React",
    ]  # fmt: skip
    assert [label for label, rank in ranks.items() if rank == 2] == [
        "- GPT-3.5", "Llama2-7B Auxiliary", "Llama2-13B Auxiliary", "Qwen2-7B Auxiliary",
    ]  # fmt: skip


def test_nothing_is_marked_where_the_judge_is_scripted() -> None:
    rows = [row("a", 1.9, 1.8, 1.9), row("b", 0.5, 0.4, 0.4)]
    measured, scripted = (compare(rows, ["tiny b"], marked=marked) for marked in (True, False))
    assert measured.ranks and measured.marks_gains and measured.cells[0]["Overall"].starred
    assert not scripted.ranks and not scripted.marks_gains and not scripted.cells[0]["Overall"].starred
    assert scripted.tests == measured.tests


def test_a_long_comparison_says_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row("a", 1.9, 1.8), row("b", 0.5, 0.4), row("c", 0.3, 0.6)]
    lines: list[str] = []
    compare(rows, ["tiny b"], say=lines.append)
    assert not lines
    monkeypatch.setattr("oceanchat.time_left.FIRST_SECONDS", 0)
    compare(rows, ["tiny b"], say=lines.append)
    assert lines and all(line.startswith("intervals over items, about ") for line in lines)


def test_nothing_scripted_is_ranked() -> None:
    scripted = [row(model, 1.9, backbone=f"scripted{over}") for model, over in (("a", ""), ("b", "-http"))]
    table = compare([*scripted, row("a", 1.0), row("b", 0.5)])
    assert [cells["Overall"].rank for cells in table.cells] == [0, 0, 1, 2]


def test_low_levels_rank_the_smallest_score_first_and_equal_prints_share_a_rank() -> None:
    table = compare([p.row for p in paper_rows(2) if p.backbone == "Llama2-7B"])
    cells = dict(zip((r.model for r in table.rows), table.cells, strict=True))
    assert [m for m, c in cells.items() if c["C-"].rank == 1] == ["LoRA"]
    assert [m for m, c in cells.items() if c["O+"].rank == 1] == ["Auxiliary", "P-React"]


def test_overall_is_computed_per_run_before_it_is_averaged() -> None:
    a = ComparisonRow("tiny", "a", (run(5, 1), run(4, 2)))
    assert a.values("Overall") == (4.0, 2.0) and a.mean("Overall") == 3.0 and a.spread("Overall") == 1.0


def test_a_missing_score_leaves_its_averages_missing_instead_of_becoming_a_number() -> None:
    broken = {code: score for code, score in run(5, 1).items() if code != "E+"}
    figures = quantities(broken)
    assert math.isnan(figures["E+"]) and math.isnan(figures["Avg+"]) and math.isnan(figures["Overall"])
    assert figures["Avg-"] == 1.0
    assert ComparisonRow("tiny", "a", (broken, run(5, 1))).values("Overall") == (4.0,)


def test_a_clear_gain_over_the_best_baseline_is_starred_and_a_gain_over_a_worse_one_is_not() -> None:
    ours = row("ours", 3.6, 3.7, 3.65, 3.72, 3.68)
    weak = row("weak", 1.0, 1.1, 0.9, 1.05, 0.95)
    strong = row("strong", 3.65, 3.69, 3.64, 3.7, 3.71)
    starred = compare([ours, weak], ["tiny weak"]).cells[0]["Overall"].starred
    level = compare([ours, weak, strong], ["tiny weak", "tiny strong"]).cells[0]["Overall"].starred
    assert (starred, level) == (True, False)


def test_a_significant_loss_is_never_starred() -> None:
    ours, strong = row("ours", 1.0, 1.1, 0.9), row("strong", 3.0, 3.1, 2.9)
    cells = compare([ours, strong], ["tiny strong"]).cells[0]
    assert not any(cell.starred for cell in cells.values())


def test_seven_baselines_make_91_tests_of_which_seven_are_primary() -> None:
    rows = [row("ours", 3.6, 3.7, 3.65)]
    rows += [
        row(f"b{n}", 1 + n / 10, 1.1 + n / 10, 1.05 + n / 10, backbone="tiny" if n else "-") for n in range(7)
    ]
    table = compare(rows, [r.label for r in rows[1:]])
    assert len(table.tests) == 91
    assert [test.quantity for test in table.tests if test.primary] == ["Overall"] * 7


def test_eight_equal_systems_show_a_false_difference_in_at_most_5_percent_of_tables() -> None:
    dice = np.random.default_rng(1)
    tables = dice.normal(2.0, 0.2, (2000, 8, 5))
    p_values = stats.ttest_ind(tables[:, 1:], tables[:, :1], axis=2, equal_var=False).pvalue
    raw = [min(own) < 0.05 for own in p_values]
    adjusted = [min(holm(own)) < 0.05 for own in p_values]
    assert np.mean(raw) > 0.15 and np.mean(adjusted) <= 0.05
    rows = [row(f"s{n}", *overalls) for n, overalls in enumerate(tables[raw.index(True)])]
    primary = [test.adjusted for test in compare(rows, ["tiny s0"]).tests if test.primary]
    assert primary == pytest.approx(holm(p_values[raw.index(True)]))


def test_the_contrasts_of_a_tables_overalls_are_one_family_whatever_their_rows() -> None:
    rows = [row("base", 2.0, 2.1, 1.9, 2.0, 2.05), row("near", 2.1, 2.2, 2.05, 2.15, 2.1)]
    alone = next(t for t in compare(rows, ["tiny base"]).tests if t.primary)
    others = [row(f"o{n}", 2.0, 2.05, 1.95, 2.1, 1.9) for n in range(6)]
    beside = next(
        t for t in compare([*rows, *others], ["tiny base"]).tests if t.primary and "near" in t.model
    )
    assert alone.adjusted == alone.contrast.p < 0.05 < beside.adjusted


def test_runs_are_paired_by_number_and_fewer_than_five_pairs_are_not_tested() -> None:
    broken = {code: score for code, score in run(5, 1).items() if code != "E+"}
    ours = ComparisonRow("tiny", "ours", (run(4, 2), run(4, 1), broken, run(5, 2), run(5, 1), run(4, 1)))
    base = row("base", 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
    test = next(t for t in compare([ours, base], ["tiny base"]).tests if t.primary)
    assert ours.by_run("Overall") == {0: 2.0, 1: 3.0, 3: 3.0, 4: 4.0, 5: 3.0}
    assert test.sign_flip == 0.0625
    fewer = ComparisonRow("tiny", "ours", ours.runs[:5])
    assert math.isnan(next(t for t in compare([fewer, base], ["tiny base"]).tests if t.primary).sign_flip)


def test_one_run_has_no_spread_and_no_p_and_no_star() -> None:
    table = compare([row("ours", 3.9), row("base", 0.1)], ["tiny base"])
    assert math.isnan(table.cells[0]["Overall"].spread) and not table.cells[0]["Overall"].starred
    assert all(math.isnan(t.adjusted) and math.isnan(t.sign_flip) for t in table.tests)


@pytest.mark.parametrize("runs", [3, 5])
def test_what_never_varied_is_neither_tested_nor_starred_however_far_apart(runs: int) -> None:
    table = compare([row("ours", *[3.0] * runs), row("base", *[1.0] * runs)], ["tiny base"])
    assert all(math.isnan(test.sign_flip) for test in table.tests)
    test = next(t for t in table.tests if t.primary)
    assert test.contrast.t == math.inf and math.isnan(test.adjusted)
    assert not table.cells[0]["Overall"].starred and "Overall" in table.rows[0].unvarying()


def test_a_gain_that_hangs_on_the_items_is_not_starred() -> None:
    def with_items(model: str, gaps: list[float], *overalls: float) -> ComparisonRow:
        scores = [
            ClusterScore(code, 0, (f"{code[0]}{n}",), 3 + (gap / 2 if code[1] == "+" else -gap / 2))
            for code in (*HIGH, *LOW)
            for n, gap in enumerate(gaps)
        ]
        return dataclasses.replace(row(model, *overalls), scores=tuple(scores))

    base = with_items("base", [1.0, 1.0, 1.0], 1.0, 1.1, 0.9)
    steady = with_items("steady", [2.1, 2.0, 1.9], 2.0, 2.1, 1.9)
    hanging = with_items("hanging", [4.0, 4.0, -2.0], 2.0, 2.1, 1.9)
    stars = [compare([ours, base], ["tiny base"]).cells[0]["O+"].starred for ours in (steady, hanging)]
    assert stars == [True, False]


def test_other_backbones_are_not_tested_against() -> None:
    rows = [row("ours", 3.6, 3.7), row("other", 1.0, 1.1, backbone="huge")]
    assert compare(rows, ["huge other"]).tests == ()


def test_two_systems_of_one_name_and_an_unknown_baseline_are_refused() -> None:
    with pytest.raises(EvaluationError, match="both called 'tiny a'"):
        compare([row("a", 1.0), row("a", 2.0)])
    with pytest.raises(EvaluationError, match="baseline 'nobody'"):
        compare([row("a", 1.0)], ["nobody"])


@given(st.fixed_dictionaries({code: st.floats(1, 5) for code in (*HIGH, *LOW)}))
def test_overall_lies_within_four_points_and_turns_with_the_levels(scores: dict[str, float]) -> None:
    turned = {code: scores[code[0] + ("-" if code[1] == "+" else "+")] for code in scores}
    assert abs(quantities(scores)["Overall"]) <= 4
    assert quantities(turned)["Overall"] == pytest.approx(-quantities(scores)["Overall"])
