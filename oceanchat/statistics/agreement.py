"""How far annotators agree, with intervals.

Observed agreement, Fleiss' kappa, Krippendorff's alpha, Gwet's AC1 and AC2. Pure: labels in, figures out,
and in words why a figure is undefined. Answers may be words or numbers, and labels may be missing. It knows
nothing of dialogues, stores or pages; the formulas are in coefficients.py, alpha's value is the package's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import krippendorff
import numpy as np

from oceanchat.errors import InputError
from oceanchat.statistics.coefficients import (
    CountTable,
    Floats,
    Value,
    cohen_kappas,
    count_table,
    figures,
    gwet_ac2,
    ordinal_weights,
    resample,
)
from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import wilson

RESAMPLES = 1000
FEW = 10
"""Below so many items, or questions, the interval of resampled ones is rough."""
ROUGH = "the interval is rough"
FEWEST_OTHERS = 5
"""Items that hold another answer than the commonest, below which kappa and alpha have no interval: resampling
them would cover the truth in 3 to 70 % of studies."""
CORRECTED = ("fleiss_kappa", "alpha_nominal", "alpha_ordinal", "alpha_interval")
"""The figures that divide by the disagreement that chance would give."""
PREVALENT = 0.9
"""From this share of one answer on, kappa and alpha carry a note."""
_MAX_VALUES = 1000
_MAX_PACKAGE_CELLS = 5_000_000
"""Cells of an (items, values, values) array that the package may be given: 40 MB, several times."""
_ONE_CATEGORY = "undefined (one category used), observed 100 %"
_ALL_THE_SAME = "the same in every resample of the items: no variance, no interval"
_NO_PAIRS = "not computable (no item has two labels)"
_TOO_EXTREME = "not computable (the values are too large or too close together to square)"
NO_ORDER = "not computable (the values are words, not numbers)"
"""The note of ordinal and interval alpha where they mean nothing."""


class Rating(NamedTuple):
    """One annotator's answer to one item."""

    item: str
    annotator: str
    value: Value
    stratum: str = ""


@dataclass(frozen=True)
class Agreement:
    """The figures of one set of labels. Shares and coefficients, 1 is perfect agreement."""

    items: int
    """Items with at least one label."""
    labels: int
    observed: Figure
    """Mean share of agreeing pairs of labels over the items with two or more."""
    unanimous: Figure
    """Share of the items with two or more labels whose labels are all the same; Wilson's interval."""
    fleiss_kappa: Figure
    """Fleiss 1971; Gwet's generalisation, noted, where items have different numbers of labels."""
    alpha_nominal: Figure
    alpha_ordinal: Figure
    alpha_interval: Figure
    """Krippendorff 2019, for the level of measurement in the name."""
    ac1: Figure
    """Gwet 2008."""

    @property
    def is_of_nothing(self) -> bool:
        """Whether no item has two labels, so that there is nothing to agree or disagree on."""
        return self.observed.note == _NO_PAIRS

    def figures(self) -> dict[str, Figure]:
        """The seven figures by name, in the order they are reported."""
        return {name: getattr(self, name) for name in FIGURES}

    def reported(self) -> dict[str, Figure]:
        """The same with a note where the interval is over few items, as people are shown them.

        Not of `unanimous`: Wilson's interval holds for few items too.
        """
        few = 0 < self.items < FEW
        return {
            name: figure.noted(f"fewer than {FEW} items: {ROUGH}")
            if few and figure.low is not None and name != "unanimous"
            else figure
            for name, figure in self.figures().items()
        }


FIGURES = ("observed", "unanimous", "fleiss_kappa", "alpha_nominal", "alpha_ordinal", "alpha_interval", "ac1")


def tabulate(ratings: Iterable[Rating]) -> CountTable:
    """The count table of some labels. InputError for two labels of one annotator on one item."""
    rated = list(ratings)
    if len({(rating.item, rating.annotator) for rating in rated}) != len(rated):
        raise InputError("an annotator has two labels on one item; keep one")
    values = sorted({rating.value for rating in rated}, key=lambda value: (isinstance(value, str), value))
    if len(values) > _MAX_VALUES:
        raise InputError(f"the labels have {len(values)} different values, over {_MAX_VALUES}; group them")
    column_of = {value: column for column, value in enumerate(values)}
    row_of: dict[str, int] = {}
    rows = [row_of.setdefault(rating.item, len(row_of)) for rating in rated]
    columns = np.array([column_of[rating.value] for rating in rated], dtype=np.int64)
    cells = np.array(rows, dtype=np.int64) * len(values) + columns
    counts = np.bincount(cells, minlength=len(row_of) * len(values)).reshape(len(row_of), len(values))
    return count_table(counts, values)


def agreement(ratings: Iterable[Rating], *, resamples: int = RESAMPLES, seed: int = 0) -> Agreement:
    """All figures of some labels; intervals are percentiles over bootstrap resamples of the items.

    Kappa and alpha have none where fewer than FEWEST_OTHERS items hold another answer than the commonest.
    """
    return agreement_of(tabulate(ratings), resamples=resamples, seed=seed)


def agreement_of(table: CountTable, *, resamples: int = RESAMPLES, seed: int = 0) -> Agreement:
    """All figures of a count table."""
    per_item = table.rows.sum(axis=1)
    items, paired = int(table.items.sum()), int(table.items[per_item > 1].sum())
    labels = int(table.items @ per_item)
    if not paired:
        nothing = Figure(None, note=_NO_PAIRS)
        return Agreement(items, labels, *[nothing] * len(FIGURES))
    with np.errstate(all="ignore"):  # what overflows is reported as not computable
        values = {name: float(value[0]) for name, value in figures(table, _weights(table)).items()}
        values |= _alphas(table, [name for name in values if name.startswith("alpha")])
        drawn = resample(table, resamples, np.random.default_rng(seed))
    notes = _notes(table)
    results = {name: _bounded(table, value, drawn[name], notes[name]) for name, value in values.items()}
    others = _holding_another(table)
    results |= {
        name: _without_interval(figure, notes[name], others)
        for name, figure in results.items()
        if name in CORRECTED
    }
    unanimous = wilson(int(table.items[(per_item > 1) & (table.rows.max(axis=1) == per_item)].sum()), paired)
    for name in ("alpha_ordinal", "alpha_interval"):
        results.setdefault(name, Figure(None, note=NO_ORDER))
    return Agreement(items=items, labels=labels, unanimous=unanimous, **results)


def weighted_agreement(
    ratings: Iterable[Rating], scale: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0
) -> Figure:
    """Gwet's AC2 with ordinal weights over every point of a scale in its order, interval as in `agreement`.

    With two points it is AC1. Raises InputError for a value that is not on the scale.
    """
    used = tabulate(ratings)
    stray = next((value for value in used.values if value not in scale), None)
    if stray is not None:
        raise InputError(f"the value '{stray}' is not on the scale {', '.join(map(_shown, scale))}")
    rows = np.zeros((len(used.rows), len(scale)), dtype=np.int64)
    rows[:, [list(scale).index(float(value)) for value in used.values]] = used.rows
    table, partial = CountTable(rows, used.items, tuple(scale)), ordinal_weights(len(scale))
    if not (rows.sum(axis=1) > 1).any():
        return Figure(None, note=_NO_PAIRS)
    items = int(table.items.sum())
    drawn = np.random.default_rng(seed).multinomial(items, table.items / items, size=resamples)
    value = float(gwet_ac2(table, _weights(table), partial)[0])
    in_resamples = gwet_ac2(table, drawn.astype(np.float64), partial)
    return _bounded(table, value, in_resamples, _notes(used)["ac1"])


def _weights(table: CountTable) -> Floats:
    """The items themselves as the one weighting of the rows."""
    return table.items[None, :].astype(np.float64)


def _alphas(table: CountTable, names: Sequence[str]) -> dict[str, float]:
    """Krippendorff's alpha as the package `krippendorff` has it, where it is defined.

    The package raises or answers NaN where one category is used, and holds (items, values, values) at once:
    past `_MAX_PACKAGE_CELLS` the value of coefficients.py stands, which tests hold to the package's.
    """
    paired = table.rows.sum(axis=1) > 1
    counts = np.repeat(table.rows[paired], table.items[paired], axis=0)
    if counts.size * counts.shape[1] > _MAX_PACKAGE_CELLS or np.count_nonzero(counts.sum(axis=0)) < 2:
        return {}
    domain = np.arange(counts.shape[1]) if table.scale is None else table.scale
    return {
        name: float(krippendorff.alpha(value_counts=counts, value_domain=domain, level_of_measurement=level))
        for name in names
        if (level := name.removeprefix("alpha_"))
    }


def _bounded(table: CountTable, value: float, drawn: Floats, note: str) -> Figure:
    """A figure of a table of labels, which is -1 at least.

    Items with one label count in the chance agreement of Fleiss' and Gwet's coefficients and not in the
    observed one. Where they are many, as early in a study, the formula falls below what agreement can be.
    """
    if value < -1 - 1e-9:
        single = int(table.items[table.rows.sum(axis=1) == 1].sum())
        return Figure(
            None,
            note=f"not computable ({value:.2f} is below -1: too few items have two labels, and the"
            f" {single} of {int(table.items.sum())} with one count for chance agreement alone)",
        )
    return _figure(value, np.maximum(drawn, -1.0), note)


def _holding_another(table: CountTable) -> int:
    """Items with two labels or more of which one at least is not the answer that is commonest there."""
    paired = table.rows.sum(axis=1) > 1
    rows, items = table.rows[paired], table.items[paired]
    commonest = int((items @ rows).argmax())
    return int(items[rows[:, commonest] < rows.sum(axis=1)].sum())


def _without_interval(figure: Figure, note: str, others: int) -> Figure:
    """A chance-corrected figure with `note` alone where too few items, `others`, hold another answer than the
    commonest: what it divides by then varies far more from study to study than over resamples."""
    if figure.low is None or others >= FEWEST_OTHERS:
        return figure
    holds = "item holds" if others == 1 else "items hold"
    few = f"only {others} {holds} another answer than the commonest: too few for an interval"
    return Figure(figure.value, note="; ".join(filter(None, [note, few])))


def _figure(value: float, drawn: Floats, note: str) -> Figure:
    if not np.isfinite(value):
        undefined = note if note in (_ONE_CATEGORY, _NO_PAIRS) else _TOO_EXTREME
        return Figure(None, note=undefined)
    defined = drawn[np.isfinite(drawn)]
    if not len(defined):
        return Figure(float(value), note=note)
    if len(defined) < len(drawn):
        part = f"interval from the {len(defined)} of {len(drawn)} resamples that define it"
        note = "; ".join(filter(None, [note, part]))
    low, high = np.quantile(defined, (0.025, 0.975))
    if np.isclose(low, high, rtol=0, atol=1e-12):  # that nothing varied here does not make the figure certain
        return Figure(float(value), note="; ".join(filter(None, [note, _ALL_THE_SAME])))
    return Figure(float(value), float(low), float(high), note)


def _notes(table: CountTable) -> dict[str, str]:
    """The note beside each figure, or why it has no value."""
    per_item = table.rows.sum(axis=1)
    shares = (table.items @ (table.rows / per_item[:, None])) / table.items.sum()
    top = int(shares.argmax())
    notes = dict.fromkeys(FIGURES, "")
    used_in_pairs = table.items[per_item > 1] @ table.rows[per_item > 1] > 0
    if np.count_nonzero(used_in_pairs) == 1:
        return {**notes, **dict.fromkeys((*CORRECTED, "ac1"), _ONE_CATEGORY)}
    if shares[top] >= PREVALENT:
        name = _shown(table.values[top])
        notes |= dict.fromkeys(
            CORRECTED,
            f"{shares[top]:.1%} of the labels are '{name}': where one answer is this common, kappa and alpha"
            " fall although annotators agree (read the observed agreement and AC1 beside them)",
        )
    if per_item.min() != per_item.max():
        differ = f"labels per item differ ({per_item.min()} to {per_item.max()}): Gwet's generalisation"
        notes["fleiss_kappa"] = "; ".join(filter(None, [notes["fleiss_kappa"], differ]))
    return notes


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def cohen(pairs: Iterable[tuple[Value, Value]], *, resamples: int = RESAMPLES, seed: int = 0) -> Figure:
    """Cohen's kappa of two annotators (or of one on two occasions) over the items both labeled."""
    counts: dict[tuple[Value, Value], int] = {}
    for pair in pairs:
        counts[pair] = counts.get(pair, 0) + 1
    if not counts:
        return Figure(None, note="not computable (no item labeled by both)")
    values = list(dict.fromkeys(value for pair in counts for value in pair))
    first = np.eye(len(values))[[values.index(pair[0]) for pair in counts]]
    second = np.eye(len(values))[[values.index(pair[1]) for pair in counts]]
    cells = np.array(list(counts.values()), dtype=np.float64)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(int(cells.sum()), cells / cells.sum(), size=resamples).astype(np.float64)
    note = _ONE_CATEGORY if len(values) == 1 else ""
    value = cohen_kappas(cells[None, :], first, second)[0]
    commonest = int((cells @ (first + second)).argmax())
    others = int(cells[(first[:, commonest] == 0) | (second[:, commonest] == 0)].sum())
    return _without_interval(_figure(value, cohen_kappas(drawn, first, second), note), note, others)


def pairwise_cohen(ratings: Iterable[Rating], *, resamples: int = RESAMPLES) -> dict[tuple[str, str], Figure]:
    """Cohen's kappa of every two annotators, by name."""
    answers: dict[str, dict[str, Value]] = {}
    for rating in ratings:
        answers.setdefault(rating.annotator, {})[rating.item] = rating.value
    return {
        (a, b): cohen(
            ((answers[a][item], answers[b][item]) for item in answers[a] if item in answers[b]),
            resamples=resamples,
        )
        for a, b in combinations(sorted(answers), 2)
    }


def by_stratum(ratings: Iterable[Rating], *, resamples: int = RESAMPLES) -> dict[str, Agreement]:
    """The figures of each stratum by itself, strata in order of first appearance."""
    strata: dict[str, list[Rating]] = {}
    for rating in ratings:
        strata.setdefault(rating.stratum, []).append(rating)
    return {stratum: agreement(rated, resamples=resamples) for stratum, rated in strata.items()}


def majorities(ratings: Iterable[Rating]) -> dict[str, Value | None]:
    """Item -> the answer of more than half of its labels, or None where there is none."""
    answers: dict[str, list[Value]] = {}
    for rating in ratings:
        answers.setdefault(rating.item, []).append(rating.value)
    return {
        item: next((value for value in dict.fromkeys(given) if 2 * given.count(value) > len(given)), None)
        for item, given in answers.items()
    }


def share_of(decided: Mapping[str, Value | None], value: Value) -> Figure:
    """Share of the decided items with that answer, Wilson's interval; others are left out and noted."""
    known = [answer for answer in decided.values() if answer is not None]
    if not known:
        return Figure(None, note="not computable (no item is decided)")
    undecided = len(decided) - len(known)
    note = f"{undecided} without a majority left out" if undecided else ""
    return wilson(known.count(value), len(known))._replace(note=note)
