"""What is wrong with a judging, in words: the sentences that stand above every table.

A judge that always says the same, cannot be read, refuses, or fails its controls makes figures worthless,
and the reader is to know before seeing them. Arithmetic over kept verdicts.
"""

from collections import Counter
from collections.abc import Sequence

from preact.evaluation.comparison.trait_scores import ScoredInterview, refusals
from preact.evaluation.judge.controls import check
from preact.evaluation.judge.judging import Judging
from preact.evaluation.judge.verdicts import MIDPOINT, UNSCORED

TOLERATED = 0.05
"""Share of batches without a score, or of answers out of the part, above which it is said."""
_WORDS = {
    "unreadable": "replies held no score that can be read",
    "refused": "batches were refused by the judge",
    "failed": "judge calls failed",
    "no-ground": "batches gave the judge no ground for a score",
    "no-answers": "batches held no answer at all",
}


def concerns(scored: Sequence[ScoredInterview]) -> list[str]:
    """One sentence for each thing a reader must know first; empty when nothing is wrong."""
    found: list[str] = []
    for one in scored:
        label = (
            f"{one.interview.header.backbone} {one.interview.header.model}, judge {one.judged.header.judge}"
        )
        found += [f"{label}: {words}" for words in [*_of_judge(one.judged), *_of_answers(one)]]
    seen = dict.fromkeys(
        f"judge {one.judged.header.judge}: {words}" for one in scored for words in _fixed(one)
    )
    return [*seen, *found]


def _fixed(one: ScoredInterview) -> list[str]:
    """What concerns the judge alone, whoever was judged."""
    words = list(check(one.judged.controls).warnings)
    if one.judged.header.judge == "scripted":
        words.append("it is scripted, it counts words; its scores try the machinery out and measure no model")
    return words


def _of_judge(judged: Judging) -> list[str]:
    judgements = judged.judgements
    scores = [judgement.score for judgement in judgements if judgement.score is not None]
    words: list[str] = []
    if len(scores) > 1 and len(set(scores)) == 1:
        words.append(f"every score is {scores[0]:.2f}; a judge that always says the same measures nothing")
    elif scores and scores.count(MIDPOINT) > len(scores) / 2:
        count = scores.count(MIDPOINT)
        words.append(f"{count} of {len(scores)} scores are exactly the midpoint, {MIDPOINT:.2f}")
    states = Counter(judgement.state for judgement in judgements)
    for state in UNSCORED:
        if states[state] > TOLERATED * len(judgements):
            words.append(f"{states[state]} of {len(judgements)} {_WORDS[state]}")
    return words


def _of_answers(one: ScoredInterview) -> list[str]:
    total = len(one.interview.answers)
    counts: Counter[str] = sum(refusals(one.interview).values(), Counter())
    words = []
    for state, meaning in (
        ("refused", "answers are refusals"),
        ("failed", "answers failed"),
        ("speaks as machine", "answers step out of the part and speak as a machine"),
    ):
        if counts[state] > TOLERATED * total:
            words.append(f"{counts[state]} of {total} {meaning}")
    return words
