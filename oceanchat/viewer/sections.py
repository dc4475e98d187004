"""The figures of a page, section by section.

Funnel, Table 6 and lengths, costs and how it was built: each is a function of figures computed elsewhere that
gives words and tables. The paper's figures stand beside ours.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from oceanchat.counting import counted
from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.statistics.figure import SHARE, Figure
from oceanchat.statistics.length import (
    AskedLength,
    LengthFigures,
    asked_sentences,
    length_concerns,
)
from oceanchat.statistics.paper import PAPER_PASS_RATE
from oceanchat.statistics.table_six import PAPER, SummaryRow
from oceanchat.viewer.content import CountCell, PageSection, PageTable

Steps = Mapping[str, Mapping[str, int]]
"""Step -> state -> rows of one trait-level: 'candidates', 'seeds' and 'dialogues'."""
SCRIPTED_CAUTION = (
    "Scripted: the built-in scripted model wrote or checked these dialogues. They show how the pipeline"
    " works, not what a model can do."
)
_TASKS = ("label_many", "label", "theme", "write", "question", "disclose", "check")
_LABELED = ("neutral", "off-target", "surplus", "failed")


class PaidTask(NamedTuple):
    """What one model was paid for one task."""

    task: str
    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    usd: str
    """In dollars, as it is shown."""


def funnel_section(
    funnel: Mapping[str, Steps], states: Mapping[str, Mapping[str, int]], pass_rate: Figure
) -> PageSection:
    """What became of every sentence, seed topic and dialogue.

    `states` are the dialogues on the page: trait-level -> state -> how many, imported ones included.
    """
    lead = [
        "Every row ends in exactly one state. Sentences that are labeled become seed topics, seed topics are"
        " written about, and dialogues pass free gates before a checker sees them.",
        f"Pass rate of the back-validation: {pass_rate.text(SHARE)} (the paper: {PAPER_PASS_RATE:.1%}).",
    ]
    rows = [_funnel_row(code, steps) for code, steps in funnel.items()]
    headers = ("", "labeled", *_LABELED, "seed topics", "written", "gates", "checker", "passed")
    tables = [PageTable(headers, rows, "From sentences to dialogues")] if rows else []
    tables.append(_states_table(states))
    return PageSection("funnel", "Funnel", lead, tables, _funnel_bars(funnel.values()))


def _funnel_bars(funnel: Iterable[Steps]) -> list[tuple[str, int]]:
    """How many rows are left after each step, all trait-levels together; empty where nothing was built."""
    left: Counter[str] = Counter()
    for steps in funnel:
        dialogues = steps["dialogues"]
        gated = sum(count for state, count in dialogues.items() if state.startswith("gate:"))
        left["sentences labeled"] += sum(steps["candidates"].values())
        left["seed topics"] += sum(steps["seeds"].values())
        left["dialogues written"] += steps["seeds"].get("written", 0)
        left["past the gates"] += sum(dialogues.values()) - gated
        left["passed by the checker"] += dialogues.get("passed", 0)
    return list(left.items())


def _funnel_row(code: str, steps: Steps) -> list[str | CountCell]:
    candidates, seeds, dialogues = steps["candidates"], steps["seeds"], steps["dialogues"]
    gates = sum(count for state, count in dialogues.items() if state.startswith("gate:"))
    check = sum(dialogues.get(state, 0) for state in (*REJECTED_BY_CHECK, "failed"))
    figures = (
        sum(candidates.values()),
        *(candidates.get(state, 0) for state in _LABELED),
        sum(seeds.values()),
        seeds.get("written", 0),
        gates,
        check,
    )
    passed = CountCell(f"{dialogues.get('passed', 0):,}", code, "passed")
    return [code, *(f"{figure:,}" for figure in figures), passed]


def _states_table(states: Mapping[str, Mapping[str, int]]) -> PageTable:
    """How many dialogues on the page are in which state, each count a way to them."""
    known = sorted({state for counts in states.values() for state in counts}, key=state_order)
    rows: list[list[str | CountCell]] = [
        [
            state,
            *(
                CountCell(f"{counts[state]:,}", code, state) if counts.get(state) else "0"
                for code, counts in states.items()
            ),
            CountCell(f"{sum(counts.get(state, 0) for counts in states.values()):,}", state=state),
        ]
        for state in known
    ]
    return PageTable(("state", *states, "all"), rows, "Dialogues on this page, by state")


def state_order(state: str) -> tuple[int, str]:
    """Accepted first, then gates, then what the checker rejected, then the rest."""
    if state == "passed":
        return 0, state
    if state.startswith("gate:"):
        return 1, state
    return (2, state) if state in REJECTED_BY_CHECK else (3, state)


def length_section(
    table_six: Sequence[SummaryRow], length: LengthFigures, asked: AskedLength | None
) -> PageSection:
    """Table 6, and how well length alone tells the levels apart."""
    counts = [
        (
            row.trait_level,
            f"{row.dialogues:,.0f}",
            f"{PAPER[row.trait_level].dialogues:,.0f}",
            f"{row.turns:.2f}",
            f"{PAPER[row.trait_level].turns:.2f}",
            f"{row.words_a_turn:.2f}",
            f"{PAPER[row.trait_level].words_a_turn:.2f}",
        )
        for row in table_six
    ]
    headers = ("", "dialogues", "paper", "turns", "paper", "words a turn", "paper")
    tables = [PageTable(headers, counts, "Table 6")] if counts else []
    if length.words:
        rows = [
            (trait, words.text(), length.exchanges[trait].text()) for trait, words in length.words.items()
        ]
        named = ("trait", "words an answer (95 % interval)", "exchanges (95 % interval)")
        tables.append(PageTable(named, rows, "How often high is longer than low"))
    lead = ["A turn is one utterance. The paper's figures stand beside ours."]
    if length.words:
        lead.append(
            "Where 0.5 is the share of pairs in which the high level is longer, length says nothing about the"
            " level; 1 or 0 would give it away."
        )
    lead += [*length_concerns(length), *(asked_sentences(asked) if asked else ())]
    return PageSection("lengths", "Lengths", lead, tables)


def costs_section(paid: Iterable[PaidTask], total: str, note: str) -> PageSection:
    """What was asked of which model, and its price."""
    rows = [
        (
            line.task,
            line.model,
            f"{line.calls:,}",
            f"{line.prompt_tokens:,}",
            f"{line.completion_tokens:,}",
            line.usd,
        )
        for line in sorted(paid, key=lambda line: (_stage(line.task), line.task, line.model))
    ]
    headers = ("task", "model", "calls", "prompt tokens", "completion tokens", "cost")
    if not rows:
        return PageSection("costs", "Costs", ["No call of a model is known."], ())
    return PageSection("costs", "Costs", [f"All calls together: {total}. {note}"], [PageTable(headers, rows)])


def _stage(task: str) -> int:
    """The place of a task in a build; what is no part of one comes last."""
    return _TASKS.index(task) if task in _TASKS else len(_TASKS)


def recipe_section(facts: Sequence[tuple[str, str]]) -> PageSection:
    """Where the dialogues come from and how they were made."""
    return PageSection("recipe", "How it was made", (), [PageTable(("", ""), facts)])


def corpus_fact(name: str, essays: int, sentences: int) -> tuple[str, str]:
    """A corpus as a line of the recipe."""
    return "corpus", f"{name}: {counted(essays, 'essay')}, {counted(sentences, 'sentence')}"


def figure_row(name: str, figure: Figure, form: str) -> tuple[str, str, str, str]:
    """A figure as a row: name, value, interval and note."""
    return name, *figure.cells(form), figure.note


def no_agreement(reason: str) -> PageSection:
    """The section on annotators where there is nothing to show, and why."""
    return PageSection("agreement", "Agreement", [reason], ())
