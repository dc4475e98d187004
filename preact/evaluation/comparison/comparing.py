"""Compare systems as the paper does.

Thirteen quantities per run, ranks per backbone, tested contrasts: O+ ... N+, their mean Avg+, O- ... N-,
their mean Avg-, and Overall = Avg+ - Avg- (Tables 2, 4 and 7), each computed run by run and only then
averaged, with the population standard deviation over runs (Table 8). Pure arithmetic: it does not know what
was interviewed or what judged.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from oceanchat.errors import EvaluationError
from oceanchat.traits import TRAIT_LEVELS, Level
from preact.evaluation.comparison.statistics import Contrast, benjamini_hochberg, holm, spread, welch

HIGH = tuple(t.code for t in TRAIT_LEVELS if t.level is Level.HIGH)
LOW = tuple(t.code for t in TRAIT_LEVELS if t.level is Level.LOW)
QUANTITIES = (*HIGH, "Avg+", *LOW, "Avg-", "Overall")
SMALLER_IS_BETTER = frozenset({*LOW, "Avg-"})
LEVEL_OF_TEST = 0.05


@dataclass(frozen=True)
class ComparisonRow:
    """One system of a comparison."""

    backbone: str
    """The model it is built on; '-' when it has none of its own, as GPT-4 in the paper."""
    model: str
    """The system's name, such as 'P-React' or 'LoRA (Sep)'."""
    runs: tuple[Mapping[str, float], ...]
    """One mapping a run: trait-level code -> judged score, 1 to 5; a missing score is absent or NaN."""

    @property
    def label(self) -> str:
        """Backbone and model together."""
        return f"{self.backbone} {self.model}"

    def values(self, quantity: str) -> tuple[float, ...]:
        """The quantity in every run that has it, in scale points."""
        values = (quantities(run)[quantity] for run in self.runs)
        return tuple(value for value in values if not math.isnan(value))

    def mean(self, quantity: str) -> float:
        """Mean over runs in scale points; NaN when no run has it."""
        values = self.values(quantity)
        return statistics.fmean(values) if values else math.nan

    def spread(self, quantity: str) -> float:
        """Population standard deviation over runs, in scale points; NaN when no run has it."""
        return spread(self.values(quantity))


class TestedContrast(NamedTuple):
    """One contrast of a system with one baseline in one quantity."""

    model: str
    baseline: str
    quantity: str
    contrast: Contrast
    """First the system, then the baseline."""
    primary: bool
    """True for the few contrasts of Overall (Holm), False for all others (Benjamini-Hochberg)."""
    adjusted: float
    """p after the correction of its family."""

    @property
    def better(self) -> bool:
        """Whether the system did better than the baseline, whatever the size."""
        return self.contrast.difference * _direction(self.quantity) > 0

    @property
    def significant(self) -> bool:
        """Whether the adjusted p is below .05."""
        return self.adjusted < LEVEL_OF_TEST


class ComparisonCell(NamedTuple):
    """One figure of the table as it is printed."""

    mean: float
    spread: float
    rank: int
    """1 best, 2 second best with the same backbone, 0 otherwise; equal to two decimals share a rank."""
    starred: bool
    """Significantly better (adjusted p < .05) than the best baseline in this quantity."""


@dataclass(frozen=True)
class Comparison:
    """A finished comparison."""

    rows: tuple[ComparisonRow, ...]
    cells: tuple[Mapping[str, ComparisonCell], ...]
    """For each row, quantity -> cell."""
    tests: tuple[TestedContrast, ...]
    baselines: tuple[str, ...]
    """Labels of the rows that the others were tested against."""


def quantities(run: Mapping[str, float]) -> dict[str, float]:
    """The thirteen quantities of one run; a mean over traits of which one is missing is missing too (NaN)."""
    figures = {code: run.get(code, math.nan) for code in (*HIGH, *LOW)}
    figures["Avg+"] = math.fsum(figures[code] for code in HIGH) / len(HIGH)
    figures["Avg-"] = math.fsum(figures[code] for code in LOW) / len(LOW)
    figures["Overall"] = figures["Avg+"] - figures["Avg-"]
    return {name: figures[name] for name in QUANTITIES}


def compare(rows: Sequence[ComparisonRow], baselines: Iterable[str] = ()) -> Comparison:
    """The whole comparison; `baselines` are labels of rows, and every other row is tested against them.

    Raises EvaluationError when two rows share a label or a baseline is none of them.
    """
    named, labels = tuple(baselines), [row.label for row in rows]
    for label in labels:
        if labels.count(label) > 1:
            raise EvaluationError(f"two systems are both called '{label}'; give each its own --label")
    for label in named:
        if label not in labels:
            raise EvaluationError(f"baseline '{label}' is not compared here; name one of {', '.join(labels)}")
    tests = _tests(rows, named)
    cells = tuple({name: _cell(row, name, rows, tests) for name in QUANTITIES} for row in rows)
    return Comparison(tuple(rows), cells, tests, named)


def _cell(
    row: ComparisonRow, quantity: str, rows: Sequence[ComparisonRow], tests: Sequence[TestedContrast]
) -> ComparisonCell:
    return ComparisonCell(
        row.mean(quantity), row.spread(quantity), _rank(row, quantity, rows), _starred(row, quantity, tests)
    )


def _rank(row: ComparisonRow, quantity: str, rows: Sequence[ComparisonRow]) -> int:
    """Ranks go by what is printed, two decimals: a reader sees equal figures as equal."""
    rivals = [round(r.mean(quantity), 2) for r in rows if r.backbone == row.backbone]
    ladder = sorted({v for v in rivals if not math.isnan(v)}, reverse=quantity not in SMALLER_IS_BETTER)
    own = round(row.mean(quantity), 2)
    rank = ladder.index(own) + 1 if own in ladder else 0
    return rank if len(rivals) > 1 and rank <= 2 else 0


def _starred(row: ComparisonRow, quantity: str, tests: Sequence[TestedContrast]) -> bool:
    """Significance against the best baseline, which is the one that this row gains least on."""

    own = [t for t in tests if t.model == row.label and t.quantity == quantity]
    own = [t for t in own if not math.isnan(t.contrast.difference)]
    if not own:
        return False
    best = min(own, key=lambda t: t.contrast.difference * _direction(quantity))
    return best.better and best.significant


def _tests(rows: Sequence[ComparisonRow], baselines: tuple[str, ...]) -> tuple[TestedContrast, ...]:
    """Every other row against every baseline of its backbone (or of none), in two families per row."""
    tests: list[TestedContrast] = []
    for row in rows:
        if row.label in baselines:
            continue
        against = [b for b in rows if b.label in baselines and b.backbone in (row.backbone, "-")]
        primary = [(b, "Overall") for b in against]
        rest = [(b, name) for b in against for name in QUANTITIES if name != "Overall"]
        for family, adjust in ((primary, holm), (rest, benjamini_hochberg)):
            contrasts = [welch(row.values(name), b.values(name)) for b, name in family]
            adjusted = adjust([contrast.p for contrast in contrasts])
            tests.extend(
                TestedContrast(row.label, b.label, name, contrast, family is primary, p)
                for (b, name), contrast, p in zip(family, contrasts, adjusted, strict=True)
            )
    return tuple(tests)


def _direction(quantity: str) -> int:
    return -1 if quantity in SMALLER_IS_BETTER else 1
