"""How good a whole dataset is.

Pure. The checker has given its verdict on every dialogue, people have labeled some of each verdict. Two
estimates stand side by side for each stratum:

Prediction-powered (Angelopoulos et al. 2023; stratified by verdict as in Fisch et al. 2024): the mean of the
verdicts over all dialogues, plus the mean error of the verdicts where people labeled, weighted by how many
dialogues stand behind each label. It assumes nothing of the checker.

Rogan-Gladen (1978): the share that passed in the stratum, corrected by the checker's sensitivity and
specificity in all strata together. It is narrower, and right where the checker errs alike in all strata.

Intervals are percentiles over redrawn counts: of the dialogues nobody labeled, as many are good as a
beta-binomial with Jeffreys' prior says. Where all are labeled nothing is left to redraw. All strata together
get that prior once: given to each of ten, its half a good and half a bad dialogue add up, and the interval of
the whole lies beside the truth. So the whole is redrawn as one sample of as many labels as theirs are worth
(Kish 1965), which leaves out what is gained where strata differ.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oceanchat.statistics.checker_accuracy import CheckedDialogue, Group, group_of
from oceanchat.statistics.figure import Figure

DRAWS = 8000
WHOLE = "all"
"""The name of all strata together."""
_UNDEFINED = 0.025
"""Share of draws without an answer from which a 95 % interval would rest on the agreeable ones alone."""
_NO_PASSED = "not computable (no passed dialogue is decided)"
_NO_REJECTED = "not computable (no rejected dialogue is decided; sample some with --include-rejected)"
_NO_BETTER = "not computable (the checker cannot be told from chance)"

COUNTED = (
    "people decided all of these, or nearly, and nothing is left to estimate: for others made alike see the"
    " pass rate and its interval"
)

Draws = NDArray[np.float64]


class Stratum(NamedTuple):
    """The checked dialogues of one trait-level."""

    passed: Group
    rejected: Group


class DatasetQuality(NamedTuple):
    """Estimates for one stratum, or for all together."""

    released: int
    """Dialogues that passed."""
    checked: int
    judged: int
    """Dialogues that people decided."""
    precision: Figure
    """Share valid of those that passed, prediction-powered."""
    precision_rogan_gladen: Figure
    valid: Figure
    """Share valid of all that were checked, prediction-powered."""
    valid_rogan_gladen: Figure

    def as_json(self) -> dict[str, object]:
        """Counts and figures by name."""
        return {
            name: value._asdict() if isinstance(value, Figure) else value
            for name, value in self._asdict().items()
        }


def strata_of(dialogues: Iterable[tuple[str, CheckedDialogue]]) -> dict[str, Stratum]:
    """Checked dialogues, each with its stratum, in groups; strata in order of first appearance."""
    sides: dict[str, tuple[list[CheckedDialogue], list[CheckedDialogue]]] = {}
    for code, dialogue in dialogues:
        sides.setdefault(code, ([], []))[0 if dialogue.passed else 1].append(dialogue)
    return {
        code: Stratum(*(group_of([dialogue.votes for dialogue in side]) for side in both))
        for code, both in sides.items()
    }


def dataset_quality(
    strata: Mapping[str, Stratum], *, seed: int = 0, draws: int = DRAWS, prior_in_each: bool = False
) -> dict[str, DatasetQuality]:
    """The estimates of every stratum, and under WHOLE those of all strata together.

    With `prior_in_each` the whole is the sum of its strata's draws, which holds the prior as often as there
    are strata: what releases written before this was mended hold.
    """
    rng = np.random.default_rng(seed)
    passed = {code: _Good.of(stratum.passed, rng, draws) for code, stratum in strata.items()}
    rejected = {code: _Good.of(stratum.rejected, rng, draws) for code, stratum in strata.items()}
    whole = (
        _Pair(_Good.sum(passed.values(), draws), _Good.sum(rejected.values(), draws))
        if prior_in_each
        else _Pair(
            _Good.together([stratum.passed for stratum in strata.values()], rng, draws),
            _Good.together([stratum.rejected for stratum in strata.values()], rng, draws),
        )
    )
    results = {WHOLE: _quality(whole, whole)}
    if not whole.passed.judged:
        results[WHOLE] = results[WHOLE]._replace(
            released=sum(group.population for group in passed.values()),
            checked=sum(pair.population for pair in (*passed.values(), *rejected.values())),
        )
    for code in strata:
        results[code] = _quality(_Pair(passed[code], rejected[code]), whole)
    unknown = [code for code, stratum in strata.items() if not stratum.passed.judged]
    if unknown and whole.passed.judged:
        note = f"without {', '.join(unknown)}, of which people decided none"
        results[WHOLE] = results[WHOLE]._replace(precision=results[WHOLE].precision._replace(note=note))
    return results


def counted_note(figure: Figure) -> str:
    """What readers should know of a share whose interval is empty; figures of releases hold no such note."""
    return COUNTED if figure.value is not None and figure.low == figure.high else ""


class _Good(NamedTuple):
    """How many of a group's dialogues are good."""

    estimate: float
    """NaN where nobody decided any."""
    draws: Draws
    judged: int
    population: int

    @staticmethod
    def of(group: Group, rng: np.random.Generator, draws: int) -> "_Good":
        if not group.judged:
            unknown = 0.0 if not group.population else float("nan")
            return _Good(unknown, np.full(draws, unknown), 0, group.population)
        shares = rng.beta(group.good + 0.5, group.judged - group.good + 0.5, draws)
        others = rng.binomial(group.population - group.judged, shares)
        estimate = group.population * group.good / group.judged
        return _Good(estimate, group.good + others.astype(np.float64), group.judged, group.population)

    @staticmethod
    def sum(groups: Iterable["_Good"], draws: int) -> "_Good":
        """Groups added up, each with its own prior; those nobody decided any of are left out as below."""
        groups = list(groups)
        known = [group for group in groups if group.judged]
        return _Good(
            sum(group.estimate for group in known) if known else float("nan"),
            np.sum([group.draws for group in known], axis=0) if known else np.full(draws, np.nan),
            sum(group.judged for group in known),
            sum(group.population for group in known or groups),
        )

    @staticmethod
    def together(groups: list[Group], rng: np.random.Generator, draws: int) -> "_Good":
        """Groups as one; those nobody decided any of are left out with their populations, or all stay."""
        known = [group for group in groups if group.judged]
        if not known:
            return _Good.of(Group(0, 0, sum(group.population for group in groups)), rng, draws)
        good, judged, population = (sum(counts) for counts in zip(*known, strict=True))
        others = [group.population - group.judged for group in known]
        unlabeled = sum(others)
        estimate = math.fsum(group.population * group.good / group.judged for group in known)
        if not unlabeled:
            return _Good(estimate, np.full(draws, float(good)), judged, population)
        # Each label of a group stands for as many unlabeled dialogues as any other of its group.
        worth = unlabeled**2 / math.fsum(
            count**2 / group.judged for count, group in zip(others, known, strict=True)
        )
        share = min((estimate - good) / unlabeled, 1.0)
        shares = rng.beta(share * worth + 0.5, (1 - share) * worth + 0.5, draws)
        return _Good(estimate, good + rng.binomial(unlabeled, shares).astype(np.float64), judged, population)


class _Pair(NamedTuple):
    passed: _Good
    rejected: _Good

    @property
    def checked(self) -> int:
        return self.passed.population + self.rejected.population


def _quality(own: _Pair, whole: _Pair) -> DatasetQuality:
    precision = _share(own.passed.estimate, own.passed.draws, own.passed.population, _NO_PASSED)
    missing = _NO_PASSED if np.isnan(own.passed.estimate) else _NO_REJECTED
    valid = _share(
        own.passed.estimate + own.rejected.estimate,
        own.passed.draws + own.rejected.draws,
        own.checked,
        missing,
    )
    corrected_precision, corrected_valid = _rogan_gladen(own, whole)
    return DatasetQuality(
        released=own.passed.population,
        checked=own.checked,
        judged=own.passed.judged + own.rejected.judged,
        precision=precision,
        precision_rogan_gladen=corrected_precision,
        valid=valid,
        valid_rogan_gladen=corrected_valid,
    )


def _share(good: float, draws: Draws, population: int, missing: str) -> Figure:
    if not population or np.isnan(good):
        return Figure(None, note=missing)
    return _around(good / population, np.quantile(draws, (0.025, 0.975)) / population)


def _around(value: float, percentiles: Draws) -> Figure:
    """With an interval that holds the estimate: of few labels, draws may all lie on one side of it."""
    low, high = percentiles
    return Figure(value, min(float(low), value), max(float(high), value))


def _rogan_gladen(own: _Pair, whole: _Pair) -> tuple[Figure, Figure]:
    """(precision, share valid): the stratum's share that passed, under the errors of the whole."""
    if not own.passed.population or np.isnan(whole.passed.estimate):
        return Figure(None, note=_NO_PASSED), Figure(None, note=_NO_PASSED)
    if not whole.rejected.judged:
        return Figure(None, note=_NO_REJECTED), Figure(None, note=_NO_REJECTED)
    passed_share = own.passed.population / own.checked
    estimates = _corrected(
        np.array([whole.passed.estimate]), np.array([whole.rejected.estimate]), whole, passed_share
    )
    drawn = _corrected(whole.passed.draws, whole.rejected.draws, whole, passed_share)
    figures = []
    for estimate, draws in zip(estimates, drawn, strict=True):
        defined = draws[np.isfinite(draws)]
        if not np.isfinite(estimate[0]) or len(defined) < (1 - _UNDEFINED) * len(draws):
            figures.append(Figure(None, note=_NO_BETTER))
            continue
        figures.append(_around(float(estimate[0]), np.quantile(defined, (0.025, 0.975))))
    return figures[0], figures[1]


def _corrected(
    good_passed: Draws, good_rejected: Draws, whole: _Pair, passed_share: float
) -> tuple[Draws, Draws]:
    """(precision, share valid) for each draw of how many of the whole are good; NaN where undefined."""
    good = good_passed + good_rejected
    bad = whole.checked - good
    with np.errstate(all="ignore"):
        sensitivity = good_passed / good
        specificity = (whole.rejected.population - good_rejected) / bad
        informed = sensitivity + specificity - 1
        valid = np.where(informed > 0, (passed_share + specificity - 1) / informed, np.nan)
        valid = np.where(bad == 0, 1.0, np.clip(valid, 0, 1))
        precision = np.clip(np.where(bad == 0, 1.0, sensitivity * valid / passed_share), 0, 1)
    return precision, valid
