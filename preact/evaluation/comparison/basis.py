"""Say whose scores a table shows.

The judge and its mode, the answers and runs behind the figures, and how many controls the judge failed (the
warnings name them): what a reader must know before the first figure. It reads what is stored and
computes no scores.
"""

from collections.abc import Sequence

from oceanchat.counting import counted
from preact.evaluation.comparison.trait_scores import ScoredInterview, first_opinions
from preact.evaluation.judge.controls import check
from preact.evaluation.judge.verdicts import UNSCORED, Mode

_SEEN = {
    "batch": "three or four answers at a time",
    "dimension": "all answers on a trait at once",
    "item": "one answer at a time",
}


def basis(scored: Sequence[ScoredInterview]) -> list[str]:
    """Whose scores they are, of how many answers in how many runs, and how many controls failed."""
    header = scored[0].judging.header
    mode: Mode = header.mode
    return [
        f"scores are those of judge {header.judge} in mode {mode}, which saw {_SEEN[mode]}",
        *(_amount(entry) for entry in scored),
        _controls(scored),
    ]


def _amount(entry: ScoredInterview) -> str:
    header, opinions = entry.interview.header, first_opinions(entry.judging)
    unscored = sum(opinion.state in UNSCORED for opinion in opinions)
    without = f", {unscored} of them without a score" if unscored else ""
    return (
        f"{header.backbone} {header.model}: {counted(len(entry.interview.answers), 'answer')} in"
        f" {counted(header.runs, 'run')} to {counted(len(header.items), 'question')}, judged in"
        f" {len(opinions)} "
        f"batches{without}"
    )


def _controls(scored: Sequence[ScoredInterview]) -> str:
    failed = dict.fromkeys(warning for entry in scored for warning in check(entry.judging.controls).warnings)
    judge = scored[0].judging.header.judge
    return f"controls failed: {len(failed) or 'none'}" + f", each named in a warning on judge {judge}" * bool(
        failed
    )
