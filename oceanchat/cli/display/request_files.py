"""What went into request files and came back."""

from collections import Counter

from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.pipeline.answers import AnswersReport, LineCount, LineOutcome
from oceanchat.pipeline.pending import Pending

QUOTED = 100
"""Characters of what an engine said that are shown."""
WAYS_OUT = {
    LineOutcome.FAILED: "the rows made of them fail; `oceanchat pending --failed` writes them again",
    LineOutcome.OTHER_MODEL: "--answered-by MODEL takes them, if that is how the engine calls the one asked",
    LineOutcome.UNKNOWN: "give the --store that `oceanchat pending` had",
    LineOutcome.UNREADABLE: "give the files that the engine wrote, whole",
}


def print_pending(pending: Pending) -> None:
    """On stderr: how many requests were written for which model, and what was left out; nothing if none."""
    tasks = Counter((absent.model, absent.request.task) for absent in pending.requests)
    for model in dict.fromkeys(model for model, _ in tasks):
        listed = ", ".join(f"{count:,} '{task}'" for (asked, task), count in tasks.items() if asked == model)
        print_note(f"oceanchat: for '{model}': {listed}; commit the answers with `oceanchat answers`")
    for holder, count in pending.asked_elsewhere.items():
        print_note(f"oceanchat: {count:,} left out, which {holder} is asking for")


def print_answers(report: AnswersReport) -> None:
    """The lines by outcome and reason, what to do about those that were of no use, and the cost."""
    order = list(LineOutcome)
    for (outcome, reason), count in sorted(report.counts.items(), key=lambda item: order.index(item[0][0])):
        print_sentence(f"{count.lines:>7,} {outcome}{_why(reason, count)}")
    for outcome, way_out in WAYS_OUT.items():
        if report.total((outcome,)):
            print_note(f"oceanchat: {outcome}: {way_out}")
    print_sentence(f"Cost {report.usage.cost}. `oceanchat pending` writes what is to be answered next.")


def _why(reason: str, count: LineCount) -> str:
    if not reason:
        return ""
    quote = f' ("{count.quote[:QUOTED]}")' if count.quote else ""
    return f": {reason}, first in {count.first}{quote}"
