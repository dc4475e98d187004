"""What other options of a build would save.

In US dollars, off what is still to be built.
"""

from typing import NamedTuple

from oceanchat.llm.prices import PriceTable, load_prices
from oceanchat.llm.settings import SCRIPTED
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.estimate import BuildEstimate, endpoint_of
from oceanchat.pipeline.ranges import TaskEstimate
from oceanchat.pipeline.rehearsal import rehearse
from oceanchat.pipeline.rough_estimate import rough_task

LABELING = ("label", "label_many")
MANY, MOST = 10, 50
"""Sentences in a call: a good number, and the most a call takes."""


class Saving(NamedTuple):
    """What one option would change."""

    option: str
    usd: float
    """US dollars it saves; negative: what it costs more."""


def savings_of(estimate: BuildEstimate) -> tuple[Saving, ...]:
    """What the Batch API and other numbers of sentences in a call would save; empty where that is unknown."""
    config, prices = estimate.config, load_prices(estimate.config.calls.prices)
    batch = sum(_saved_by_batch(config, task, prices) for task in estimate.tasks)
    label = sum(task.usd.value for task in estimate.tasks if task.usd and task.task in LABELING)
    savings = [Saving("--batch", batch)] if batch and not config.calls.batch else []
    now = _label_cost(config, config.sentences_per_call, prices) if label else 0.0
    if now:
        for number in _others(config.sentences_per_call):
            then = _label_cost(config, number, prices)
            savings.append(Saving(f"--sentences-per-call {number}", label * (1 - then / now)))
    return tuple(savings)


def _saved_by_batch(config: BuildConfig, task: TaskEstimate, prices: PriceTable) -> float:
    endpoint = endpoint_of(config, task.model)
    live, batched = (prices.price(endpoint, task.model, batch) for batch in (False, True))
    if task.model == SCRIPTED or task.usd is None or live is None or batched is None or not live.output:
        return 0.0
    return task.usd.value * (1 - float(batched.output / live.output))


def _others(number: int) -> tuple[int, ...]:
    """Numbers of sentences in a call to compare with this one: more of them, and one as in the paper."""
    more = min(MOST, max(MANY, 2 * number))
    return tuple(other for other in (more, 1) if other != number)


def _label_cost(config: BuildConfig, sentences_per_call: int, prices: PriceTable) -> float:
    """US dollars for labeling what one dialogue takes, so many sentences in a call; 0 where it is unknown."""
    model = config.labeler
    price = prices.price(endpoint_of(config, model), model)
    if price is None:
        return 0.0
    sizes = rehearse(config.model_copy(update={"sentences_per_call": sentences_per_call}), dialogues=1)
    rough = (rough_task(task, model, size, 1, price) for task, size in sizes.items() if task in LABELING)
    return sum(task.usd.value for task in rough if task.usd)
