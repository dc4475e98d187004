"""The automatic checker against the humans.

Precision and recall, with intervals. Pure. A dialogue counts as good when more than half of those who decide
call it valid; the checker's 'yes' is that it passed. Precision needs passed dialogues only. Recall needs a
sample of the rejected ones too, and both rates are weighted by how many dialogues they stand for: the two
groups are drawn at different rates.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import wilson

DRAWS = 4000


class CheckedDialogue(NamedTuple):
    """A dialogue on which the checker has given its verdict, whether people were asked about it or not."""

    passed: bool
    votes: Sequence[bool]
    """Whether it is valid, by each who decides: the lead alone on a disagreement that the lead has decided,
    else the annotators; empty where nobody was asked."""


class Group(NamedTuple):
    """The sampled dialogues the checker treated alike."""

    good: int
    """Valid by the majority of those who decide."""
    judged: int
    population: int
    """Dialogues the sample was drawn from."""


class CheckerFigures(NamedTuple):
    """How far the checker's verdict can be trusted."""

    precision: Figure
    """Share of the passed dialogues that are good."""
    recall: Figure
    """Share of the good dialogues that passed."""

    def as_json(self) -> dict[str, dict[str, object]]:
        """The object that `agreement --json` and a release's quality.json hold."""
        return {name: figure._asdict() for name, figure in self._asdict().items()}


def checker_against_humans(dialogues: Iterable[CheckedDialogue], *, seed: int = 0) -> CheckerFigures:
    """The figures of all dialogues that were checked; those with a majority of votes stand for the others."""
    sides: dict[bool, list[Sequence[bool]]] = {True: [], False: []}
    for dialogue in dialogues:
        sides[dialogue.passed].append(dialogue.votes)
    return checker_figures(group_of(sides[True]), group_of(sides[False]), seed=seed)


def group_of(votes: Sequence[Sequence[bool]]) -> Group:
    """The group of dialogues with these votes; empty or even votes decide nothing."""
    decided = [2 * sum(cast) > len(cast) for cast in votes if 2 * sum(cast) != len(cast)]
    return Group(sum(decided), len(decided), len(votes))


def checker_figures(passed: Group, rejected: Group, *, seed: int = 0) -> CheckerFigures:
    """Precision with Wilson's interval; recall with percentiles over redrawn counts."""
    precision = wilson(passed.good, passed.judged)
    if not passed.judged:
        precision = Figure(None, note="not computable (no passed dialogue is decided)")
    return CheckerFigures(precision, _recall(passed, rejected, np.random.default_rng(seed)))


def _recall(passed: Group, rejected: Group, rng: np.random.Generator) -> Figure:
    if not passed.judged or not passed.good:
        return Figure(None, note="not computable (no good dialogue is known)")
    if rejected.population and not rejected.judged:
        note = (
            f"not computable (none of the {rejected.population} rejected dialogues was judged;"
            " sample some with --include-rejected)"
        )
        return Figure(None, note=note)
    if not rejected.population:
        return Figure(1.0, note="the checker rejected nothing")
    passed_good = passed.population * passed.good / passed.judged
    rejected_good = rejected.population * rejected.good / rejected.judged
    # Jeffreys' prior keeps the interval open where no rejected dialogue in the sample was good.
    passed_drawn = passed.population * rng.beta(passed.good + 0.5, passed.judged - passed.good + 0.5, DRAWS)
    rejected_drawn = rejected.population * rng.beta(
        rejected.good + 0.5, rejected.judged - rejected.good + 0.5, DRAWS
    )
    low, high = np.quantile(passed_drawn / (passed_drawn + rejected_drawn), (0.025, 0.975))
    return Figure(passed_good / (passed_good + rejected_good), float(low), float(high))
