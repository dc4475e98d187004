"""Tables of builds and of a store.

It shows what it is handed and decides nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oceanchat.cli.display.dialogue import print_dialogue
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.display.tables import print_heading, print_table
from oceanchat.counting import counted
from oceanchat.llm.settings import SCRIPTED
from oceanchat.pipeline.build import Prepared
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.failures import FailedStep, why_short
from oceanchat.pipeline.replies.stored import SHOWN_ID
from oceanchat.pipeline.report import BuildReport, Outcome
from oceanchat.pipeline.results import Status
from oceanchat.records import Dialogue
from oceanchat.statistics.figure import SHARE
from oceanchat.statistics.paper import PAPER_PASS_RATE

QUOTED = 200
"""Characters of a reply that the end of a build quotes."""


def print_build(report: BuildReport, samples: Sequence[Dialogue], config: BuildConfig) -> None:
    """The end of a build: corpus, funnel, pass rate, sample conversations, and who wrote them."""
    facts = report.corpus.facts
    essays, sentences = counted(facts["essays"], "essay"), counted(facts["sentences"], "sentence")
    print_sentence(f"Corpus  {report.corpus.name}: {essays}, {sentences}")
    for what, reasons in (("Left out", facts["junk"]), ("Set aside", facts["set_aside"])):
        if reasons:
            listed = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
            unit = "rows" if what == "Left out" else "sentences"
            print_sentence(f"{what}  {listed} ({unit})")
    print_funnel(report.outcomes)
    pass_rate = report.pass_rate.text(SHARE)
    print_sentence(f"Pass rate of the back-validation  {pass_rate}   (the paper: {PAPER_PASS_RATE:.1%})")
    calls = report.usage
    print_sentence(
        f"Calls  {calls.answered:,} made, {calls.replayed:,} replayed from the ledger, cost {calls.cost}"
    )
    for dialogue in samples:
        print_sentence("")
        print_dialogue(dialogue)
    print_sentence("")
    print_heading(_models_line(config))


def print_prepared_notes(prepared: Prepared) -> None:
    """On stderr, before a build: how the corpus's columns were read and what the prompts cannot say."""
    print_corpus_notes(prepared.corpus.name, prepared.corpus.notes)
    for note in prepared.notes:
        _note(note)


def print_corpus_notes(name: str, notes: Sequence[str]) -> None:
    """On stderr: how the columns of a corpus were read."""
    for note in notes:
        _note(f"corpus '{name}': {note}")


def print_build_notes(report: BuildReport, failures: Sequence[FailedStep], in_files: bool = False) -> None:
    """On stderr: how the endpoint wants to be asked, what failed and was replaced, and what is short."""
    for line in report.notes:
        _note(line)
    for step in failures:
        _note(_failure_line(step))
    for outcome in report.outcomes:
        if outcome.replaced:
            _note(
                f"{outcome.trait_level.code} had {counted(outcome.replaced, 'dialogue')} built with"
                " other options; the"
                " command that built them brings them back from the ledger, free of charge"
            )
    for outcome in report.short:
        _note(
            f"{outcome.trait_level.code} has {outcome.passed:,} of {counted(outcome.requested, 'dialogue')}:"
            f" {why_short(outcome, report.corpus.name, in_files)}"
        )


def _failure_line(step: FailedStep) -> str:
    """What failed, why, one reply, and what to do."""
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in step.reasons.items())
    line = f"{step.total:,} {step.rows} failed ({reasons})"
    if step.reply is not None:
        text = " ".join(step.reply.text.split())
        quote = f'"{text[:QUOTED]}{"..." if len(text) > QUOTED else ""}"' if text else "nothing"
        line += f"; a reply was {quote} (`oceanchat show --reply {step.reply.id[:SHOWN_ID]}`)"
    return f"{line}; {step.way_out}"


def _note(line: str) -> None:
    print_note(f"oceanchat: {line}")


def _models_line(config: BuildConfig) -> str:
    if config.writer == SCRIPTED:
        return (
            "The built-in scripted model wrote these dialogues, free and offline, for trying things out."
            " For real ones, name a model with --model NAME (and --base-url URL for your own server)."
        )
    return f"Labeled by {config.labeler}, written by {config.writer}, checked by {config.checker}."


def print_funnel(outcomes: Sequence[Outcome]) -> None:
    """One row per trait-level: what became of candidates, seed topics and dialogues."""
    headers = (
        *("", "labeled", "neutral", "off-target", "surplus", "failed"),
        *("seeds", "written", "gated", "rejected", "passed"),
    )
    rows = [(o.trait_level.code, *_funnel_cells(o), _passed(o)) for o in outcomes]
    print_sentence("")
    print_table(headers, rows)
    print_sentence("")


def _passed(outcome: Outcome) -> str:
    """Of how many; the store may hold more than were asked for now."""
    if outcome.passed > outcome.requested:
        return f"{outcome.passed:,}, {outcome.requested:,} asked"
    return f"{outcome.passed:,} of {outcome.requested:,}"


def _funnel_cells(outcome: Outcome) -> list[int]:
    candidates, seeds, dialogues = outcome.funnel.candidates, outcome.funnel.seeds, outcome.funnel.dialogues
    gated = sum(count for state, count in dialogues.items() if state.startswith("gate:"))
    return [
        sum(candidates.values()),
        *(candidates.get(state, 0) for state in ("neutral", "off-target", "surplus", "failed")),
        sum(seeds.values()),
        seeds.get("written", 0),
        gated,
        outcome.written - gated - outcome.passed,
    ]


def print_status(statuses: Sequence[Status]) -> None:
    """The funnel of each trait-level, why rows were dropped, and how each was built."""
    print_funnel([status.outcome for status in statuses])
    reasons = [(status.build.trait_level, *reason) for status in statuses for reason in status.reasons]
    if reasons:
        print_table(("", "step", "state", "why", "rows"), reasons, "Dropped rows")
        print_sentence("")
    headers = ("", "labeler", "writer", "checker", "mode", "check", "finished")
    levels: dict[tuple[str, ...], list[str]] = {}
    for status in statuses:
        roles = ("labeler", "writer", "checker", "mode", "check")
        how = (
            *(status.build.config.get(role, "unknown") for role in roles),
            datetime.fromtimestamp(status.build.finished_at).strftime("%Y-%m-%d %H:%M"),
        )
        levels.setdefault(how, []).append(status.build.trait_level)
    rows = [(" ".join(codes), *how) for how, codes in levels.items()]
    print_table(headers, rows, "How they were built")


def print_imported(imported: Mapping[str, Mapping[str, int]]) -> None:
    """How many imported dialogues of each trait-level are in which state."""
    states = sorted({state for counts in imported.values() for state in counts})
    rows = [(code, *(f"{counts.get(state, 0):,}" for state in states)) for code, counts in imported.items()]
    print_heading("Imported dialogues")
    print_table(("", *states), rows)
