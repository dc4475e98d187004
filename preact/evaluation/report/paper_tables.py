"""The paper's tables of one's own figures.

Tables 1, 2, 3, 6 and 8 of its layout, each with its n, its intervals, its limits and the files that its
figures are from. Nothing is computed here but means of what those files hold.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oceanchat.errors import ReleaseError
from oceanchat.latex import escaped, tabular
from oceanchat.llm.settings import BY_SCRIPT, SCRIPTED
from oceanchat.release.folder import Release
from oceanchat.statistics.figure import SHARE, Figure, number
from oceanchat.statistics.rating_file import SCALES
from oceanchat.statistics.table_six import SummaryRow
from preact.evaluation.comparison.comparing import Comparison
from preact.evaluation.comparison.statistics import detectable_effect, half_width
from preact.evaluation.comparison.trait_scores import ScoredInterview, first_opinions
from preact.evaluation.judge.verdicts import UNSCORED
from preact.evaluation.report.latex import LatexTable
from preact.evaluation.report.tables import means, render_tests, spreads, steadiness

if TYPE_CHECKING:  # with it comes krippendorff, which only ratings need
    from oceanchat.statistics.model_ratings import RatingReport

RELATED: Mapping[str, tuple[bool, bool, bool]] = {
    "PersonalityEdit": (False, False, True),
    "Machine Mindset": (False, False, True),
    "CPED": (False, True, False),
    "FriendsPersona": (False, True, False),
}
"""The paper's Table 1 on other datasets: topics that people wrote, several turns, words made for a trait."""
_SUMS = ("Avg+", "Avg-", "Overall")
_OVER_ITEMS = (
    "Intervals are 95 % over items: what other questions of the kind would have given. They say nothing of"
    " other judges or of training with another seed."
)


def table_one(release: Release, folder: Path) -> LatexTable:
    """Table 1: the release beside the datasets that the paper compares; `folder` is that of the document."""
    rows = release.rows
    own = (
        _share(sum(row.seed_topic is not None for row in rows), len(rows)),
        _share(sum(row.turns > 2 for row in rows), len(rows)),
        f"yes ({len({row.trait_level for row in rows})} trait-levels)",
    )
    cells = [[escaped(name), "not counted", *map(_yes, facts)] for name, facts in RELATED.items()]
    cells.append([escaped(release.manifest.name), f"{len(rows):,}", *map(escaped, own)])
    return LatexTable(
        1,
        f"Comparison of relevant datasets.{_scripted_release(release)}",
        [tabular(["Dataset", "Dialogues", "Topic-React", "N-Turn", "Trait-Tailored"], cells)],
        [
            "Topic-React: begun from a topic that a person wrote. N-Turn: more than one question and answer."
            " The last row is counted, the others are what the paper says of them."
        ],
        [
            _source(folder, release.folder / "data", "rows of all splits: seed_topic, turns, trait_level"),
            _source(folder, release.folder / "manifest.json", "name, scripted"),
            "the other datasets: the paper's Table 1",
        ],
    )


def table_two(scored: Sequence[ScoredInterview], comparison: Comparison, folder: Path) -> LatexTable:
    """Table 2: judged trait expression, with the interval over items of each sum."""
    judge = scored[0].judging.header
    intervals = [
        [
            escaped(row.backbone),
            escaped(row.model),
            f"{len(entry.interview.answers):,}",
            f"{len(first_opinions(entry.judging)):,}",
            str(sum(opinion.state in UNSCORED for opinion in first_opinions(entry.judging))),
            str(entry.interview.header.runs),
            *(_with_interval(cells[name].over_items) for name in _SUMS),
        ]
        for entry, row, cells in zip(scored, comparison.rows, comparison.cells, strict=True)
    ]
    headings = [
        "Backbone",
        "Model",
        "Answers",
        "Batches",
        "Unscored",
        "Runs",
        "Avg$^{+}$",
        "Avg$^{-}$",
        "Overall",
    ]
    return LatexTable(
        2,
        f"Trait expression from 1 to 5 as judge {judge.judge} (mode {judge.mode}) scores the answers."
        " Overall is the mean of the high levels less that of the low ones."
        f"{_marks(comparison)}{_scripted_interviews(scored)}",
        [means(comparison, "latex"), tabular(headings, intervals, words=2)],
        [_OVER_ITEMS, *_absences(comparison), *_contrasts(comparison)],
        list(_judged_sources(scored, folder)),
    )


def _marks(comparison: Comparison) -> str:
    """What the marks of Table 2 mean, as far as there are any."""
    parts = ["bold: best, underlined: second with the same backbone"] if comparison.ranks else []
    if comparison.marks_gains:
        parts.append(
            "asterisk: better than the best baseline, adjusted p < .05 over runs and above 0 over items"
        )
    return f" {'; '.join(parts).capitalize()}." if parts else ""


def table_eight(scored: Sequence[ScoredInterview], comparison: Comparison, folder: Path) -> LatexTable:
    """Table 8: standard deviations over runs."""
    runs = max(len(row.runs) for row in comparison.rows)
    unequal = len({len(row.runs) for row in comparison.rows}) > 1
    return LatexTable(
        8,
        f"Standard deviation of the results of Table 2 over {'up to ' * unequal}{runs} runs (population"
        " standard deviation; that of an average is the deviation of the runs' averages)."
        f"{_scripted_interviews(scored)}",
        [spreads(comparison, "latex")],
        [
            "Runs are of one checkpoint: they vary answering and judging, not training. With"
            f" {runs} runs a 95 % interval reaches {half_width(runs):.2f} sample deviations to each side, and"
            f" differences below {detectable_effect(runs):.1f} of them are missed more than once in five"
            " times.",
            *(f"{sentence}." for sentence in steadiness(comparison)),
        ],
        list(_judged_sources(scored, folder)),
    )


def table_three(
    report: "RatingReport", path: Path, folder: Path, scored: Sequence[ScoredInterview] = ()
) -> LatexTable:
    """Table 3: what people say of models in conversation, with the interval of each mean.

    It is marked as scripted where a name says so, or where the run's own systems (`scored`) are or learned
    from the scripted model: the file itself does not say what its systems learned from.
    """
    rows: list[list[str]] = []
    notes: dict[str, list[str]] = {}
    for name, system in report.systems.items():
        figures = [system.criteria[criterion] for criterion in SCALES]
        cells = [f"{_two(each.mean)} ({_two(each.fleiss_kappa)})" for each in figures]
        intervals = [each.mean.cells(".2f")[1] or "-" for each in figures]
        amount = [str(n) for n in (system.annotators, system.questions, system.conversations, system.ratings)]
        rows += [[escaped(name), *amount, *cells], ["", *[""] * 4, *intervals]]
        for criterion, each in zip(SCALES, figures, strict=True):
            for note in filter(None, (each.mean.note, each.fleiss_kappa.note)):
                notes.setdefault(note, []).append(f"{name} ({criterion})")
    headings = ["Model", "Annotators", "Questions", "Conversations", "Ratings", *map(str.capitalize, SCALES)]
    scripted = any(SCRIPTED in name.lower() for name in report.systems) or any(map(_made_by_script, scored))
    return LatexTable(
        3,
        "Human evaluation of personality alignment (share) and response quality (1 to 5): means with Fleiss'"
        " kappa in parentheses, 95 % intervals of the means over starting questions below them."
        f"{_mark('systems of this run are, or learned from, the scripted model') if scripted else ''}",
        [tabular(headings, rows)],
        [
            *(f"{remark}." for remark in report.remarks),
            *(f"{note}: {', '.join(names)}." for note, names in notes.items()),
            "The file names the systems; what they were trained on it does not say.",
        ],
        [_source(folder, path, f"{', '.join(SCALES)} by system, question_id, conversation_id and annotator")],
    )


def table_six(release: Release, folder: Path) -> LatexTable:
    """Table 6: what is in the release, with the share that passed back-validation.

    Raises ReleaseError for a quality.json that is not as it was written.
    """
    try:
        figures = release.quality["rows"]
        check = figures["back_validation"]
        rows = [_six_row(SummaryRow(**row), check["by_trait_level"]) for row in figures["table_six"]]
        passed = _passed(check)
        humans = figures["humans"]
        people = (
            f"By the majority of {humans['annotators']} annotators, or the lead's decision where they"
            f" disagreed, {humans['pass_rate']['count']:,} of"
            f" {humans['pass_rate']['total']:,} dialogues that they labeled are valid,"
            f" {_figure(humans['pass_rate']).text(SHARE)}, with the 95 % interval."
            if humans
            else "No dialogue was validated by people."
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        raise ReleaseError(
            f"'quality.json' of release '{release.folder}' is not as it was written; restore it, or see"
            f" `oceanchat verify {release.folder}`"
        ) from None
    return LatexTable(
        6,
        f"Statistics of {release.manifest.name}, {len(release.rows):,} dialogues."
        f"{_scripted_release(release)}",
        [tabular(["Trait", "Dialogues", "Avg. Turns", "Words / Turn", "Passed back-validation"], rows)],
        [
            f"Turns are utterances. Back-validation: {passed}, of dialogues by the checker, with 95 %"
            " intervals; the checker is a model, and how often it errs only people can say.",
            people,
        ],
        [
            _source(
                folder, release.folder / "quality.json", "rows.table_six, rows.back_validation, rows.humans"
            ),
            _source(folder, release.folder / "manifest.json", "name, scripted"),
        ],
    )


def _six_row(row: SummaryRow, checked: Mapping[str, Any]) -> list[str]:
    average = row.trait_level == "Avg"
    name = row.trait_level if average else f"{row.trait_level[0]}$^{{{row.trait_level[1]}}}$"
    share = checked.get(row.trait_level)
    return [
        name,
        f"{row.dialogues:,.2f}" if average else f"{row.dialogues:,.0f}",
        f"{row.turns:.2f}",
        f"{row.words_a_turn:.2f}",
        escaped(_passed(share)) if share else "-",
    ]


def _passed(share: Mapping[str, Any]) -> str:
    """'200 of 231, 86.6% (81.6% to 90.4%)'."""
    return (
        f"{share['count']:,} of {share['total']:,}, {_figure(share).text(SHARE)}"
        if share["total"]
        else "none"
    )


def _figure(figure: Mapping[str, Any]) -> Figure:
    return Figure(figure["value"], figure["low"], figure["high"])


def _two(figure: Figure) -> str:
    return number(figure.value, 2)


def _with_interval(figure: Figure) -> str:
    value, interval = figure.cells(".2f")
    return f"{value} ({interval})" if interval else value


def _absences(comparison: Comparison) -> Iterator[str]:
    """Why an interval of Overall is not there, with the systems that lack it."""
    systems: dict[str, list[str]] = {}
    for row, cells in zip(comparison.rows, comparison.cells, strict=True):
        if note := cells["Overall"].over_items.note:
            systems.setdefault(note, []).append(row.label)
    for note, names in systems.items():
        yield f"No interval of Overall ({note}): {', '.join(names)}."


def _contrasts(comparison: Comparison) -> list[str]:
    lines = render_tests(comparison).splitlines()
    return [f"{line}." for line in lines] or ["No baseline was named, so nothing was tested."]


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _share(count: int, total: int) -> str:
    """'yes (all)', 'no' or how many."""
    return "no" if not count else "yes (all)" if count == total else f"{count:,} of {total:,}"


def _mark(why: str) -> str:
    return f" SCRIPTED: {why}; the figures show that the machinery works and measure no model."


def _scripted_release(release: Release) -> str:
    return (
        _mark("dialogues are written or checked by the scripted model") if release.manifest.scripted else ""
    )


def _scripted_interviews(scored: Sequence[ScoredInterview]) -> str:
    """The mark of a table whose judge, answers or training dialogues are the scripted model's."""
    parts = {
        "the judge": any(entry.judging.header.judge in BY_SCRIPT for entry in scored),
        "a system or who wrote the training dialogues": any(map(_made_by_script, scored)),
    }
    who = [part for part, scripted in parts.items() if scripted]
    return _mark(f"the scripted model is {' and '.join(who)}") if who else ""


def _made_by_script(entry: ScoredInterview) -> bool:
    """Whether a system is the scripted model, or learned from dialogues that it wrote or checked."""
    header = entry.interview.header
    release = header.system.get("release")
    taught = isinstance(release, dict) and bool(release.get("scripted"))
    return taught or not BY_SCRIPT.isdisjoint((header.backbone, header.system.get("model")))


def _judged_sources(scored: Sequence[ScoredInterview], folder: Path) -> Iterator[str]:
    for entry in scored:
        header = entry.interview.header
        name = f"{header.backbone} {header.model}"
        yield _source(
            folder, entry.judging.folder / "judgements.jsonl", f"score, by run and trait_level ({name})"
        )
        yield _source(folder, entry.interview.folder / "interview.json", "backbone, model, runs")


def _source(folder: Path, file: Path, fields: str) -> str:
    """A file as seen from the document, so that both can move together, and its fields."""
    return f"{Path(os.path.relpath(file, folder)).as_posix()}: {fields}"
