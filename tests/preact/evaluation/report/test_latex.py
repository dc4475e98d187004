"""A table in a document keeps its number, its sources and its signs."""

from oceanchat.latex import tabular
from preact.evaluation.report.latex import LatexTable, table


def test_a_table_keeps_the_papers_number_and_names_its_sources_in_comments() -> None:
    content = LatexTable(3, "50 %", [tabular(["a", "b"], [["x-1", "-0.5"]])], ["a note"], ["f.csv:\nscore"])
    lines = table(content).splitlines()
    assert lines[0] == "% Table 3: f.csv: score" and r"\setcounter{table}{2}" in lines
    assert r"\caption{50 \%}" in lines and r"x-1 & $-$0.5 \\" in lines and "a note" in lines[-2]
