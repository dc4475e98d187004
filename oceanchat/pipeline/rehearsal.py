"""Rehearse a build to size its calls.

The scripted model builds a few dialogues in a store of its own, free and in a second, with the prompts and
options of the real build. How long the prompts are is then known; how much a real model writes, and how much
of it passes, is not.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from oceanchat.errors import OceanChatError
from oceanchat.llm.settings import SCRIPTED, CallSettings
from oceanchat.pipeline.build import build, prepare
from oceanchat.pipeline.config import OPTIONAL, BuildConfig
from oceanchat.progress import Silence
from oceanchat.store import ledger_sums
from oceanchat.store.database import open_store

DIALOGUES = 12
"""So many are rehearsed: enough for calls that take several sentences or dialogues to be full."""


class CallSize(NamedTuple):
    """The calls of one task in a rehearsal."""

    calls: float
    """Per sentence labeled, or per dialogue written."""
    prompt: float
    """Words in the prompt of a call."""
    reply: float
    """Words in its reply."""


def rehearse(config: BuildConfig, dialogues: int = DIALOGUES) -> Mapping[str, CallSize]:
    """The size of the calls of each task that a build by `config` makes; empty where the scripted model does
    not get through, as with prompts of another form."""
    small = config.model_copy(
        update={
            "trait_levels": config.trait_levels[:1],
            "count": dialogues,
            "calls": CallSettings(),
            **dict.fromkeys(("build", "essays", "text_column", "author_column", "label_columns"), None),
            **dict.fromkeys(("labeler", "writer", "checker"), SCRIPTED),
            **dict.fromkeys(OPTIONAL, None),
        }
    )
    with tempfile.TemporaryDirectory(prefix="oceanchat-") as folder:
        try:
            return _sizes(small, Path(folder, "rehearsal.db"))
        except OceanChatError:
            return {}


def _sizes(config: BuildConfig, file: Path) -> Mapping[str, CallSize]:
    store = open_store(file)
    try:
        report = asyncio.run(build(prepare(config), store, Silence()))
        (outcome,) = report.outcomes
        sentences, written = sum(outcome.funnel.candidates.values()), outcome.written
        if not written:
            return {}
        sizes = {}
        with store.reading() as connection:
            for task in config.tasks:
                for row in ledger_sums.pilot_sums(connection, SCRIPTED, task):
                    calls = int(row["calls"])
                    units = sentences if task.startswith("label") else written
                    sizes[task] = CallSize(calls / units, row["prompt"] / calls, row["completion"] / calls)
        return sizes
    finally:
        store.close()
