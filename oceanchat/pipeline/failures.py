"""Say what failed in a build, and why.

Rows that failed are not rows that were judged: the model or the endpoint gave nothing that could be judged.
For each step it counts the reasons and finds one reply, word for word.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from oceanchat.errors import TEMPORARY
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.replies.stored import StoredReply, useless_reply
from oceanchat.pipeline.report import Outcome
from oceanchat.pipeline.synthesis import TASKS
from oceanchat.store import builds as build_rows
from oceanchat.store.database import Store

FEW_PASS = 0.2
"""Share of dialogues that pass below which the dialogues, not the essays, are what is missing."""


RETRY = "`oceanchat retry` asks for them again"
RETRY_IN_FILES = "`oceanchat pending --failed` writes them again for an engine to answer"


class FailedStep(NamedTuple):
    """The rows of one step that failed."""

    rows: str
    """What they are: 'labels', 'dialogues' or 'checks'."""
    reasons: Mapping[str, int]
    """Why -> how many, the most frequent first."""
    reply: StoredReply | None
    """One reply that was of no use."""
    in_files: bool = False
    """Whether nobody is asked but by files: the build that says so is offline."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.reasons.values())

    @property
    def asked_anew(self) -> bool:
        """Whether the next run asks all of them again by itself."""
        return all(reason in TEMPORARY for reason in self.reasons)

    @property
    def way_out(self) -> str:
        """How to have all of them asked again, the way they were asked."""
        if self.in_files:
            return "`oceanchat pending` writes them again" if self.asked_anew else RETRY_IN_FILES
        return "the next run asks for them again" if self.asked_anew else RETRY

    def record(self) -> dict[str, Any]:
        """As plain data for `--json`."""
        return {
            "rows": self.rows,
            "reasons": dict(self.reasons),
            "reply": None if self.reply is None else self.reply._asdict(),
        }


def failed_steps(store: Store, config: BuildConfig) -> tuple[FailedStep, ...]:
    """The steps of a build in which rows failed."""
    codes = [trait_level.code for trait_level in config.trait_levels]
    counts: dict[str, Counter[str]] = {"labeling": Counter(), "writing": Counter(), "checking": Counter()}
    with store.reading() as connection:
        for code in codes:
            for step, state, why, rows in build_rows.reason_counts(connection, code, config.build_name):
                if state in ("failed", "unparseable", "refused"):
                    counts[step][why if state == "failed" else state] += rows
    tasks = {
        "labeling": [config.label_task, "label"],
        "writing": list(TASKS[config.mode]),
        "checking": ["check"],
    }
    names = {"labeling": "labels", "writing": "dialogues", "checking": "checks"}
    return tuple(
        FailedStep(
            names[step],
            dict(reasons.most_common()),
            useless_reply(store, tasks[step], codes),
            config.calls.offline,
        )
        for step, reasons in counts.items()
        if reasons
    )


def why_short(outcome: Outcome, corpus: str, in_files: bool = False) -> str:
    """Why a trait-level has fewer dialogues than were asked for, and what to do."""
    funnel = outcome.funnel
    failed = funnel.candidates.get("failed", 0) + funnel.dialogues.get("failed", 0)
    failed += sum(count for state, count in funnel.seeds.items() if state != "written")
    if failed >= outcome.requested - outcome.passed:
        return f"{failed:,} rows failed; {RETRY_IN_FILES if in_files else RETRY}"
    turned_down = {s: n for s, n in funnel.dialogues.items() if s not in ("passed", "failed")}
    if turned_down and outcome.passed < FEW_PASS * outcome.written:
        state = max(turned_down, key=lambda name: turned_down[name])
        return (
            f"{sum(turned_down.values()):,} of {outcome.written:,} dialogues were turned down, most as"
            f" '{state}'; `oceanchat show --state {state}` shows them"
        )
    surplus = funnel.candidates.get("surplus", 0)
    more = f", or raise --seeds-per-essay, which frees {surplus:,} more at most" if surplus else ""
    return (
        f"the corpus '{corpus}' yielded only {sum(funnel.seeds.values()):,} seed topics (`oceanchat status`"
        f" says what became of them); add essays{more}"
    )
