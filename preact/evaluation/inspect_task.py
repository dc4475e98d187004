"""The interview as an inspect_ai task.

inspect eval preact/evaluation/inspect_task.py --model openai/gpt-4o --model-role grader=openai/gpt-4o

Needs the extra `inspect`. The model in the role `grader` judges. Questions, batches and judge prompts are
those of `preact interview` and `preact judge`; epochs are the runs. inspect's own reducer hides the deviation
over epochs: compute it from the log.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Any

from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, get_model
from inspect_ai.scorer import Score, Target, grouped, mean, scorer
from inspect_ai.solver import Generate, TaskState, solver

from oceanchat.facets import FACETS
from oceanchat.prompts import Message, open_prompts
from oceanchat.traits import TRAIT_LEVELS, Trait, TraitLevel
from preact.evaluation.interview.inventories import BUNDLED, Inventory, load_inventory
from preact.evaluation.judge.batches import grouped_ids
from preact.evaluation.judge.model_judge import numbered
from preact.evaluation.judge.verdicts import Pair, read_score
from preact.persona import trait_level_prompt


@task  # type: ignore[untyped-decorator]
def preact_interview(inventory: str = BUNDLED, runs: int = 5) -> Any:
    """Ten trait-levels, each interviewed on its own trait's items by persona prompt, `runs` times."""
    loaded = load_inventory(inventory)
    samples = [
        Sample(input=trait_level.label, id=trait_level.code, metadata={"trait_level": trait_level.code})
        for trait_level in TRAIT_LEVELS
    ]
    return Task(
        dataset=MemoryDataset(samples, name=loaded.name),
        solver=interviewed(loaded),
        scorer=judged(loaded),
        epochs=Epochs(runs, "mean"),
        metadata={"inventory": loaded.name, "inventory_sha256": loaded.sha256},
    )


@solver  # type: ignore[untyped-decorator]
def interviewed(inventory: Inventory) -> Any:
    """Asks every question in a fresh conversation and puts the answers, by item id, into the store."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        trait_level = TraitLevel.parse(state.metadata["trait_level"])
        setting = ChatMessageSystem(content=trait_level_prompt(trait_level))
        answers: dict[str, str] = {}
        for item in inventory.in_order(trait_level.trait, state.epoch - 1):
            output = await get_model().generate([setting, ChatMessageUser(content=item.question)])
            answers[item.id] = output.completion
        state.store.set("answers", answers)
        return state

    return solve


@scorer(metrics=[grouped(mean(), "trait_level")])  # type: ignore[untyped-decorator]
def judged(inventory: Inventory) -> Any:
    """The mean of the batches' scores, 1 to 5; unscored when no batch could be read."""

    async def score(state: TaskState, target: Target) -> Score:
        trait = TraitLevel.parse(state.metadata["trait_level"]).trait
        answers = state.store.get("answers")
        items = {item.id: item.question for item in inventory.of_trait(trait)}
        batches = grouped_ids(inventory.in_order(trait, state.epoch - 1), "batch")
        scores = [
            await _graded(trait, [Pair(items[item], answers[item]) for item in batch]) for batch in batches
        ]
        known = [value for value in scores if not math.isnan(value)]
        missing = f"{len(scores) - len(known)} of {len(scores)} batches without a score"
        if not known:
            return Score.unscored(reason="invalid_response_format", explanation=missing)
        return Score(value=statistics.fmean(known), explanation=missing)

    return score


async def _graded(trait: Trait, pairs: Sequence[Pair]) -> float:
    """One batch by the model role `grader`; NaN when its score cannot be read."""
    messages = open_prompts()["judge_batch"].fill(
        trait=trait.label,
        definition=trait.definition,
        facets="\n".join(f"{facet.id}: {facet.description}" for facet in FACETS[trait]),
        answers=numbered(pairs),
    )
    output = await get_model(role="grader").generate([_as_inspect(message) for message in messages])
    value = read_score(output.completion).value
    return math.nan if value is None else value


def _as_inspect(message: Message) -> Any:
    kind = ChatMessageSystem if message.role == "system" else ChatMessageUser
    return kind(content=message.content)
