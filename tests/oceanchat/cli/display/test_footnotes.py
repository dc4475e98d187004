"""Each note once, by number."""

import pytest

from oceanchat.cli.display.footnotes import Footnotes


def test_a_note_that_comes_again_has_its_old_number(capsys: pytest.CaptureFixture[str]) -> None:
    notes = Footnotes()
    assert notes.mark("") == "" and notes.marked("0.5", "") == "0.5"
    assert notes.mark("no item has two labels") == "[1]"
    assert notes.marked("0.5", "few items (three; two differ); no item has two labels") == "0.5 [2,1]"
    notes.print()
    assert capsys.readouterr().out == "[1] no item has two labels\n[2] few items (three; two differ)\n"


def test_marks_are_in_the_style_of_their_format() -> None:
    assert Footnotes("<sup>{}</sup>").marked("0.5", "one; two") == "0.5<sup>1,2</sup>"
