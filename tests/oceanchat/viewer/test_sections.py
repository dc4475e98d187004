"""Figures in words and tables, the paper's beside ours."""

from oceanchat.statistics.figure import Figure
from oceanchat.statistics.length import LengthFigures
from oceanchat.statistics.table_six import SummaryRow
from oceanchat.viewer.content import CountCell
from oceanchat.viewer.sections import PaidTask, costs_section, funnel_section, length_section, state_order


def test_a_funnel_counts_each_step_and_links_what_passed() -> None:
    steps = {
        "candidates": {"neutral": 5, "selected": 4, "failed": 1},
        "seeds": {"written": 3, "refused": 1},
        "dialogues": {"gate:length": 1, "wrong-level": 1, "passed": 1},
    }
    states = {"O+": {"passed": 1, "wrong-level": 1, "gate:length": 1}}
    section = funnel_section({"O+": steps}, states, Figure(0.5, 0.1, 0.9))
    [row] = section.tables[0].rows
    assert row == ["O+", "10", "5", "0", "0", "1", "4", "3", "1", "1", CountCell("1", "O+", "passed")]
    assert [count for _, count in section.bars] == [10, 4, 3, 2, 1]
    assert [each[0] for each in section.tables[1].rows] == ["passed", "gate:length", "wrong-level"]
    assert "50.0% (10.0% to 90.0%)" in section.lead[1]


def test_imported_dialogues_alone_have_states_and_no_funnel() -> None:
    section = funnel_section({}, {"N-": {"unchecked": 2}}, Figure(None))
    assert len(section.tables) == 1 and section.bars == []


def test_lengths_stand_beside_the_paper_and_warn() -> None:
    row = SummaryRow("O+", 2, 10.0, 15.5)
    telling = LengthFigures({"O": Figure(0.9, 0.8, 1.0)}, {"O": Figure(0.5, 0.4, 0.6)})
    section = length_section([row], telling, None)
    assert section.tables[0].rows == [("O+", "2", "1,042", "10.00", "7.85", "15.50", "26.61")]
    assert any("alone tells high from low for Openness" in text for text in section.lead)
    assert length_section([], LengthFigures({}, {}), None).tables == []


def test_costs_stand_in_the_order_of_a_build() -> None:
    paid = [PaidTask(task, "m", 1, 2, 3, "$0.1000") for task in ("judge", "check", "write", "label")]
    section = costs_section(paid, "$0.4000", "Prices of today.")
    assert [row[0] for row in section.tables[0].rows] == ["label", "write", "check", "judge"]
    assert section.lead == ["All calls together: $0.4000. Prices of today."]


def test_accepted_comes_first() -> None:
    states = ["failed", "off-trait", "gate:words", "passed", "gate:copied"]
    assert sorted(states, key=state_order) == ["passed", "gate:copied", "gate:words", "off-trait", "failed"]
