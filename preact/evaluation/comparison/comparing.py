"""Compare systems as the paper does.

Thirteen quantities per run, ranks per backbone, tested contrasts: O+ ... N+, their mean Avg+, O- ... N-,
their mean Avg-, and Overall = Avg+ - Avg- (Tables 2, 4 and 7), each computed run by run and only then
averaged, with the population standard deviation over runs (Table 8). Pure arithmetic: it does not know what
was interviewed or what judged.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from oceanchat.errors import EvaluationError
from oceanchat.llm.settings import BY_SCRIPT
from oceanchat.statistics.figure import Figure
from oceanchat.time_left import LongJob
from oceanchat.traits import TRAIT_LEVELS, Level
from preact.evaluation.comparison.item_intervals import (
    ClusterScore,
    Weights,
    contrast_interval,
    item_interval,
)
from preact.evaluation.comparison.statistics import (
    MAX_PAIRS,
    MIN_PAIRS,
    Contrast,
    benjamini_hochberg,
    holm,
    sign_flip,
    spread,
    welch,
)

HIGH = tuple(t.code for t in TRAIT_LEVELS if t.level is Level.HIGH)
LOW = tuple(t.code for t in TRAIT_LEVELS if t.level is Level.LOW)
QUANTITIES = (*HIGH, "Avg+", *LOW, "Avg-", "Overall")
SMALLER_IS_BETTER = frozenset({*LOW, "Avg-"})
LEVEL_OF_TEST = 0.05
_SHARES = {
    "Avg+": dict.fromkeys(HIGH, 1 / len(HIGH)),
    "Avg-": dict.fromkeys(LOW, 1 / len(LOW)),
    "Overall": {**dict.fromkeys(HIGH, 1 / len(HIGH)), **dict.fromkeys(LOW, -1 / len(LOW))},
}
WEIGHTS: Mapping[str, Weights] = {name: _SHARES.get(name, {name: 1.0}) for name in QUANTITIES}
"""Each quantity as a weighted sum of the ten trait-levels' scores."""


@dataclass(frozen=True)
class ComparisonRow:
    """One system of a comparison."""

    backbone: str
    """The model it is built on; '-' when it has none of its own, as GPT-4 in the paper."""
    model: str
    """The system's name, such as 'P-React' or 'LoRA (Sep)'."""
    runs: tuple[Mapping[str, float], ...]
    """One mapping a run: trait-level code -> judged score, 1 to 5; a missing score is absent or NaN."""
    scores: tuple[ClusterScore, ...] = ()
    """The scores behind them, for intervals over items; empty for printed figures."""

    @property
    def label(self) -> str:
        """Backbone and model together."""
        return f"{self.backbone} {self.model}"

    def values(self, quantity: str) -> tuple[float, ...]:
        """The quantity in every run that has it, in scale points."""
        return tuple(self.by_run(quantity).values())

    def by_run(self, quantity: str) -> dict[int, float]:
        """Run's number -> the quantity, for the runs that have it."""
        values = ((number, quantities(run)[quantity]) for number, run in enumerate(self.runs))
        return {number: value for number, value in values if not math.isnan(value)}

    def over_items(self, quantity: str) -> Figure:
        """The mean over runs with its 95 % interval over items, in scale points."""
        mean = self.mean(quantity)
        if not self.scores:
            return Figure(None if math.isnan(mean) else mean)
        return item_interval(mean, self.scores, WEIGHTS[quantity])

    def mean(self, quantity: str) -> float:
        """Mean over runs in scale points; NaN when no run has it."""
        values = self.values(quantity)
        return statistics.fmean(values) if values else math.nan

    def spread(self, quantity: str) -> float:
        """Population standard deviation over runs, in scale points; NaN when fewer than two runs have it."""
        return spread(self.values(quantity))

    def unvarying(self) -> list[str]:
        """The quantities that came out the same in every one of several runs."""
        return [name for name in QUANTITIES if self.spread(name) == 0]


class TestedContrast(NamedTuple):
    """One contrast of a system with one baseline in one quantity."""

    model: str
    baseline: str
    quantity: str
    contrast: Contrast
    """First the system, then the baseline, over runs."""
    over_items: Figure
    """The difference with its 95 % interval over the items that both answered."""
    sign_flip: float
    """Exact p of the sign-flip test over runs paired by number; NaN below five pairs or without spread."""
    primary: bool
    """True for the few contrasts of Overall (Holm), False for all others (Benjamini-Hochberg)."""
    adjusted: float
    """p after the correction of its family, which is all such contrasts of the table; NaN when not tested."""

    @property
    def better(self) -> bool:
        """Whether the system did better than the baseline, whatever the size."""
        return self.contrast.difference * _direction(self.quantity) > 0

    @property
    def significant(self) -> bool:
        """Whether the adjusted p over runs is below .05 and the interval over items, if any, leaves 0 out."""
        low, high = self.over_items.low, self.over_items.high
        includes_zero = low is not None and high is not None and low <= 0 <= high
        return self.adjusted < LEVEL_OF_TEST and not includes_zero


class ComparisonCell(NamedTuple):
    """One figure of the table as it is printed."""

    mean: float
    spread: float
    """Over runs; NaN with fewer than two."""
    over_items: Figure
    """The mean with its 95 % interval over items."""
    rank: int
    """1 best, 2 second best with the same backbone, 0 otherwise; equal to two decimals share a rank."""
    starred: bool
    """Better than the best baseline in this quantity: adjusted p < .05, interval over items above 0."""


@dataclass(frozen=True)
class Comparison:
    """A finished comparison."""

    rows: tuple[ComparisonRow, ...]
    cells: tuple[Mapping[str, ComparisonCell], ...]
    """For each row, quantity -> cell."""
    tests: tuple[TestedContrast, ...]
    baselines: tuple[str, ...]
    """Labels of the rows that the others were tested against."""
    marked: bool = True
    """Whether the judge measures anything, so that one system may be called better than another."""

    @property
    def ranks(self) -> bool:
        """Whether any figure is marked as best or second."""
        return any(cell.rank for cells in self.cells for cell in cells.values())

    @property
    def marks_gains(self) -> bool:
        """Whether a gain over the baselines could be marked."""
        return self.marked and bool(self.tests)


def quantities(run: Mapping[str, float]) -> dict[str, float]:
    """The thirteen quantities of one run; a mean over traits of which one is missing is missing too (NaN)."""
    figures = {code: run.get(code, math.nan) for code in (*HIGH, *LOW)}
    figures["Avg+"] = math.fsum(figures[code] for code in HIGH) / len(HIGH)
    figures["Avg-"] = math.fsum(figures[code] for code in LOW) / len(LOW)
    figures["Overall"] = figures["Avg+"] - figures["Avg-"]
    return {name: figures[name] for name in QUANTITIES}


def compare(
    rows: Sequence[ComparisonRow],
    baselines: Iterable[str] = (),
    *,
    marked: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> Comparison:
    """The whole comparison; `baselines` are labels of rows, and every other row is tested against them.

    With `marked` false nothing is marked as best, second or better: the scores are of a scripted judge. `say`
    is told how long it takes, where it is long.
    Raises EvaluationError when two rows share a label or a baseline is none of them.
    """
    named, labels = tuple(baselines), [row.label for row in rows]
    for label in labels:
        if labels.count(label) > 1:
            raise EvaluationError(f"two systems are both called '{label}'; give each its own --label")
    for label in named:
        if label not in labels:
            raise EvaluationError(f"baseline '{label}' is not compared here; name one of {', '.join(labels)}")
    pairs = _pairs(rows, named)
    job = LongJob("intervals over items", 2 * len(pairs) + len(rows), say)  # a contrast draws for both sides
    tests = _tests(pairs, job)
    cells = []
    for number, row in enumerate(rows, 1):
        cells.append({name: _cell(row, name, rows, tests) for name in QUANTITIES})
        job.after(2 * len(pairs) + number)
    if not marked:
        cells = [{n: c._replace(rank=0, starred=False) for n, c in row.items()} for row in cells]
    return Comparison(tuple(rows), tuple(cells), tests, named, marked)


def _cell(
    row: ComparisonRow, quantity: str, rows: Sequence[ComparisonRow], tests: Sequence[TestedContrast]
) -> ComparisonCell:
    return ComparisonCell(
        row.mean(quantity),
        row.spread(quantity),
        row.over_items(quantity),
        _rank(row, quantity, rows),
        _starred(row, quantity, tests),
    )


def _rank(row: ComparisonRow, quantity: str, rows: Sequence[ComparisonRow]) -> int:
    """Ranks go by what is printed, two decimals: a reader sees equal figures as equal.

    What the scripted model says is measured on no scale, and has none.
    """
    if row.backbone in BY_SCRIPT:
        return 0
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


def _pairs(
    rows: Sequence[ComparisonRow], baselines: tuple[str, ...]
) -> list[tuple[ComparisonRow, ComparisonRow]]:
    """Every other row with every baseline of its backbone (or of none)."""
    return [
        (row, baseline)
        for row in rows
        if row.label not in baselines
        for baseline in rows
        if baseline.label in baselines and baseline.backbone in (row.backbone, "-")
    ]


def _tests(pairs: Sequence[tuple[ComparisonRow, ComparisonRow]], job: LongJob) -> tuple[TestedContrast, ...]:
    """Each row against its baseline in every quantity, the contrasts of Overall first.

    The contrasts of Overall are one family, whatever their rows: a table of equal systems then shows a false
    gain in 5 % of tables and not of rows. All others are the second family.
    """
    raw: list[TestedContrast] = []
    for number, (row, baseline) in enumerate(pairs, 1):
        raw += [_contrast(row, baseline, name) for name in QUANTITIES]
        job.after(2 * number)
    primary = iter(holm([test.contrast.p for test in raw if test.primary]))
    others = iter(benjamini_hochberg([test.contrast.p for test in raw if not test.primary]))
    tests = [test._replace(adjusted=next(primary if test.primary else others)) for test in raw]
    return tuple(sorted(tests, key=lambda test: not test.primary))


def _contrast(row: ComparisonRow, baseline: ComparisonRow, quantity: str) -> TestedContrast:
    fewest = min(len(row.runs), len(baseline.runs))
    contrast = welch(row.values(quantity), baseline.values(quantity), fewest)
    over_items = Figure(None if math.isnan(contrast.difference) else contrast.difference)
    if row.scores and baseline.scores:
        scores = row.scores, baseline.scores
        over_items = contrast_interval(contrast.difference, *scores, WEIGHTS[quantity])
    return TestedContrast(
        row.label,
        baseline.label,
        quantity,
        contrast,
        over_items,
        math.nan if math.isnan(contrast.p) else _sign_flip(row, baseline, quantity),
        quantity == "Overall",
        math.nan,
    )


def _sign_flip(row: ComparisonRow, baseline: ComparisonRow, quantity: str) -> float:
    own, other = row.by_run(quantity), baseline.by_run(quantity)
    differences = [own[run] - other[run] for run in sorted(own.keys() & other.keys())]
    return sign_flip(differences) if MIN_PAIRS <= len(differences) <= MAX_PAIRS else math.nan


def _direction(quantity: str) -> int:
    return -1 if quantity in SMALLER_IS_BETTER else 1
