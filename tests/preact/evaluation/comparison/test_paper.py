"""The paper's printed figures: all are there, and its contradictions are known."""

import pytest

from preact.evaluation.comparison.comparing import quantities
from preact.evaluation.comparison.paper import PaperRow, contradictions, paper_rows

CONSISTENT = [p for p in paper_rows(2, 4, 7) if (p.backbone, p.model) != ("Llama2-13B", "P-React")]


@pytest.mark.parametrize("printed", CONSISTENT, ids=lambda p: f"{p.table}-{p.backbone}-{p.model}")
def test_the_papers_ten_figures_give_its_averages_and_overall_to_rounding(printed: PaperRow) -> None:
    ours = quantities(printed.row.runs[0])
    assert ours["Avg+"] == pytest.approx(printed.figures["Avg+"], abs=0.0101)
    assert ours["Avg-"] == pytest.approx(printed.figures["Avg-"], abs=0.0101)
    assert ours["Overall"] == pytest.approx(printed.figures["Overall"], abs=0.0151)


def test_the_cells_where_the_paper_disagrees_with_itself_are_listed() -> None:
    assert [str(d) for d in contradictions()] == [
        "Table 2, Llama2-13B P-React: Avg- is printed as 1.04, its own figures give 1.08",
        "Table 2, Llama2-13B P-React: Overall is printed as 3.81, its own figures give 3.77",
    ]


def test_the_paper_holds_14_main_rows_3_large_ones_4_ablations_and_17_spreads() -> None:
    assert [len(paper_rows(table)) for table in (2, 7, 4, 8)] == [14, 3, 4, 17]
