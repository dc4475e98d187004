"""What went into request files and came back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.counting import counted
from oceanchat.llm.costs import not_openais
from oceanchat.llm.settings import OPENAI_URL
from oceanchat.llm.usefulness import raise_limits
from oceanchat.pipeline.answers import AnswersReport, LineCount, LineOutcome
from oceanchat.pipeline.pending import Pending

QUOTED = 100
"""Characters of what an engine said that are shown."""
WAYS_OUT = {
    LineOutcome.FAILED: "the rows made of them fail; `oceanchat pending --failed` writes them again",
    LineOutcome.OTHER_MODEL: "--answered-by MODEL takes them, if that is how the engine calls the one asked",
    LineOutcome.UNKNOWN: "give the --store that `oceanchat pending` had",
    LineOutcome.UNREADABLE: "give the files that the engine wrote, whole, one result a line",
}


def print_pending(pending: Pending) -> None:
    """On stderr: how many requests were written for which model, and what was left out; nothing if none."""
    tasks = pending.by_task()
    for model in dict.fromkeys(model for model, _ in tasks):
        listed = ", ".join(f"{count:,} '{task}'" for (asked, task), count in tasks.items() if asked == model)
        print_note(f"oceanchat: requests to '{model}': {listed}; commit the answers with `oceanchat answers`")
    if pending.requests:
        passed, anew = pending.dialogues_passed, pending.dialogues_passed_anew
        stored = f" in the stored build; the answers gone through now give {anew:,}" if anew < passed else ""
        of_all = f"{passed:,} of {counted(pending.dialogues_wanted, 'dialogue')}"
        print_note(f"oceanchat: so far {of_all} passed{stored}")
    unnamed = (absent.model for absent in pending.requests if absent.endpoint == OPENAI_URL)
    for model in sorted(not_openais(unnamed)):
        print_note(
            f"oceanchat: costs and releases will not say where '{model}' answered: name your own server with"
            " --base-url, to which nothing is sent"
        )
    for holder, count in pending.asked_elsewhere.items():
        print_note(f"oceanchat: {count:,} left out, which {holder} is asking for")
    if pending.is_all_left_out:
        listed = ", ".join(f"{count:,} to '{model}'" for model, count in pending.to_others.items())
        others = (
            f"the build needs {listed} first" if listed else "give this command again when they are answered"
        )
        print_note(f"oceanchat: nothing to write yet: {others}")


def pending_as_json(pending: Pending, files: Sequence[Path]) -> dict[str, Any]:
    """What `oceanchat pending --json` prints."""
    return {
        "files": [str(path) for path in files],
        "requests": len(pending.requests),
        "tasks": [
            {"model": model, "task": task, "requests": count}
            for (model, task), count in pending.by_task().items()
        ],
        "asked_elsewhere": dict(pending.asked_elsewhere),
        "to_others": dict(pending.to_others),
        "dialogues": {"requested": pending.dialogues_wanted, "passed": pending.dialogues_passed},
    }


def print_earlier_files(paths: Sequence[Path]) -> None:
    """On stderr: request files of an earlier round that lie beside those of this one."""
    if paths:
        which = f"'{paths[0].name}' is" if len(paths) == 1 else f"'{paths[0].name}' and others are"
        print_note(
            f"oceanchat: {which} of an earlier round: answer it no more, or its answers are paid twice"
        )


def print_answers(report: AnswersReport) -> None:
    """The lines by outcome and reason, what to do about those that were of no use, and the cost."""
    order = list(LineOutcome)
    for (outcome, reason), count in sorted(report.counts.items(), key=lambda item: order.index(item[0][0])):
        print_sentence(f"{count.lines:>7,} {outcome}{_why(reason, count)}")
    for outcome, way_out in WAYS_OUT.items():
        if report.total((outcome,)):
            print_note(f"oceanchat: {outcome}: {way_out}")
    if report.cut_off:
        useless = f"{report.cut_off.total():,} cut off or empty, of no use to the build"
        print_note(f"oceanchat: stored: {useless}: {raise_limits(report.cut_off)}")
    if report.empty:
        first, *others = report.empty
        more = f" and {len(others):,} more hold" if others else " holds"
        print_note(f"oceanchat: '{first}'{more} no line; give the files that the engine wrote")
    print_sentence(f"Cost {report.usage.cost}. `oceanchat pending` writes what is to be answered next.")


def _why(reason: str, count: LineCount) -> str:
    if not reason:
        return ""
    quote = f' ("{count.quote[:QUOTED]}")' if count.quote else ""
    return f": {reason}, first in {count.first}{quote}"
