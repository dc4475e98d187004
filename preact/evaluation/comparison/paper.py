"""The paper's printed figures and their contradictions.

Tables 2, 4, 7 and 8 stand beside ours; they are not a target. The paper's averages of Table 8 are means of
the standard deviations beside them, ours are standard deviations of the averages over runs.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

from preact.evaluation.comparison.comparing import HIGH, LOW, QUANTITIES, ComparisonRow, quantities

_HALF = 0.005
"""Half of the last printed digit in scale points: each printed figure may be off by that much."""


@dataclass(frozen=True)
class PaperRow:
    """One printed row."""

    table: int
    """The paper's table: 2 main, 4 ablations, 7 Llama2-70B, 8 standard deviations."""
    backbone: str
    model: str
    figures: Mapping[str, float]
    """Quantity -> printed figure in scale points."""

    @property
    def row(self) -> ComparisonRow:
        """The ten trait-levels as a row of one run, to be compared like our own."""
        return ComparisonRow(
            self.backbone, self.model, ({code: self.figures[code] for code in (*HIGH, *LOW)},)
        )


class PaperContradiction(NamedTuple):
    """A printed figure that its neighbours contradict by more than rounding explains."""

    table: int
    backbone: str
    model: str
    quantity: str
    printed: float
    computed: float

    def __str__(self) -> str:
        return (
            f"Table {self.table}, {self.backbone} {self.model}: {self.quantity} is printed as "
            f"{self.printed:.2f}, its own figures give {self.computed:.2f}"
        )


def paper_rows(*tables: int) -> tuple[PaperRow, ...]:
    """The printed rows of these tables, or of all four."""
    with (files("preact") / "data" / "paper.csv").open(encoding="utf-8") as file:
        rows = tuple(
            PaperRow(
                int(cells["table"]),
                cells["backbone"],
                cells["model"],
                {q: float(cells[q]) for q in QUANTITIES},
            )
            for cells in csv.DictReader(file)
        )
    return tuple(row for row in rows if not tables or row.table in tables)


def contradictions(*tables: int) -> tuple[PaperContradiction, ...]:
    """The averages and Overalls of Tables 2, 4 and 7 that the row's ten figures contradict.

    An average of five rounded figures is known to half a digit and printed to another half; Overall, a
    difference of two averages, to three halves.
    """
    result: list[PaperContradiction] = []
    for row in paper_rows(*(tables or (2, 4, 7))):
        computed = quantities(row.figures)
        for quantity, halves in (("Avg+", 2), ("Avg-", 2), ("Overall", 3)):
            if abs(computed[quantity] - row.figures[quantity]) > halves * _HALF + 1e-9:
                result.append(
                    PaperContradiction(
                        row.table,
                        row.backbone,
                        row.model,
                        quantity,
                        row.figures[quantity],
                        computed[quantity],
                    )
                )
    return tuple(result)
