"""What a store holds of a pilot.

How far each trait-level came, and by that how much fuller the build's calls about several become.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from oceanchat.errors import PromptError
from oceanchat.pipeline.build import FIRST_TOPICS
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.filling import (
    Filling,
    PilotChecks,
    Rounds,
    checks_filling,
    labels_filling,
    usable_topics,
)
from oceanchat.prompts import open_prompts
from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.store import builds as build_rows
from oceanchat.traits import TraitLevel

SAMPLE = 10
"""Dialogues of each trait-level whose words are counted."""


class PilotLevel(NamedTuple):
    """One trait-level of a pilot, in numbers of sentences, topics and dialogues."""

    labeled: int
    usable: int
    """Sentences among them that a build could take as topics."""
    chosen: int
    checked: int
    """Dialogues with a verdict."""
    passed: int

    @property
    def labels_filling(self) -> Filling:
        """How many of the usable topics the pilot took."""
        return labels_filling(self.chosen, self.usable)


def read_level(connection: Connection, config: BuildConfig, code: str) -> PilotLevel:
    """How far a trait-level of the build came."""
    counts = build_rows.state_counts(connection, code, config.build_name)
    candidates, dialogues = counts.get("candidates", {}), counts.get("dialogues", {})
    labeled = sum(candidates.values())
    fitting = build_rows.count_fitting(connection, code, config.min_strength, config.build_name)
    return PilotLevel(
        labeled,
        usable_topics(labeled, fitting, config.sentences_per_call),
        candidates.get("selected", 0),
        sum(dialogues.get(state, 0) for state in ("passed", *REJECTED_BY_CHECK)),
        dialogues.get("passed", 0),
    )


def read_fillings(
    connection: Connection, config: BuildConfig, codes: Sequence[str], check_calls: int
) -> Mapping[str, Filling]:
    """Task -> how much fuller its calls become, by what the trait-levels `codes` took."""
    levels = {code: read_level(connection, config, code) for code in codes}
    checked, passed, chosen, usable = (
        sum(getattr(level, name) for level in levels.values())
        for name in ("checked", "passed", "chosen", "usable")
    )
    if not passed:
        return {}
    live = config.asks_a_real_model  # in a batch, rounds are larger, which changes little
    topics = max(chosen, checked)
    rounds = Rounds(
        config.dialogues_per_check, FIRST_TOPICS if live else None, checked / topics, passed / topics
    )
    words = _words(connection, config, codes)
    done = tuple(level.passed for level in levels.values())
    pilot = PilotChecks(check_calls, checked, done, int(live), *words)
    missing = [
        max(0, config.count - (levels[level.code].passed if level.code in levels else 0))
        for level in config.trait_levels
    ]
    return {
        "check": checks_filling(pilot, rounds, missing),
        config.label_task: labels_filling(chosen, usable),
    }


def _words(connection: Connection, config: BuildConfig, codes: Sequence[str]) -> tuple[float, float]:
    """Words of a check's instructions, and of a dialogue in the mean."""
    try:
        instructions = len(open_prompts(config.prompts)["check"].text.split())
    except PromptError:
        instructions = 0
    levels = [TraitLevel.parse(code) for code in codes]
    some = build_rows.stored_dialogues(connection, levels, ("passed",), SAMPLE, config.build_name)
    lengths = [len(dialogue.text.split()) for dialogue in some]
    return float(instructions), sum(lengths) / len(lengths)
