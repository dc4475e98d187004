"""How a build's cost grows with its size.

Everything here is a number of dialogues times what one of them takes: calls, tokens and US dollars from an
estimate, rows, bytes, seconds and memory from constants that `benchmarks/unit_costs.py` measures. `LIMITS`
says what gives way and at which size; docs/scale.md prints both.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.estimate import BuildEstimate, finite
from oceanchat.pipeline.ranges import NO_USAGE, Range
from oceanchat.pipeline.rough_estimate import WRITTEN

REQUESTS_A_MINUTE = 500.0
"""Assumed where the build has no --rpm."""

CORPUS_BYTES = 255.0
"""In the store, of a sentence with its part of its essay."""
LEDGER_BYTES = 730.0
"""Of a call's row, or of the share of one sentence or dialogue in a call about several."""
CANDIDATE_BYTES = 150.0
"""Of a labeled sentence's row."""
WRITTEN_BYTES = 4_000.0
"""Of the two rows of a written dialogue and its seed topic."""
RELEASE_BYTES = 450.0
"""Of a dialogue in a release's Parquet files."""
DRIVER_SECONDS = 0.025
"""CPU time of the process that builds, a dialogue that passes, beside the endpoint's client."""
CLIENT_SECONDS = 0.003
"""CPU time of that client a call, from `benchmarks/endpoint.py`."""
DRIVER_BYTES = 3_200.0
"""Memory of that process, a dialogue that passes, from `benchmarks/build_memory.py`; results wait on disk."""

GB = 1e9
HOUR = 3600.0


class Growth(NamedTuple):
    """What a build of some number of dialogues takes."""

    dialogues: int
    calls: Range
    tokens: Range | None
    """None where the model's token counts are unknown."""
    usd: Range | None
    """None where the cost is unknown."""
    requests_a_minute: float
    hours: Range
    """Of asking, at that many requests and, where the build has --tpm, so many tokens a minute."""
    sentences: Range
    """Labeled for a trait-level, in the mean."""
    corpus_sentences: Range
    """That the corpus must hold: by a pilot for the trait-level that finds fewest, else in the mean."""
    rows: Range
    """In the store, those of the corpus included."""
    store_bytes: Range
    release_bytes: float
    driver_hours: float
    """CPU time of the process that builds."""
    driver_bytes: float
    """Memory of that process."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`; a figure without an upper end has null there."""
        figures: dict[str, Any] = finite(
            {
                name: value._asdict() if isinstance(value, Range) else value
                for name, value in self._asdict().items()
            }
        )
        return figures | {"reached": [limit.as_json(self) for limit in reached(self)]}


def growth(estimate: BuildEstimate, dialogues: int | None = None) -> Growth:
    """What so many dialogues take by what the estimate says of one; None: the estimate's own number."""
    number = estimate.missing if dialogues is None else dialogues
    factor = number / estimate.missing if estimate.missing else 0.0
    config, total = estimate.config, estimate.total
    calls = total.calls.scaled(factor)
    tokens = total.tokens.scaled(factor) if total.tokens else None
    labeled, written = (count.scaled(factor) for count in _labeled_and_written(estimate))
    a_trait_level = 1 / max(1, len(config.trait_levels))
    # The two levels of a trait label the same sentences and share the answers.
    sentences = labeled.scaled(a_trait_level)
    shares = (labeled if config.sentences_per_call > 1 else NO_USAGE).plus(
        written if config.dialogues_per_check > 1 else NO_USAGE
    )
    ledger = calls.plus(shares)
    sizes = (
        (sentences, CORPUS_BYTES),
        (ledger, LEDGER_BYTES),
        (labeled, CANDIDATE_BYTES),
        (written, WRITTEN_BYTES),
    )
    store_bytes = NO_USAGE
    for count, size in sizes:
        store_bytes = store_bytes.plus(count.scaled(size))
    return Growth(
        dialogues=number,
        calls=calls,
        tokens=tokens,
        usd=total.usd.scaled(factor) if total.usd else None,
        requests_a_minute=config.calls.rpm or REQUESTS_A_MINUTE,
        hours=_hours(config, calls, tokens),
        sentences=sentences,
        corpus_sentences=estimate.scarcest if estimate.scarcest and dialogues is None else sentences,
        rows=sentences.plus(ledger).plus(labeled).plus(written.scaled(2)),
        store_bytes=store_bytes,
        release_bytes=number * RELEASE_BYTES,
        driver_hours=(number * DRIVER_SECONDS + calls.value * CLIENT_SECONDS) / HOUR,
        driver_bytes=number * DRIVER_BYTES,
    )


def _labeled_and_written(estimate: BuildEstimate) -> tuple[Range, Range]:
    """Sentences labeled and dialogues written, from the calls that these take."""
    config = estimate.config
    calls: Mapping[str, Range] = {task.task: task.calls for task in estimate.tasks}
    labeled = calls.get("label", NO_USAGE).plus(
        calls.get("label_many", NO_USAGE).scaled(config.sentences_per_call)
    )
    written = calls.get("write") or calls.get("theme") or WRITTEN.scaled(estimate.missing)
    return labeled, written


def _hours(config: BuildConfig, calls: Range, tokens: Range | None) -> Range:
    """Of asking, at the slower of the two rates."""
    by_calls = calls.scaled(1 / (config.calls.rpm or REQUESTS_A_MINUTE) / 60)
    if config.calls.tpm is None or tokens is None:
        return by_calls
    by_tokens = tokens.scaled(1 / config.calls.tpm / 60)
    return Range(*map(max, by_calls, by_tokens))


class Limit(NamedTuple):
    """Something that gives way as a build grows."""

    what: str
    """As a noun, with the amount it takes."""
    amount: Callable[[Growth], float]
    """How much of it a build takes."""
    most: float
    then: str
    """What to do beyond it."""

    def dialogues(self, growth: Growth) -> int:
        """The number of dialogues that takes all of it; all amounts grow in proportion."""
        return int(self.most / self.amount(growth) * growth.dialogues)

    def as_json(self, growth: Growth) -> dict[str, Any]:
        """For `--json`."""
        return {"what": self.what, "dialogues": self.dialogues(growth), "then": self.then}


LIMITS = (
    Limit(
        "57,089 sentences, a corpus like Essays",
        lambda growth: growth.sentences.value,
        57_089,
        "give --essays a larger corpus",
    ),
    Limit(
        "1,000 hours of people, if three validate every dialogue at 20 s each",
        lambda growth: growth.dialogues * 3 * 20 / HOUR,
        1000,
        "let them validate a sample (`oceanchat sample`)",
    ),
    Limit(
        "16 GB of memory in the process that builds",
        lambda growth: growth.driver_bytes,
        16 * GB,
        "build trait-levels one by one, or the corpus in parts, each part a build of its own name",
    ),
    Limit(
        "a day of CPU time in the process that builds",
        lambda growth: growth.driver_hours,
        24,
        "let several processes build trait-levels of their own on one PostgreSQL store",
    ),
    Limit(
        "a SQLite file of 100 GB",
        lambda growth: growth.store_bytes.value,
        100 * GB,
        "keep the store in PostgreSQL",
    ),
    Limit(
        "a file of 50 GB on the Hub",
        lambda growth: 0.8 * growth.release_bytes,
        50 * GB,
        "release trait-levels as datasets of their own",
    ),
)
"""What gives way; the first at the smallest size."""


def reached(growth: Growth) -> tuple[Limit, ...]:
    """The limits that a build of this size passes, the first to give way first."""
    passed = [limit for limit in LIMITS if limit.amount(growth) > limit.most]
    return tuple(sorted(passed, key=lambda limit: limit.dialogues(growth)))
