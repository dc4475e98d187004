"""The four ways a comparison is printed."""

import json
import math

import pytest

from preact.evaluation.comparison.comparing import HIGH, LOW, QUANTITIES, ComparisonRow, compare
from preact.evaluation.comparison.paper import paper_rows
from preact.evaluation.report.tables import FORMATS, as_json, render, render_tests

ROWS = [p.row for p in paper_rows(2) if p.backbone == "Llama2-7B"]


def row(model: str, *pairs: tuple[float, float]) -> ComparisonRow:
    return ComparisonRow(
        "tiny", model, tuple({**dict.fromkeys(HIGH, h), **dict.fromkeys(LOW, low)} for h, low in pairs)
    )


TWO = compare(
    [
        row("P_React & co", (4.9, 1.1), (4.8, 1.2), (4.9, 1.1)),
        row("LoRA", (4.0, 2.0), (4.1, 2.1), (4.0, 2.2)),
    ],
    ["tiny LoRA"],
)


@pytest.mark.parametrize("style", FORMATS[:3])
def test_every_text_form_holds_every_figure_of_the_paper_to_two_decimals(style: str) -> None:
    text = render(compare(ROWS), style)
    for row in ROWS:
        assert all(f"{row.mean(name):.2f}" in text for name in QUANTITIES)


def test_plain_text_is_aligned_and_marks_best_and_second() -> None:
    high, low, _ = render(compare(ROWS), "table").split("\n\n")
    lines = low.splitlines()
    assert len({len(line) for line in lines[1:3]}) == 1
    assert lines[0].split()[:4] == ["Backbone", "Model", "O-", "↓"] and "O+ ↑" in high
    assert lines[6].split()[-1] == "3.72¹" and lines[3].split()[-1] == "3.56²"
    assert all(len(line) <= 80 for line in (*high.splitlines(), *lines))


@pytest.mark.parametrize("style", FORMATS[:3])
def test_marks_are_explained_where_there_are_any(style: str) -> None:
    whole = render(TWO, style)
    assert "best" in whole and "second" in whole and "better than the best baseline" in whole
    alone = render(compare([row("LoRA", (4.0, 2.0))]), style)
    assert "best" not in alone and "second" not in alone and "standard deviations" not in alone
    scripted = render(compare(ROWS, marked=False), style)
    assert "nothing is marked as best: the judge is scripted" in scripted and "second" not in scripted


def test_markdown_bolds_the_best_underlines_the_second_and_stars_what_is_significant() -> None:
    text = render(TWO, "markdown")
    assert "| **3.73*** |" in text and "| <u>1.93</u> |" in text
    assert all(line.count("|") == 16 for line in text.splitlines() if line.startswith("|"))


def test_latex_escapes_names_and_closes_its_rows() -> None:
    text = render(TWO, "latex")
    assert r"P\_React \& co" in text and r"\textbf{3.73*}" in text and r"\underline{1.93}" in text
    assert r"O$^{+}$$\uparrow$" in text and r"Avg$^{-}$$\downarrow$" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 6 and all(line.replace(r"\&", "").count("&") == 14 for line in rows)


def test_standard_deviations_follow_only_where_runs_were_repeated() -> None:
    assert len(render(TWO, "markdown").split("\n\n")) == 3
    assert len(render(compare(ROWS), "markdown").split("\n\n")) == 2


@pytest.mark.parametrize("style", FORMATS)
def test_what_is_wrong_and_what_was_tested_travel_with_the_table(style: str) -> None:
    text = render(TWO, style, ["the judge always says 3"])
    assert "the judge always says 3" in text
    assert "Overall +1.80" in text or '"adjusted_p"' in text
    outside = [line for line in text.splitlines() if "always says" in line or "Overall +" in line]
    assert style != "latex" or all(line.startswith("% ") for line in outside)


def test_json_is_strict_and_holds_runs_and_tests() -> None:
    data = json.loads(
        render(TWO, "json"), parse_constant=lambda word: pytest.fail(f"not strict JSON: {word}")
    )
    assert data["rows"][0]["runs"][1]["O+"] == 4.8 and data["rows"][0]["quantities"]["Overall"]["starred"]
    assert len(data["tests"]) == 13 and data["tests"][0]["family"] == "primary (Holm)"


def test_what_is_missing_is_a_dash_in_text_and_null_in_json() -> None:
    table = compare([ComparisonRow("tiny", "half", ({"O+": 4.0, "C+": math.nan},))])
    assert "  4.00  " in render(table, "table") and " - " in render(table, "table")
    assert as_json(table)["rows"][0]["quantities"]["Overall"]["mean"] is None


def test_an_infinite_t_is_said_in_words() -> None:
    table = compare([row("a", (5.0, 1.0), (5.0, 1.0)), row("b", (4.0, 2.0), (4.0, 2.0))], ["tiny b"])
    assert "t infinite" in render_tests(table) and "neither side varied" in render_tests(table)
    assert json.loads(render(table, "json"))["tests"][0]["t"] == "infinite"
