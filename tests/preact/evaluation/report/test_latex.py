"""Plain text becomes LaTeX that says the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preact.evaluation.report.latex import LatexTable, comment, escaped, table, tabular


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        (r"a_b & 50% of {x} #1 $2 ~ ^ \end", r"a\_b \& 50\% of \{x\} \#1 \$2 \textasciitilde{} "
         r"\textasciicircum{} \textbackslash{}end"),
        ("p < .05, --exam", r"p \textless{} .05, -{}-exam"),
        ("Émile, ñandú, Łódź, naïve", r"\'{E}mile, \~{n}and\'{u}, \L{}\'{o}d\'{z}, na\"{\i}ve"),
        ("模 🙂", "[U+6A21] [U+1F642]"),
        ("two\nlines\t", "two lines"),
    ],
)  # fmt: skip
def test_special_characters_stand_for_themselves(text: str, latex: str) -> None:
    assert escaped(text) == latex


@settings(max_examples=40)
@given(st.text())
def test_any_text_is_one_line_of_ascii_without_a_command_of_its_own(text: str) -> None:
    latex = escaped(text)
    assert latex.isascii() and "\n" not in latex and latex.isprintable()
    assert comment(text).isascii() and len(comment(text).splitlines()) == 1
    assert escaped(rf"\input{{{text}}}").startswith(r"\textbackslash{}input\{")


def test_a_table_keeps_the_papers_number_and_names_its_sources_in_comments() -> None:
    content = LatexTable(3, "50 %", [tabular(["a", "b"], [["x-1", "-0.5"]])], ["a note"], ["f.csv:\nscore"])
    lines = table(content).splitlines()
    assert lines[0] == "% Table 3: f.csv: score" and r"\setcounter{table}{2}" in lines
    assert r"\caption{50 \%}" in lines and r"x-1 & $-$0.5 \\" in lines and "a note" in lines[-2]
