"""The paper's Table 6 of any dialogues.

How many, how long, how wordy, for each trait-level: pure arithmetic over records, in paper order, with the
paper's own figures to stand beside.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from oceanchat.records import Dialogue
from oceanchat.traits import CODES


class Shape(NamedTuple):
    """What the table needs of one dialogue."""

    trait_level: str
    turns: int
    """Utterances."""
    words: int
    """In all turns together."""


class SummaryRow(NamedTuple):
    """One line of Table 6."""

    trait_level: str
    """'O+' ... 'N-', or 'Avg'."""
    dialogues: float
    """Count; a mean in the line 'Avg'."""
    turns: float
    """Mean utterances of a dialogue."""
    words_a_turn: float
    """Words over turns, all dialogues together."""


PAPER: Mapping[str, SummaryRow] = {
    row.trait_level: row
    for row in (
        SummaryRow("O+", 1042, 7.85, 26.61),
        SummaryRow("C+", 1048, 9.36, 26.21),
        SummaryRow("E+", 1040, 9.69, 40.23),
        SummaryRow("A+", 1048, 7.55, 28.51),
        SummaryRow("N+", 1034, 7.85, 19.24),
        SummaryRow("O-", 1042, 7.87, 15.39),
        SummaryRow("C-", 1048, 8.33, 12.50),
        SummaryRow("E-", 1040, 8.37, 12.49),
        SummaryRow("A-", 1048, 9.16, 11.48),
        SummaryRow("N-", 1034, 8.97, 12.21),
        SummaryRow("Avg", 1042.40, 8.50, 20.49),
    )
}
"""Table 6 as printed."""


def table_six(dialogues: Iterable[Dialogue]) -> tuple[SummaryRow, ...]:
    """Table 6 of dialogues: the trait-levels that have any, in paper order, then the mean of these lines.

    Empty for no dialogues. As in the paper the last line is the plain mean of the lines above it.
    """
    return summarize(
        Shape(d.trait_level.code, len(d.turns), sum(len(turn.text.split()) for turn in d.turns))
        for d in dialogues
    )


def summarize(shapes: Iterable[Shape]) -> tuple[SummaryRow, ...]:
    """Table 6 of shapes; see `table_six`."""
    by_level: defaultdict[str, list[Shape]] = defaultdict(list)
    for shape in shapes:
        by_level[shape.trait_level].append(shape)
    rows = [_row(code, by_level[code]) for code in CODES if code in by_level]
    if not rows:
        return ()
    count = len(rows)
    mean = SummaryRow(
        "Avg",
        sum(row.dialogues for row in rows) / count,
        math.fsum(row.turns for row in rows) / count,
        math.fsum(row.words_a_turn for row in rows) / count,
    )
    return (*rows, mean)


def _row(code: str, shapes: list[Shape]) -> SummaryRow:
    turns = sum(shape.turns for shape in shapes)
    words = sum(shape.words for shape in shapes)
    return SummaryRow(code, len(shapes), turns / len(shapes), words / turns if turns else 0.0)
