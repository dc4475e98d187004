"""Tables about money on stdout.

They hold estimates, costs, retries and batches. It shows what it is handed and decides nothing.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from rich import filesize

from oceanchat.cli.display.counters import dollars
from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.display.tables import print_table, table_fits
from oceanchat.counting import counted
from oceanchat.llm.bills import BillFigure, BillReport
from oceanchat.llm.costs import KINDS, CostLine, CostReport, add_up
from oceanchat.llm.settings import known_endpoint
from oceanchat.pipeline.corpus_size import CorpusSize
from oceanchat.pipeline.estimate import BuildEstimate
from oceanchat.pipeline.growth import Growth, reached
from oceanchat.pipeline.one_by_one import PilotComparison
from oceanchat.pipeline.ranges import Range, TaskEstimate
from oceanchat.pipeline.retry import RetryReport
from oceanchat.pipeline.rough_estimate import assumptions
from oceanchat.pipeline.savings import Saving
from oceanchat.statistics.figure import SHARE

_TASKS = ("label", "label_many", "theme", "write", "question", "disclose", "check")

_UNITS = ((3600.0, "seconds"), (60.0, "minutes"), (1.0, "hours"))
"""Factor from hours -> unit, the smallest first."""
_UNTIL = {"seconds": 90.0, "minutes": 90.0, "hours": math.inf}
"""Unit -> the number from which the next larger one is easier to read."""

NEARLY_FULL = 0.75
"""From this share of a build's filling on, the calls of a pilot are like those of the build."""

Form = Callable[[float], str]


def _count(number: float) -> str:
    """A number of calls or tokens; '' where there is no end to it."""
    return f"{number:,.0f}" if math.isfinite(number) else ""


def _usd(amount: float) -> str:
    return dollars(Decimal(repr(amount))) if math.isfinite(amount) else ""


def print_estimate(
    estimate: BuildEstimate, savings: Sequence[Saving] = (), comparison: PilotComparison | None = None
) -> None:
    """A forecast, one row per task, what it rests on, what other options would save, and what shared calls
    change."""
    rows = [_estimate_row(task, estimate.rough) for task in estimate.tasks]
    if len(rows) > 1:
        rows.append(_estimate_row(estimate.total, estimate.rough))
    print_sentence(f"{counted(estimate.missing, 'dialogue')} still to be built.")
    print_table(("task", "model", "calls", "tokens", "cost"), rows)
    print_sentence(_ground(estimate))
    for saving in savings:
        print_sentence(_saving(saving))
    if comparison:
        _print_comparison(comparison)
    batch = ", at the Batch API's discount" if estimate.config.calls.batch else ""
    print_sentence(f"Prices of {estimate.price_date}{batch}.")


def _print_comparison(comparison: PilotComparison) -> None:
    """What shared calls change, and what it took to know."""
    for what, difference in (("label", comparison.labels), ("verdict", comparison.verdicts)):
        if difference.total:
            print_sentence(
                f"Asked for one by one, {difference.different} of {counted(difference.total, what)} differ:"
                f" {difference.share.text(SHARE)}."
            )
    if comparison.usage.answered:
        print_sentence(
            f"Asking again took {counted(comparison.usage.answered, 'call')} and {comparison.usage.cost},"
            " beside what the pilot's dialogues cost."
        )


def print_growth(growth: Growth, rough: bool, corpus: CorpusSize | None = None) -> None:
    """How long asking takes, what the corpus must hold and does, what the store and a release come to, and
    what gives way at that size."""

    def shown(figure: Range | float, form: Form = _count) -> str:
        return _figure(figure if isinstance(figure, Range) else Range(figure, figure, figure), form, rough)

    print_sentence(f"At {growth.requests_a_minute:,g} requests a minute: {_duration(growth.hours, rough)}.")
    print_sentence(
        f"Sentences the corpus must hold: {shown(growth.corpus_sentences)}{_holds(corpus, growth)}."
        f" Store: {shown(growth.rows)} rows, {shown(growth.store_bytes, _bytes)}."
        f" Release: {shown(growth.release_bytes, _bytes)}."
        f" The process that builds: {_duration(growth.driver_hours, rough)} of CPU time,"
        f" {shown(growth.driver_bytes, _bytes)} of memory beyond what it starts with."
    )
    for limit in reached(growth):
        first = _count(_rounded(limit.dialogues(growth)))
        print_sentence(f"From {first} dialogues on it takes more than {limit.what}: {limit.then}.")


def print_pace(growth: Growth, pace: float) -> None:
    """How long asking takes at a pilot's own calls a second."""
    print_sentence(
        f"At the pilot's own pace, {_small(pace)} calls a second:"
        f" {_duration(growth.calls.scaled(1 / (3600 * pace)), False)}; a small pilot keeps a server less busy"
        " than the build will."
    )


def _holds(corpus: CorpusSize | None, growth: Growth) -> str:
    """How many sentences the corpus does hold, and what to do where they may be too few."""
    if corpus is None:
        return ""
    number = f"{corpus.sentences:,}" if corpus.counted else f"about {_count(_rounded(corpus.sentences))}"
    ends = [end for end in growth.corpus_sentences if math.isfinite(end)]
    if corpus.sentences >= max(ends):
        return f"; it holds {number}"
    verdict = "is probably" if corpus.sentences < min(ends) else "may be"
    return f"; it holds {number}, which {verdict} too few: lower --count, or give --essays a larger one"


def _duration(hours: Range | float, rough: bool) -> str:
    """A time, or one with its ends, in the unit that suits it."""
    span = hours if isinstance(hours, Range) else Range(hours, hours, hours)
    size = span.value if math.isfinite(span.value) else span.low
    factor, unit = next((each for each in _UNITS if size * each[0] < _UNTIL[each[1]]), _UNITS[-1])
    text = _figure(span.scaled(factor), _small, rough)
    return f"{text} {unit if text != '1' else unit.removesuffix('s')}"


def _small(number: float) -> str:
    """A number with two digits where it is small."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}" if math.isfinite(number) else ""


def _bytes(size: float) -> str:
    return filesize.decimal(round(size)).replace(".0 ", " ") if math.isfinite(size) else ""


def forecast(estimate: BuildEstimate) -> str:
    """What a build will still take, in one sentence or two."""
    total, rough = estimate.total, estimate.rough
    calls = f"{_figure(total.calls, _count, rough)} calls"
    tokens = "" if total.tokens is None else f" and {_figure(total.tokens, _count, rough)} tokens"
    cost = "at an unknown price" if total.usd is None else f"for about {_figure(total.usd, _usd, rough)}"
    dialogues = counted(estimate.missing, "dialogue")
    return f"{dialogues} will take about {calls}{tokens}, {cost}. {_ground(estimate)}"


def _ground(estimate: BuildEstimate) -> str:
    """What a forecast rests on."""
    if estimate.pilot_dialogues:
        return (
            f"From {counted(estimate.pilot_dialogues, 'dialogue')} in the ledger; 95 % intervals in"
            f" brackets.{_fuller(estimate)}"
        )
    if any(task.tokens is None for task in estimate.tasks):
        return "No pilot with these models yet, so only lower bounds are known; add --pilot 5 to estimate."
    return (
        f"Rough, without a pilot: from the prompts' lengths and prices, with {'; '.join(assumptions())}."
        " `oceanchat estimate --pilot 3` measures it."
    )


def _fuller(estimate: BuildEstimate) -> str:
    """How much fuller the build's calls are counted than the pilot's; '' where they are about the same."""
    parts = []
    if (checks := estimate.checks).calls < NEARLY_FULL:
        own = _small(checks.build)
        noun = "dialogue" if own == "1" else "dialogues"
        parts.append(f"{own} {noun} in a check call (the pilot: {_small(checks.pilot)})")
    if (labels := estimate.labels).calls < NEARLY_FULL:
        topics = counted(round(labels.build), "topic")
        parts.append(f"{topics} from the sentences of which the pilot took {_small(labels.pilot)}")
    return f" A larger build fills its calls: counted are {' and '.join(parts)}." if parts else ""


def _saving(saving: Saving) -> str:
    change = "save" if saving.usd >= 0 else "cost"
    more = "" if saving.usd >= 0 else " more"
    return f"{saving.option} would {change} about {_usd(_rounded(abs(saving.usd)))}{more}."


def _estimate_row(task: TaskEstimate, rough: bool) -> tuple[str, ...]:
    figures = ((task.calls, _count), (task.tokens, _count), (task.usd, _usd))
    show = _ends if rough else _figure
    return task.task, task.model, *("unknown" if f is None else show(f, form, rough) for f, form in figures)


def _figure(figure: Range, form: Form, rough: bool) -> str:
    """A figure with its ends in brackets."""
    value, low, high = (form(_rounded(end) if rough else end) for end in figure)
    return value if low == high else f"{value} ({low} to {high})" if high else f"at least {low}"


def _ends(figure: Range, form: Form, rough: bool) -> str:
    """The ends of a figure alone."""
    _, low, high = (form(_rounded(end) if rough else end) for end in figure)
    return low if low == high else f"{low} to {high}" if high else f"at least {low}"


def _rounded(figure: float) -> float:
    """Two digits: a rough figure has no more."""
    if not math.isfinite(figure) or figure == 0:
        return figure
    return round(figure, 1 - math.floor(math.log10(figure)))


def print_costs(report: CostReport) -> None:
    """What was paid, by stage, model and trait-level, and the sum."""
    lines = sorted(report.lines.items(), key=lambda item: (_stage_order(item[0].task), item[0]))
    names = _model_names(report)
    rows = [
        (key.task, names[key.model, key.endpoint], key.trait_level, *_cost_cells(line)) for key, line in lines
    ]
    total = report.total
    rows.append(("all", "", "", *_cost_cells(total)))
    headers = ("stage", "model", "", "calls", "tokens", *KINDS, "paid")
    if table_fits(headers, rows):
        print_table(headers, rows)
    else:
        _print_narrow(headers, rows, report)
    if total.kinds["lost"].calls:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.lost_reasons.items())
        print_sentence(
            f"Possibly paid: {counted(total.kinds['lost'].calls, 'attempt')} ({reasons}) that may have been"
            f" billed and brought no answer; 'lost' is their upper bound, the provider's bill decides."
        )
    if total.paid.cached_tokens:
        print_sentence(f"Of the prompt tokens {total.paid.cached_tokens:,} came from the provider's cache.")
    if report.in_flight:
        print_sentence(f"In flight now: {report.in_flight:,} (not in the table).")
    print_sentence(f"Prices of {report.price_date}.")
    if report.without_price:
        models = ", ".join(f"'{model}' at {_host(model, url, report)}" for model, url in report.without_price)
        print_sentence(f"No price is known of {models}: --prices FILE names a table that has it.")


def _model_names(report: CostReport) -> dict[tuple[str, str], str]:
    """Model and endpoint -> what the table calls it; the endpoint is named where a model was at several."""
    pairs = {(key.model, key.endpoint) for key in report.lines}
    endpoints = Counter(model for model, _ in pairs)
    return {
        (model, url): f"{model} at {_host(model, url, report)}" if endpoints[model] > 1 else model
        for model, url in pairs
    }


def _host(model: str, endpoint: str, report: CostReport) -> str:
    """The host that answered, as far as it is known."""
    if known_endpoint(endpoint, model, in_files=report.in_files) is None:
        return "an engine that no --base-url named"
    return urlsplit(endpoint).netloc or endpoint


def _print_narrow(headers: Sequence[str], rows: Sequence[Sequence[Any]], report: CostReport) -> None:
    """The same for a narrow terminal: what was paid, and below it what became of it, by stage."""
    first, kinds = len(headers) - len(KINDS) - 1, slice(-len(KINDS) - 1, -1)
    print_table((*headers[:first], "paid"), [(*row[:first], row[-1]) for row in rows])
    print_sentence("")
    stages: dict[str, list[CostLine]] = {}
    for key, line in report.lines.items():
        stages.setdefault(key.task, []).append(line)
    ordered = sorted(stages.items(), key=lambda item: _stage_order(item[0]))
    sums = [*((stage, add_up(lines)) for stage, lines in ordered), ("all", report.total)]
    print_table(("stage", *KINDS), [(stage, *_cost_cells(line)[kinds]) for stage, line in sums])


def _stage_order(task: str) -> int:
    return _TASKS.index(task) if task in _TASKS else len(_TASKS)


def _cost_cells(line: CostLine) -> tuple[Any, ...]:
    paid = line.paid
    kinds = (f"{line.kinds[kind].calls:,} {line.kinds[kind].text}" for kind in KINDS)
    return paid.calls, paid.prompt_tokens + paid.completion_tokens, *kinds, paid.text


def print_bill(report: BillReport, days: tuple[date, date] | None) -> None:
    """The ledger's figures beside the provider's, and how the export was read."""
    print_sentence("")
    rows = [
        (
            line.model,
            line.figure.replace("_", " "),
            "unknown" if line.ledger is None else _amount(line, line.ledger),
            _amount(line, line.possibly_more),
            _amount(line, line.provider),
            {True: "agrees", False: _difference(line), None: "unknown here"}[line.agrees],
        )
        for line in report.comparisons
    ]
    print_table(("model", "", "ledger", "possibly more", "provider", ""), rows)
    bill = report.bill
    if report.foreign:
        print_sentence(f"In the export, but not in this store: {', '.join(report.foreign)}.")
    read = (f"{thing.replace('_', ' ')} from '{' + '.join(names)}'" for thing, names in bill.columns.items())
    print_sentence(f"Columns read: {', '.join(read)}.")
    if bill.left_out:
        print_sentence(f"Rows of other days, left out: {bill.left_out:,}.")
    if days:
        first, last = days
        theirs = f", the export's from {bill.days[0]} to {bill.days[1]}" if bill.days else ""
        same = "--from and --to compare the same days" if bill.days else "export the same days"
        print_sentence(
            f"The store's calls are from {first} to {last}{theirs} (UTC); {same}. The export must be of the"
            f" same project or key."
        )


def _amount(line: BillFigure, amount: Decimal) -> str:
    return f"${amount:,.4f}" if line.figure == "usd" else f"{amount:,.0f}"


def _difference(line: BillFigure) -> str:
    more = line.provider - (line.ledger or 0)
    return f"{_amount(line, abs(more))} {'more' if more > 0 else 'fewer' if line.figure != 'usd' else 'less'}"


def print_retry(report: RetryReport, asked: int) -> None:
    """How asking again went."""
    if not asked:
        return print_sentence("There are no failed requests to send again.")
    print_sentence(
        f"{counted(asked, 'request')} sent again: {report.answered:,} answered,"
        f" {sum(report.failed.values()):,} failed"
    )
    for reason, count in report.failed.most_common():
        print_sentence(f"  {count:,} {reason}")
    print_sentence(f"Cost {report.usage.cost}. Run the same build again to use the answers.")


def print_batches(rows: Sequence[dict[str, Any]]) -> None:
    """The batches of a store, oldest first."""
    if not rows:
        return print_sentence("No batches.")
    cells = [
        (
            row["remote_id"] or f"({row['batch'][:12]})",
            row["state"],
            row["answered"],
            row["requests"],
            row["model"],
            f"{datetime.fromtimestamp(row['created_at'], UTC):%Y-%m-%d %H:%M}",
            row["message"] or "",
        )
        for row in rows
    ]
    print_table(("batch", "state", "answered", "of", "model", "since (UTC)", ""), cells)
