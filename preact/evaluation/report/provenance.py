"""The report's section on how everything was produced.

Every fact that the interviews and judgings recorded, one a line. It reads headers alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from oceanchat.counting import counted
from preact.evaluation.comparison.trait_scores import ScoredInterview
from preact.evaluation.judge.judging import all_judgings
from preact.evaluation.report.page import Page
from preact.evaluation.transcripts import SKETCH


def add_provenance(page: Page, scored: Sequence[ScoredInterview]) -> None:
    """One table a system: what was asked, what answered, and who judged."""
    page.heading("Provenance")
    for entry in scored:
        header = entry.interview.header
        page.heading(f"{header.backbone} {header.model}", level=3)
        page.facts([(name, text) for name, text in _facts(entry)])


def _facts(entry: ScoredInterview) -> Iterator[tuple[str, str]]:
    header = entry.interview.header
    yield "interview begun", header.started
    yield "inventory", f"{header.inventory}, sha256 {header.inventory_sha256}"
    yield (
        "questions",
        f"{header.scope} items, {counted(header.runs, 'run')}, run k shuffled and answered with seed k",
    )
    yield from _flat("system", header.system)
    for judging in all_judgings(entry.interview.folder):
        name = f"judge {judging.header.judge} ({judging.header.mode})"
        yield f"{name}: begun", judging.header.started
        yield from _flat(name, judging.header.provenance)


def _flat(prefix: str, facts: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """One line a fact, however deep it lies: 'system: recipe.rank'; sketches of dialogues are left out."""
    for key, value in facts.items():
        if key == SKETCH:
            continue
        if isinstance(value, Mapping) and value:
            yield from _flat(prefix, value, f"{path}{key}.")
        else:
            yield f"{prefix}: {path}{key}", value if isinstance(value, str) else json.dumps(value)
