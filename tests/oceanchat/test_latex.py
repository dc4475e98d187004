"""Plain text becomes LaTeX that says the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oceanchat.latex import comment, escaped, tabular


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        (r"a_b & 50% of {x} #1 $2 ~ ^ \end", r"a\_b \& 50\% of \{x\} \#1 \$2 \textasciitilde{} "
         r"\textasciicircum{} \textbackslash{}end"),
        ("p < .05, --exam", r"p \textless{} .05, -{}-exam"),
        ("Émile, ñandú, Łódź, naïve", r"\'{E}mile, \~{n}and\'{u}, \L{}\'{o}d\'{z}, na\"{\i}ve"),
        ("模 🙂", "{[}U+6A21{]} {[}U+1F642{]}"),
        ("[8B] *base", "{[}8B{]} {*}base"),
        ("two\nlines\t", "two lines "),
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


def test_cells_of_a_table_stand_in_columns_of_words_and_figures() -> None:
    lines = tabular(["a", "b"], [["x", "1"]], words=1).splitlines()
    assert lines[0] == r"\begin{tabular}{lc}" and r"x & 1 \\" in lines
