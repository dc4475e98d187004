"""Build the tiny backbone of a run.

From the run's own dialogues and what else there is to read, with a checkpoint in the run folder, so that a
run stopped here goes on. What the backbone is like is known to preact/backbones.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from oceanchat.counting import counted
from oceanchat.time_left import TimeLeft, duration
from preact.backbones import tiny
from preact.backbones.pretraining import Checkpoint
from preact.config import TrainConfig
from preact.dialogues.release import TrainingDialogue
from preact.training.progress import StepTaken, clock
from preact.training.running import Session
from preact.training.runs import CHECKPOINTS

_TIMED_STEPS = 3
"""Steps after which it is said how long the backbone will take."""
TRIED_STEPS = 2
"""Steps of a dry run: the first also prepares, the second is timed."""


def backbone_checkpoint(folder: Path) -> Path:
    """Where a run folder holds the checkpoint of its backbone's pre-training."""
    return folder / CHECKPOINTS / "backbone.pt"


def build_tiny(
    config: TrainConfig, saved: Path, dialogues: Sequence[TrainingDialogue], session: Session
) -> None:
    """Pre-train the tiny backbone into the folder `saved`, unless it is there."""
    if tiny.is_tiny(str(saved)):
        return
    shape = config.tiny
    texts = [text for source in config.pretrain_texts for text in tiny.read_texts(source)]
    tried = f" of its {session.tiny_steps:,}" if session.tiny_steps > shape.steps else ""
    session.say(
        f"building the tiny backbone from {counted(len(dialogues), 'dialogue')} and"
        f" {counted(len(texts), 'more text')}: {shape.steps:,}{tried}"
        f" step{'s' * (max(shape.steps, session.tiny_steps) != 1)} of"
        f" {shape.batch * shape.width:,} tokens,"
        f" learning rate {shape.learning_rate:g}, {config.recipe.precision}"
    )
    conversations = [tiny.conversation([(m.role, m.content) for m in d.messages]) for d in dialogues]
    checkpoint = Checkpoint(backbone_checkpoint(session.folder))
    checkpoint.file.parent.mkdir(exist_ok=True)
    built = tiny.build(
        texts,
        conversations,
        shape=shape,
        seed=config.seed,
        mixed=config.recipe.precision == "mixed",
        progress=_progress(session),
        checkpoint=checkpoint,
    )
    tiny.save(built, saved, shape, config.seed)
    checkpoint.file.unlink(missing_ok=True)


def _progress(session: Session) -> Callable[[int, int, float], None]:
    """Says once how long the backbone will take, then how far it is."""
    first, left = 0, TimeLeft(0)

    def progress(step: int, steps: int, loss: float) -> None:
        nonlocal first, left
        if not first:
            # The first step also prepares: the clock starts behind it.
            first, left = step, TimeLeft(max(steps, session.tiny_steps), done=step)
            if step > 1:
                session.say(f"the tiny backbone goes on after step {step - 1}")
        elif session.tiny_steps > step == steps:
            session.tiny_seconds.append(left.seconds(step))
            session.say(
                f"time: roughly {duration(left.seconds(step))} for the tiny backbone's"
                f" {session.tiny_steps:,} steps, before those of the method; --pretrain-steps lowers it"
            )
        elif step == first + _TIMED_STEPS and step < steps:
            session.say(f"the tiny backbone will take about {duration(left.seconds(step))}")
        if step in (1, 5, 20, steps) or step % 50 == 0:
            shown = f"  {clock(left.seconds(step))} left" if step > first else ""
            line = f"backbone step {step}/{steps}  loss {loss:.4f}{shown}"
            session.on_step(StepTaken("backbone", step, steps, line))

    return progress
