"""Shares are written with their intervals, and tables escape what could break them."""

from oceanchat.release.card.markdown import fenced, share_shown, table
from oceanchat.release.quality import share


def test_figures_are_shown_with_their_intervals() -> None:
    assert share_shown(share(9, 10)) == "9 of 10: 90.0% (59.6% to 98.2%)"
    assert share_shown(share(0, 0)) == "none checked"
    assert table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |\n"


def test_no_backticks_within_end_a_code_block() -> None:
    assert fenced("plain") == "```text\nplain\n```\n"
    assert fenced("a ```` b\n", "python") == "`````python\na ```` b\n`````\n"
