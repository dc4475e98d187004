"""Table 6: counted as a person would, and the paper's own line of means comes out of the lines above it."""

import pytest

from oceanchat.records import Dialogue, Turn
from oceanchat.statistics.table_six import PAPER, Shape, summarize, table_six
from oceanchat.traits import CODES, Level, Trait


def test_the_papers_means_are_the_means_of_its_lines() -> None:
    for column, places in ((1, 2), (2, 2), (3, 2)):
        mean = sum(PAPER[code][column] for code in CODES) / 10  # type: ignore[misc]
        assert round(mean, places) == pytest.approx(PAPER["Avg"][column], abs=0.01)
    assert sum(PAPER[code].dialogues for code in CODES) == 10_424


def test_words_are_counted_over_all_turns_of_a_trait_level() -> None:
    rows = summarize([Shape("O-", 8, 80), Shape("O-", 10, 190), Shape("O+", 4, 4)])
    assert [row.trait_level for row in rows] == ["O+", "O-", "Avg"]
    assert rows[1] == ("O-", 2, 9.0, 15.0)
    assert rows[2] == ("Avg", 1.5, 6.5, 8.0)


def test_dialogues_are_measured_turn_by_turn() -> None:
    turns = (Turn(role="questioner", text="one two three?"), Turn(role="discloser", text="four"))
    dialogue = Dialogue(id="x", trait=Trait.N, level=Level.LOW, turns=turns)
    assert table_six([dialogue])[0] == ("N-", 1, 2.0, 2.0)


def test_no_dialogues_give_no_table() -> None:
    assert table_six([]) == ()
