"""A drawn sample, and what to do next.

It shows what it is handed and decides nothing.
"""

from collections.abc import Mapping, Sequence

from oceanchat.cli.display.notes import print_note
from oceanchat.cli.display.tables import print_table
from oceanchat.counting import counted
from oceanchat.store.annotators import Annotator
from oceanchat.store.samples import Sample
from oceanchat.traits import CODES


def print_sample(sample: Sample, wanted: int, accounts: Sequence[Annotator]) -> None:
    """How many dialogues were drawn of each trait-level, what the sample lacks, and what comes next."""
    rows = [
        (code, pool["drawn"], pool["available"], sample.settings["rejected"].get(code, {}).get("drawn", 0))
        for code, pool in sample.settings["accepted"].items()
    ]
    print_table(("", "drawn", "of", "rejected ones"), rows, f"Sample {sample.id}, seed {sample.seed}")
    for line in _shortfalls(wanted, sample.settings["accepted"]):
        print_note(line)
    print_note(_next_step(sample.overlap, accounts))


def _shortfalls(wanted: int, pools: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What the sample lacks, in words."""
    none = [code for code in CODES if code not in pools]
    few = [f"{code} ({pool['drawn']})" for code, pool in pools.items() if pool["drawn"] < wanted]
    lines = [f"No dialogue of {', '.join(none)}: these trait-levels will not be validated."] if none else []
    return lines + (
        [f"Fewer than {wanted} of {', '.join(few)}: all available ones were drawn."] if few else []
    )


def _next_step(overlap: int, accounts: Sequence[Annotator]) -> str:
    """Accounts for as many annotators as validate each dialogue, where they lack, then the app."""
    working = sum(each.role == "annotator" and each.retired_at is None for each in accounts)
    if working >= overlap:
        return f"Next: `oceanchat annotate`; the store has {counted(working, 'annotator')}."
    who = "each annotator" if not working else f"{overlap - working} more ({overlap} validate each dialogue)"
    return f"Next: `oceanchat annotators add NAME` for {who}, then `oceanchat annotate`."
