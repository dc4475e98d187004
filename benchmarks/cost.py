"""What a dialogue that passes costs in calls and tokens, at the defaults and as it was before.

    python benchmarks/cost.py [--essays PATH] [--count 20] [--dialogues DIALOGUES.jsonl]

Builds all ten trait-levels twice with the scripted model, in fresh stores: one sentence a label call, one
dialogue a check and sentences in the order drawn, as builds were made before; then at today's defaults. The
prompts are the same. Tokens are estimated from words, so that the ratios hold rather than the sums. With
DIALOGUES.jsonl (trait, level, seed, turns) it also says how often the scripted labeler and checker decide
otherwise about several at once than about each alone; how often a real model does is for
`oceanchat estimate --pilot` to say.
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from oceanchat.llm.chat import ChatAnswer, ChatRequest
from oceanchat.pipeline import first_person
from oceanchat.pipeline.back_validation import Checker
from oceanchat.pipeline.build import build, prepare
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.labeling import Labeler, OrderedSentence
from oceanchat.pipeline.rough_estimate import PROMPT_TOKENS
from oceanchat.progress import Silence
from oceanchat.prompts import open_prompts
from oceanchat.records import Candidate, Dialogue, Sentence, Turn
from oceanchat.scripted.model import ScriptedModel
from oceanchat.store import ledger_sums
from oceanchat.store.database import open_store
from oceanchat.traits import TRAIT_LEVELS, TRAITS, Level, Trait

BEFORE = {"sentences_per_call": 1, "dialogues_per_check": 1}
MOST_TOKENS, MOST_DIFFERENT = 0.5, 0.05
T = TypeVar("T")


class Spent(NamedTuple):
    """The calls and tokens of one task."""

    calls: int
    tokens: float


NOTHING = Spent(0, 0.0)


class Costs(NamedTuple):
    """What one build took."""

    passed: int
    labeled: int
    tasks: dict[str, Spent]

    @property
    def total(self) -> Spent:
        """All tasks together."""
        return Spent(sum(s.calls for s in self.tasks.values()), sum(s.tokens for s in self.tasks.values()))


def costs(essays: str | None, count: int, **options: int) -> Costs:
    """Build all trait-levels in a store of its own."""
    config = BuildConfig(trait_levels=TRAIT_LEVELS, count=count, essays=essays, **options)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder, "cost.db"))
        report = asyncio.run(build(prepare(config), store, Silence()))
        tasks: dict[str, Spent] = defaultdict(lambda: NOTHING)
        with store.reading() as connection:
            for task in config.tasks:
                for row in ledger_sums.pilot_sums(connection, "scripted", task):
                    words = row["prompt"] + row["completion"]
                    calls, tokens = tasks[task]
                    tasks[task] = Spent(calls + row["calls"], tokens + words * PROMPT_TOKENS.value)
        store.close()
    labeled = sum(sum(outcome.funnel.candidates.values()) for outcome in report.outcomes)
    return Costs(sum(outcome.passed for outcome in report.outcomes), labeled, dict(tasks))


def costs_before(essays: str | None, count: int) -> Costs:
    """The same as builds were made before."""
    known = first_person.is_first_person
    first_person.is_first_person = lambda text: False
    try:
        return costs(essays, count, **BEFORE)
    finally:
        first_person.is_first_person = known


class Unrecorded(ScriptedModel):
    """The scripted model without a ledger."""

    async def stored_answer(self, request: ChatRequest) -> ChatAnswer | None:
        """None: nothing is stored."""

    def store_share(self, request: ChatRequest, text: str) -> None:
        """Store nothing."""

    def record_outcome(self, request: ChatRequest, outcome: str | None) -> None:
        """Record nothing."""


def in_groups(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """The items in order, `size` at a time."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def different_labels(lines: Sequence[dict[str, str]], together: int) -> Iterator[bool]:
    """For each seed sentence whether its label among others is another than alone."""
    prompts = open_prompts()
    for trait in TRAITS:
        seeds = [line["seed"] for line in lines if line["trait"] == trait]
        entries = [
            OrderedSentence(
                number, Sentence(id=str(number), essay_id="", author="", start=0, end=0, text=seed)
            )
            for number, seed in enumerate(seeds)
        ]

        def ask(
            size: int, trait: Trait = trait, entries: Sequence[OrderedSentence] = entries
        ) -> list[Candidate]:
            template = prompts["label" if size == 1 else "label_many"]
            labeler = Labeler(Unrecorded(), template, trait, "", 3, size, alone=prompts["label"])
            return asyncio.run(labeler.label(in_groups(entries, size)))

        for alone, among in zip(ask(1), ask(together), strict=True):
            yield (alone.facet, alone.level, alone.strength) != (among.facet, among.level, among.strength)


def different_verdicts(lines: Sequence[dict[str, object]], together: int) -> Iterator[bool]:
    """For each dialogue whether its verdict among others is another than alone."""
    by_code: dict[str, list[Dialogue]] = defaultdict(list)
    for number, line in enumerate(lines):
        dialogue = Dialogue(
            id=str(number),
            trait=Trait(line["trait"]),
            level=Level(line["level"]),
            turns=tuple(Turn.model_validate(turn) for turn in line["turns"]),  # type: ignore[attr-defined]
        )
        by_code[dialogue.trait_level.code].append(dialogue)
    for dialogues in by_code.values():

        async def ask(size: int, dialogues: Sequence[Dialogue] = dialogues) -> list[Dialogue]:
            checker = Checker(Unrecorded(), open_prompts()["check"], "strict", 3, None, size)
            groups = [await checker.validate_together(group) for group in in_groups(dialogues, size)]
            return [dialogue for group in groups for dialogue in group]

        for alone, among in zip(asyncio.run(ask(1)), asyncio.run(ask(together)), strict=True):
            yield alone.state != among.state


def report(before: Costs, now: Costs) -> None:
    """The table of both builds, for each dialogue that passed."""
    print("| for each dialogue that passes | before | now |\n|---|---|---|")
    print(f"| sentences labeled | {before.labeled / before.passed:.1f} | {now.labeled / now.passed:.1f} |")
    for task in dict.fromkeys((*before.tasks, *now.tasks)):
        print(f"| {task} | {' | '.join(_cell(c.tasks.get(task, NOTHING), c) for c in (before, now))} |")
    print(f"| **all** | {_cell(before.total, before)} | {_cell(now.total, now)} |")
    share = (now.total.tokens / now.passed) / (before.total.tokens / before.passed)
    target = f"target: at most {MOST_TOKENS:.0%}"
    print(f"\nTokens now: {share:.0%} of before ({target}), {verdict(share, MOST_TOKENS)}")


def _cell(spent: Spent, build: Costs) -> str:
    return f"{spent.calls / build.passed:.2f} calls, {spent.tokens / build.passed:,.0f} tokens"


def verdict(share: float, most: float) -> str:
    """Whether a target is met."""
    return "met" if share <= most else "MISSED"


def main() -> None:
    """Print the table and the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--essays")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--dialogues", type=Path)
    arguments = parser.parse_args()
    report(costs_before(arguments.essays, arguments.count), costs(arguments.essays, arguments.count))
    if arguments.dialogues is not None:
        lines = [json.loads(line) for line in arguments.dialogues.read_text().splitlines()]
        defaults = BuildConfig(trait_levels=TRAIT_LEVELS)
        sentences, dialogues = defaults.sentences_per_call, defaults.dialogues_per_check
        report_differences(f"{sentences} labels a call", different_labels(lines, sentences))
        report_differences(f"{dialogues} verdicts a call", different_verdicts(lines, dialogues))


def report_differences(what: str, different: Iterator[bool]) -> None:
    """How many differ."""
    counted = Counter(different)
    share = counted[True] / counted.total()
    counts = f"{counted[True]} of {counted.total()} ({share:.1%}; target: at most {MOST_DIFFERENT:.0%})"
    print(f"{what} that differ from one a call: {counts}, {verdict(share, MOST_DIFFERENT)}")


if __name__ == "__main__":
    main()
