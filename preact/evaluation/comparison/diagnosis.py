"""Warnings about judgings, above every table.

A judge that always gives the same score, cannot be read, refuses, or fails its controls makes figures
worthless, and readers should know before they see them. Arithmetic over stored verdicts.
"""

from collections import Counter
from collections.abc import Sequence

from oceanchat.llm.settings import BY_SCRIPT
from preact.dialogues.overlap import share_within
from preact.evaluation.comparison.alikeness import differences_in_setup
from preact.evaluation.comparison.trait_scores import ScoredInterview, refusals
from preact.evaluation.interview.flaws import FLAWS, flaw_counts
from preact.evaluation.judge.controls import check
from preact.evaluation.judge.judging import Judging
from preact.evaluation.judge.verdicts import MIDPOINT, UNSCORED

CLASSIFIER = "classifier:"
TOLERATED = 0.05
"""Share of batches without a score, or of answers out of character, above which there is a warning."""
_WORDS = {
    "unreadable": "replies held no score that can be read",
    "refused": "batches were refused by the judge",
    "failed": "judge calls failed",
    "no-ground": "batches gave the judge no ground for a score",
    "no-answers": "batches held no answer at all",
}


def concerns(scored: Sequence[ScoredInterview]) -> list[str]:
    """One sentence for each thing a reader must know first; empty when nothing is wrong."""
    of_interviews: list[str] = []
    of_judges: dict[str, None] = {}
    examined = {entry.judging.header.judge for entry in scored if entry.judging.exam is not None}
    for entry in scored:
        header, judge = entry.interview.header, entry.judging.header.judge
        label = f"{header.backbone} {header.model}, judge {judge}"
        words = [*_of_teaching(entry), *_of_judgements(entry.judging), *_of_answers(entry)]
        of_interviews += [f"{label}: {word}" for word in words]
        of_judge = _of_judge(entry.judging, judge in examined)
        of_judges |= dict.fromkeys(f"judge {judge}: {word}" for word in of_judge)
    return [*of_judges, *differences_in_setup(scored), *of_interviews]


def concerns_of_judge(entry: ScoredInterview) -> list[str]:
    """What is wrong with the judge alone, and with its having judged this system."""
    return [*_of_teaching(entry), *_of_judge(entry.judging, entry.judging.exam is not None)]


def _of_judge(judging: Judging, examined: bool) -> list[str]:
    """What concerns the judge alone, whatever was judged; an exam beside one interview holds for all."""
    words = list(check(judging.controls).warnings)
    if judging.exam is not None:
        words += judging.exam.warnings
    elif not examined:
        words.append("it is unexamined: no exam on file; take one with `preact judge --exam RELEASE`")
    if judging.header.judge in BY_SCRIPT:
        words.append("it is scripted, it counts words; its scores try the machinery out and measure no model")
    if judging.header.judge.startswith(CLASSIFIER):
        words.append(
            "it is a classifier, it counts words; it knows those of the release that taught it, not people"
        )
    return words


def _of_teaching(entry: ScoredInterview) -> list[str]:
    """The alarm that judge and system learned from the same dialogues, by what their files say of them."""
    release = entry.interview.header.system.get("release")
    if not isinstance(release, dict):
        return []
    taught = entry.judging.header.provenance
    if entry.judging.header.judge in BY_SCRIPT and release.get("scripted"):
        return ["the judge has its words from the lines of which the system's training dialogues were made"]
    what = "it recognises what both have learned, and its scores are no evidence of control"
    if taught.get("release_fingerprint", "") == release.get("fingerprint"):
        return [f"the judge was taught by the release that the system was trained on; {what}"]
    shared = share_within(tuple(release.get("sketch", ())), tuple(taught.get("sketch", ())))
    if not shared:
        return []
    return [f"the judge was taught by about {shared:.0%} of the dialogues the system was trained on; {what}"]


def _of_judgements(judging: Judging) -> list[str]:
    judgements = judging.judgements
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


def _of_answers(entry: ScoredInterview) -> list[str]:
    total = len(entry.interview.answers)
    counts: Counter[str] = sum(refusals(entry.interview).values(), Counter())

    words = []
    for state, meaning in (
        ("refused", "answers are refusals"),
        ("failed", "answers failed"),
    ):
        if counts[state] > TOLERATED * total:
            words.append(f"{counts[state]} of {total} {meaning}")
    words += [
        f"{count.shown} of {count.total} answers {FLAWS[flaw]}"
        for flaw, count in flaw_counts(entry.interview).items()
        if count.share > TOLERATED
    ]
    return words
