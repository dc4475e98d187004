"""Say what a stopped run has saved.

What is trained is not known here.
"""

from pathlib import Path

from preact.backbones.pretraining import saved_step
from preact.backbones.tiny import is_tiny
from preact.training.runs import BACKBONE, CHECKPOINTS, RECORD
from preact.training.stages import DEFAULT
from preact.training.tiny_backbone import backbone_checkpoint
from preact.training.trainer import last_checkpoint


def stopped_line(folder: Path) -> str:
    """What the run in `folder` has saved, and how to go on, in one line."""
    if not (folder / RECORD).is_file():
        return "stopped before anything was written; run the same command again"
    return f"stopped; {_saved(folder)}; go on with `preact train --resume --output {folder}`"


def starts_over_line(folder: Path) -> str | None:
    """What is said where the run in `folder` goes on with no step saved; None where a checkpoint is there."""
    if _checkpoint(folder):
        return None
    addition = "; the tiny backbone is kept" if is_tiny(str(folder / BACKBONE)) else ""
    return f"there is no checkpoint yet: the run starts over at step 1{addition}"


def _saved(folder: Path) -> str:
    if checkpoint := _checkpoint(folder):
        return checkpoint
    if is_tiny(str(folder / BACKBONE)):
        return "the tiny backbone is saved, and no step of the training yet"
    return "no step is saved yet"


def _checkpoint(folder: Path) -> str | None:
    """What the newest checkpoint holds; None where there is none."""
    checkpoint = backbone_checkpoint(folder)
    if step := saved_step(checkpoint):
        return f"the tiny backbone is saved as it was after step {step:,}"
    complete = [path for adapter in (folder / CHECKPOINTS).glob("*/") if (path := last_checkpoint(adapter))]
    if complete:
        newest = max(map(Path, complete), key=lambda path: path.stat().st_mtime)
        name = "adapter" if newest.parent.name == DEFAULT else f"adapter {newest.parent.name}"
        return f"the {name} is saved as it was after step {int(newest.name.rpartition('-')[2]):,}"
    return None
