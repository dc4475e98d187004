"""Choose the learning rate on the validation split.

Each of the paper's rates is trained in full, as the run itself would be, and its adapters are discarded. It
knows nothing of run folders beyond where its trials may write.
"""

from collections.abc import Sequence
from typing import Any

from transformers import set_seed

from oceanchat.time_left import TimeLeft
from preact.config import PAPER_RATES, TrainConfig
from preact.dialogues.conversation import IGNORED
from preact.training.adapters import adapt
from preact.training.running import Session, run
from preact.training.runs import CHECKPOINTS
from preact.training.stages import AdapterData
from preact.training.trainer import make_trainer
from preact.training.validation import validation_loss


def choose_rate(
    config: TrainConfig, model: Any, pad_id: int, stages: Sequence[AdapterData], session: Session
) -> TrainConfig:
    """The config with the rate of the lowest validation loss a token, over all of the run's adapters."""
    folder, processes, say = session.folder / CHECKPOINTS, session.processes, session.say
    losses: dict[float, float] = {}
    rates = ", ".join(f"{rate:g}" for rate in PAPER_RATES)
    say(f"choosing the learning rate: the whole training at each of {rates}, before the one that is kept")
    left = TimeLeft(len(PAPER_RATES) + 1)
    for rate in PAPER_RATES:
        trial = with_rate(config, rate)
        total, tokens = 0.0, 0
        for stage in stages:
            set_seed(config.seed)
            adapted = adapt(model, trial)
            target = folder / f"rate-{rate:g}" / stage.name
            trainer = make_trainer(
                trial, target, adapted, stage.training, pad_id, checkpoints=False, processes=processes
            )
            run(trainer)
            size, collator = trainer.steps.micro_batch, trainer.data_collator
            loss = validation_loss(adapted, stage.validation, collator, size, processes)
            count = sum(label != IGNORED for example in stage.validation for label in example.labels[1:])
            total, tokens = total + loss * count, tokens + count
            model = adapted.unload()
        losses[rate] = total / tokens
        say(f"learning rate {rate:g}: validation loss {losses[rate]:.4f}")
        say(f"the training that is kept included{left.after(len(losses))}")
    best = min(losses, key=lambda rate: (losses[rate], rate))
    say(f"learning rate {best:g} is chosen")
    return with_rate(config, best)


def with_rate(config: TrainConfig, rate: float) -> TrainConfig:
    """The config with this learning rate."""
    return config.model_copy(update={"recipe": config.recipe.model_copy(update={"learning_rate": rate})})
