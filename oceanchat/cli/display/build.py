"""What a person sees in the terminal: progress on stderr; tables, conversations and the funnel on stdout.

It shows what it is handed and decides nothing. On a terminal progress is a row of bars, elsewhere plain
lines.
"""

import sys
import textwrap
import time
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from oceanchat.llm.settings import SCRIPTED
from oceanchat.llm.usage import CallCounts
from oceanchat.pipeline.build import PAPER_PASS_RATE, BuildReport, Outcome
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.results import Status
from oceanchat.progress import Stage
from oceanchat.records import SPEAKERS, Dialogue, Turn
from oceanchat.statistics.figure import SHARE
from oceanchat.statistics.table_six import PAPER as PAPER_TABLE_SIX
from oceanchat.statistics.table_six import SummaryRow
from oceanchat.traits import facet_named

SECONDS_BETWEEN_LINES = 5.0
"""How often progress is written where there is no terminal."""
_WIDEST = 88


class BuildProgress:
    """Shows how far a build is; a context manager."""

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._counts: CallCounts | None = None
        self._expected: dict[Stage, int] = {}
        self._done: dict[Stage, int] = {}
        self._tasks: dict[Stage, TaskID] = {}
        self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
        self._bars = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[calls]}"),
            console=self._console,
            refresh_per_second=5,
        )

    def __enter__(self) -> "BuildProgress":
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._refresh()
            self._bars.stop()
        elif self._expected:
            self._line()

    def watch(self, counts: CallCounts) -> None:
        """Show these figures from now on."""
        self._counts = counts

    def expect(self, stage: Stage, count: int) -> None:
        """`count` more are to come."""
        self._expected[stage] = self._expected.get(stage, 0) + count
        self._done.setdefault(stage, 0)
        self._show(stage)

    def done(self, stage: Stage, count: int) -> None:
        """`count` more are done."""
        self._done[stage] = self._done.get(stage, 0) + count
        self._show(stage)

    def _show(self, stage: Stage) -> None:
        if self._console.is_terminal:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage.value, calls="")
            self._bars.update(
                self._tasks[stage], total=self._expected.get(stage), completed=self._done[stage]
            )
            self._refresh()
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            self._line()

    def _refresh(self) -> None:
        """Put the figures of all calls behind the last bar."""
        for task in self._tasks.values():
            self._bars.update(task, calls="")
        if self._tasks and self._counts is not None:
            last = list(self._tasks.values())[-1]
            self._bars.update(last, calls=self._counts.line(self._remaining()))

    def _remaining(self) -> int:
        calls = [stage for stage in self._expected if stage is not Stage.SEGMENT]
        return sum(self._expected[stage] - self._done.get(stage, 0) for stage in calls)

    def _line(self) -> None:
        parts = [f"{s.value.lower()} {self._done.get(s, 0)}/{self._expected[s]}" for s in self._expected]
        if self._counts is not None:
            parts.append(self._counts.line(self._remaining()))
        print("; ".join(parts), file=sys.stderr, flush=True)


def print_build(report: BuildReport, samples: Sequence[Dialogue], config: BuildConfig) -> None:
    """The end of a build: corpus, funnel, pass rate, sample conversations, and who wrote them."""
    out = _stdout()
    facts = report.corpus.facts
    out.print(
        f"Corpus  {report.corpus.name}: {facts['essays']:,} essays, {facts['sentences']:,} sentences",
        highlight=False,
    )
    for what, reasons in (("Left out", facts["junk"]), ("Set aside", facts["set_aside"])):
        if reasons:
            listed = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
            unit = "rows" if what == "Left out" else "sentences"
            out.print(f"{what}  {listed} ({unit})")
    print_funnel(report.outcomes)
    pass_rate = report.pass_rate.text(SHARE)
    out.print(
        f"Pass rate of the back-validation  {pass_rate}   (the paper: {PAPER_PASS_RATE:.1%})",
        highlight=False,
    )
    calls = report.counts
    out.print(
        f"Calls  {calls.made:,} made, {calls.replayed:,} replayed from the ledger, cost {calls.cost}",
        highlight=False,
    )
    for dialogue in samples:
        out.print()
        print_dialogue(dialogue)
    out.print()
    out.print(_models_line(config), style="bold", soft_wrap=True)


def print_build_notes(report: BuildReport) -> None:
    """On stderr: what took another result's place, and which trait-levels came out short."""
    for outcome in report.outcomes:
        if outcome.replaced:
            _note(
                f"{outcome.trait_level.code} had {outcome.replaced} dialogues built with other options; the"
                " command that built them brings them back from the ledger, free of charge"
            )
    for outcome in report.short:
        _note(
            f"{outcome.trait_level.code} has {outcome.passed} of {outcome.requested} dialogues: the corpus"
            f" '{report.corpus.name}' gave {sum(outcome.funnel.seeds.values())} seed topics and no more"
            " (`oceanchat status` says what became of them); add essays or raise --seeds-per-essay"
        )


def _note(line: str) -> None:
    print(f"oceanchat: {line}", file=sys.stderr)


def _models_line(config: BuildConfig) -> str:
    if config.writer == SCRIPTED:
        return (
            "The built-in scripted model wrote these, free and offline, to try things out;"
            " for real ones name a model: --model NAME, with --base-url URL for your own server."
        )
    return f"Labelled by {config.labeler}, written by {config.writer}, checked by {config.checker}."


def print_funnel(outcomes: Sequence[Outcome]) -> None:
    """One row a trait-level: what became of candidates, seed topics and dialogues."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for name in (
        "labelled",
        "neutral",
        "off-target",
        "surplus",
        "failed",
        "seeds",
        "written",
        "gated",
        "rejected",
    ):
        table.add_column(name, justify="right")
    table.add_column("passed", justify="right", style="bold")
    for o in outcomes:
        table.add_row(o.trait_level.code, *_funnel_cells(o), f"{o.passed:,} of {o.requested:,}")
    out = _stdout()
    out.print()
    out.print(table)
    out.print()


def _funnel_cells(outcome: Outcome) -> list[str]:
    candidates, seeds, dialogues = outcome.funnel.candidates, outcome.funnel.seeds, outcome.funnel.dialogues
    gated = sum(count for state, count in dialogues.items() if state.startswith("gate:"))
    figures = [
        sum(candidates.values()),
        *(candidates.get(state, 0) for state in ("neutral", "off-target", "surplus", "failed")),
        sum(seeds.values()),
        seeds.get("written", 0),
        gated,
        outcome.made - gated - outcome.passed,
    ]
    return [f"{figure:,}" for figure in figures]


def print_status(found: Sequence[Status]) -> None:
    """The funnel of each trait-level, why rows did not go on, and how each was built."""
    print_funnel([one.outcome for one in found])
    reasons = [(one.build.trait_level, *reason) for one in found for reason in one.reasons]
    if reasons:
        print_table(("", "step", "state", "why", "rows"), reasons, "Rows that did not go on")
        _stdout().print()
    rows = [
        (
            one.build.trait_level,
            *(one.build.config[role] for role in ("labeler", "writer", "checker", "mode", "check")),
            datetime.fromtimestamp(one.build.finished).strftime("%Y-%m-%d %H:%M"),
        )
        for one in found
    ]
    print_table(
        ("", "labeler", "writer", "checker", "mode", "check", "finished"), rows, "How they were built"
    )


def print_table_six(rows: Sequence[SummaryRow]) -> None:
    """Dialogues, turns and words of each trait-level, the paper's in brackets."""
    cells = [
        (
            row.trait_level,
            f"{row.dialogues:,.0f} ({PAPER_TABLE_SIX[row.trait_level].dialogues:,.0f})",
            f"{row.turns:.2f} ({PAPER_TABLE_SIX[row.trait_level].turns:.2f})",
            f"{row.words_a_turn:.2f} ({PAPER_TABLE_SIX[row.trait_level].words_a_turn:.2f})",
        )
        for row in rows
    ]
    print_table(("", "dialogues (paper)", "turns (paper)", "words a turn (paper)"), cells)


def print_dialogue(dialogue: Dialogue) -> None:
    """One dialogue as a conversation, with its seed topic, facet and verdict."""
    out = _stdout()
    facet = facet_named(dialogue.facet) if dialogue.facet else None
    head = (
        f"{dialogue.trait_level.label}" + (f" \u00b7 {facet.id}" if facet else "") + f" \u00b7 {dialogue.id}"
    )
    out.print(head, style="bold")
    if dialogue.seed_topic:
        _paragraph(out, "Seed topic  ", f"\u201c{dialogue.seed_topic}\u201d", "dim")
    for turn in dialogue.turns:
        _print_turn(out, turn)
    _paragraph(out, "Verdict  ", _verdict(dialogue), "dim")
    writer = dialogue.provenance.writer or dialogue.source
    _paragraph(out, "Written by  ", writer, "dim")


def _print_turn(out: Console, turn: Turn) -> None:
    asks = turn.role == "questioner"
    indent = "  " if asks else "      "
    label = f"{SPEAKERS[turn.role]}: "
    _paragraph(out, indent + label, turn.text, "cyan" if asks else "")


def _paragraph(out: Console, lead: str, text: str, style: str) -> None:
    width = min(_WIDEST, out.width)
    clean = "".join(c for c in text if c.isprintable() or c == " ")
    lines = textwrap.fill(clean, width, initial_indent=lead, subsequent_indent=" " * min(len(lead), 12))
    out.print(Text(lines, style=style))


def _verdict(dialogue: Dialogue) -> str:
    verdict = dialogue.verdict
    state = dialogue.state + (f" ({dialogue.detail})" if dialogue.detail else "")
    if verdict is None:
        return state
    seen = ", ".join(shown.code for shown in verdict.shown) or "none"
    return f"{state}; {verdict.checker} saw {seen}. {verdict.reason}"


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """A plain table on stdout; numbers to the right."""
    table = Table(box=None, header_style="bold", pad_edge=False, title=title or None, title_justify="left")
    for place, header in enumerate(headers):
        right = bool(rows) and isinstance(rows[0][place], int | float)
        table.add_column(header, justify="right" if right else "left")
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    _stdout().print(table)


def _cell(cell: Any) -> Text:
    if isinstance(cell, float):
        return Text(f"{cell:,.2f}")
    return Text(f"{cell:,}" if isinstance(cell, int) else str(cell))


def _stdout() -> Console:
    # What is shown is data: nothing in it is markup. Piped output has no width of its own, so no cell is cut.
    plain: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
    return Console(**plain) if sys.stdout.isatty() else Console(width=140, no_color=True, **plain)
