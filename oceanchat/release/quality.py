"""Figures anyone can recompute from the rows.

Table 6, lengths, pass rates, agreement of the annotators and of the checker with them, near-duplicates,
personal data: rows in, plain dictionaries out, shares from 0 to 1. All but the checker's and those of the
whole dataset are rounded to six places.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from oceanchat.near_duplicates import repeats
from oceanchat.near_pairs import near_pairs
from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.release.balance import balanced_ids
from oceanchat.release.manifest import Balance
from oceanchat.release.personal_data import PATTERNS
from oceanchat.release.rows import NOT_VALIDATED, RejectedRow, Row, decided_valid, deciding_votes
from oceanchat.release.splits import NEAR
from oceanchat.spool import joined
from oceanchat.statistics.agreement import Rating, agreement
from oceanchat.statistics.checker_accuracy import CheckedDialogue, checker_against_humans
from oceanchat.statistics.dataset_quality import dataset_quality, strata_of
from oceanchat.statistics.intervals import wilson
from oceanchat.statistics.length import AnswerLengths, LengthFigures, mean_words
from oceanchat.statistics.paper import PAPER_HUMAN_PASS_RATE, PAPER_PASS_RATE, PAPER_UNANIMOUS
from oceanchat.statistics.table_six import Shape, summarize
from oceanchat.store.labels import PASSED
from oceanchat.traits import CODES

OVERLAP_WORDS = 5
"""Words in a row of its seed topic from which a dialogue counts as repeating it."""

Figures = dict[str, Any]


class NearFigures(NamedTuple):
    """Near-duplicates among released rows."""

    pairs: int
    rows: int
    """Rows in any pair."""
    across_splits: int
    """Pairs whose rows are in two splits; a sound release has none."""


def row_figures(
    rows: Sequence[Row], rejected: Sequence[RejectedRow], unmatched: Sequence[Row] = ()
) -> Figures:
    """Every figure that follows from the rows; Table 6 is of the `default` config, the others of all rows."""
    released = joined(rows, unmatched)
    return {
        "sources": _sources(released),
        "table_six": [_rounded(line._asdict()) for line in summarize(map(_shape, rows))],
        "back_validation": _back_validation(released, rejected),
        "humans": _humans(joined(released, rejected)),
        "near_duplicates": {"jaccard": NEAR, "total": len(released), **near_duplicates(released)._asdict()},
        "personal_data": _personal_data(released),
        "rejected": dict(sorted(Counter(row.state for row in rejected).items())),
    }


def _personal_data(rows: Iterable[Row]) -> dict[str, int]:
    """Kind -> rows in which it was seen."""
    flags = Counter(flag for row in rows for flag in row.flags)
    return {flag: flags[flag] for flag in PATTERNS}


def _sources(rows: Sequence[Row]) -> list[Figures]:
    """How many rows come from where, were written by whom, and are in which state."""
    rows_from = Counter(
        (r.provenance.source, r.provenance.corpus, r.provenance.writer, r.provenance.state) for r in rows
    )
    names = ("source", "corpus", "writer", "state")
    return [{**dict(zip(names, key, strict=True)), "rows": count} for key, count in sorted(rows_from.items())]


def example(rows: Sequence[Row]) -> Figures | None:
    """One dialogue for the card: the row with the lowest id, a hash, among those without personal data."""
    clean = [row for row in rows if not set(PATTERNS).intersection(row.flags)]
    if not clean:
        return None
    row = min(clean, key=lambda row: row.id)
    messages = [message.model_dump() for message in row.messages]
    return {"id": row.id, "trait_level": row.trait_level, "messages": messages}


def seed_overlap(texts: Iterable[tuple[str, str | None]]) -> Figures:
    """How many dialogues repeat words of their seed topic; pairs of a dialogue's text and the seed
    topic's."""
    known = Counter(repeats(text, seed, OVERLAP_WORDS) for text, seed in texts if seed)
    return {"words": OVERLAP_WORDS, **share(known[True], known.total())}


def near_duplicates(rows: Sequence[Row]) -> NearFigures:
    """Pairs of rows whose word 5-grams have a Jaccard similarity of NEAR or more."""
    pairs = near_pairs((row.text for row in rows), NEAR)
    members = {index for pair in pairs for index in (pair.first, pair.second)}
    split = {index: rows[index].split for index in sorted(members)}
    across = sum(split[pair.first] != split[pair.second] for pair in pairs)
    return NearFigures(len(pairs), len(members), across)


def share(count: int, total: int) -> Figures:
    """A share with its Wilson interval, as the figures hold it."""
    return {"count": count, "total": total, **_rounded(wilson(count, total).bounds())}


def checker(
    rows: Sequence[Row],
    rejected: Sequence[RejectedRow],
    withheld: Mapping[str, int],
    *,
    with_decisions: bool = True,
) -> Figures:
    """The checker against the humans, as `oceanchat agreement --json` has it of complete items.

    Passed dialogues that were withheld for want of labels are in no row and still stand behind the sample.
    Without `with_decisions`, by the annotators alone, as older versions computed it.
    """
    checked = [dialogue for _, dialogue in _checked(joined(rows, rejected), with_decisions)]
    unseen = [CheckedDialogue(True, ())] * withheld.get(NOT_VALIDATED, 0)
    return checker_against_humans([*checked, *unseen]).as_json()


def whole_dataset(
    rows: Sequence[Row],
    rejected: Sequence[RejectedRow],
    withheld_passed: Mapping[str, int],
    *,
    prior_in_each: bool = False,
    with_decisions: bool = True,
) -> Figures:
    """How good all checked dialogues are, as `oceanchat agreement --json` has it; empty without labels.

    `withheld_passed`: trait-level -> passed dialogues that are in no row for want of labels.
    `prior_in_each`, and no `with_decisions`: as older versions computed the figures.
    """
    checked = _checked(joined(rows, rejected), with_decisions)
    if not any(dialogue.votes for _, dialogue in checked):
        return {}
    for code, count in withheld_passed.items():
        checked += [(code, CheckedDialogue(True, ()))] * count
    strata = strata_of(checked)
    in_paper_order = {code: strata[code] for code in CODES if code in strata}
    qualities = dataset_quality(in_paper_order, prior_in_each=prior_in_each)
    return {code: quality.as_json() for code, quality in qualities.items()}


def _checked(rows: Iterable[Row], with_decisions: bool) -> list[tuple[str, CheckedDialogue]]:
    """The rows with a verdict of the checker, with their trait-levels and the votes that decide."""
    return [
        (row.trait_level, CheckedDialogue(row.provenance.state == PASSED, _votes(row, with_decisions)))
        for row in rows
        if row.provenance.state in (PASSED, *REJECTED_BY_CHECK)
    ]


def _votes(row: Row, with_decisions: bool) -> list[bool]:
    labels = row.provenance.human
    return deciding_votes(labels if with_decisions else [label for label in labels if not label.decides])


def length_record(figures: LengthFigures) -> Figures:
    """`length_auc` and `exchanges_auc`: trait -> how often the high level is longer than the low one."""
    named = {"length_auc": figures.words, "exchanges_auc": figures.exchanges}
    return {
        name: {trait: _rounded(figure.bounds()) for trait, figure in by_trait.items()}
        for name, by_trait in named.items()
    }


def row_lengths(row: Row) -> AnswerLengths:
    """The lengths of a row's answers."""
    answers = [message.content for message in row.messages if message.role == "assistant"]
    cluster = row.provenance.author or f"row {row.id}"
    return AnswerLengths(row.trait, row.level, cluster, mean_words(answers), len(answers))


def default_ids(rows: Sequence[Row], balance: Balance) -> frozenset[str]:
    """The ids of the rows that belong into the `default` config."""
    if balance == "none":
        return frozenset(row.id for row in rows)
    return balanced_ids({row.id: row_lengths(row) for row in rows})


def _back_validation(rows: Sequence[Row], rejected: Sequence[RejectedRow]) -> Figures:
    verdicts = Counter(
        (row.trait_level, row.provenance.checker, row.provenance.verdict.passed)
        for row in joined(rows, rejected)
        if row.provenance.verdict is not None
    )
    by_level = {code: Counter({key: n for key, n in verdicts.items() if key[0] == code}) for code in CODES}
    return {
        "paper": PAPER_PASS_RATE,
        "checkers": sorted({checker for _, checker, _ in verdicts}),
        **_passed(verdicts),
        "by_trait_level": {code: _passed(of_level) for code, of_level in by_level.items() if of_level},
    }


def _passed(verdicts: Counter[tuple[str, str, bool]]) -> Figures:
    """From how many rows a checker passed, and how many it did not."""
    return share(sum(n for (_, _, passed), n in verdicts.items() if passed), verdicts.total())


def _humans(rows: Iterable[Row]) -> Figures | None:
    """Pass rate after adjudication, and how far annotators agree; None when nobody labeled any of the rows.

    Labels of what the checker turned down judge the checker and enter neither.
    """
    labeled = [row for row in rows if row.provenance.human and row.provenance.state not in REJECTED_BY_CHECK]
    if not labeled:
        return None
    ratings = [
        Rating(row.id, label.annotator, "yes" if label.valid else "no", row.trait_level)
        for row in labeled
        for label in row.provenance.human
        if not label.decides
    ]
    coefficients = agreement(ratings).figures()
    return {
        "paper_pass_rate": PAPER_HUMAN_PASS_RATE,
        "paper_unanimous": PAPER_UNANIMOUS,
        "annotators": len({rating.annotator for rating in ratings}),
        "labels": len(ratings),
        "pass_rate": share(sum(decided_valid(row.provenance.human) is True for row in labeled), len(labeled)),
        "agreement": {name: _rounded(figure._asdict()) for name, figure in coefficients.items()},
    }


def _shape(row: Row) -> Shape:
    return Shape(row.trait_level, row.turns, sum(len(message.content.split()) for message in row.messages))


def _rounded(figures: dict[str, Any]) -> Figures:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in figures.items()}
