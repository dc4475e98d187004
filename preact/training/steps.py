"""The batches of each optimizer step.

Which dialogues a step holds depends on the seed and the epoch alone: not on the size of micro-batches, not on
the number of processes, not on where a run was resumed. Each process takes its part of a step. It knows
nothing of models.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers.trainer_pt_utils import get_length_grouped_indices

from preact.dialogues.batches import Collator, Example
from preact.dialogues.conversation import IGNORED
from preact.training.processes import Processes


class Steps(Dataset[dict[str, Any]]):
    """An epoch's micro-batches as one process takes them, in order; a new order with each epoch.

    A batch's `sequence_trait_ids` are those of its whole step, in all processes. The last step of an epoch
    may be smaller, and a process without a dialogue of it gets a row without labels, so that all processes
    take the same number of forward passes.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        collator: Collator,
        *,
        batch_size: int,
        micro_batch: int,
        seed: int,
        by_length: bool = False,
        processes: Processes | None = None,
    ) -> None:
        self.examples = examples
        self.collator = collator
        self.batch_size = batch_size
        self.seed = seed
        self.by_length = by_length
        self.processes = processes or Processes()
        self.micro_batch = min(micro_batch, math.ceil(batch_size / self.processes.size))
        self.set_epoch(0)

    @property
    def accumulated(self) -> int:
        """The micro-batches of a full step in each process."""
        return math.ceil(math.ceil(self.batch_size / self.processes.size) / self.micro_batch)

    @property
    def per_epoch(self) -> int:
        """The steps of an epoch."""
        return math.ceil(len(self.examples) / self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Put the dialogues into the order of that epoch."""
        generator = torch.Generator().manual_seed(self.seed + epoch)
        if self.by_length:
            lengths = [len(example.ids) for example in self.examples]
            order = get_length_grouped_indices(lengths, self.batch_size, generator=generator)
        else:
            order = torch.randperm(len(self.examples), generator=generator).tolist()
        starts = range(0, len(order), self.batch_size)
        self._steps = [order[start : start + self.batch_size] for start in starts]
        # Only the last step may have fewer micro-batches than `accumulated`.
        self._at = [(s, m) for s, step in enumerate(self._steps) for m in range(self._micro_batches(step))]

    def _micro_batches(self, step: list[int]) -> int:
        return math.ceil(math.ceil(len(step) / self.processes.size) / self.micro_batch)

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, position: int) -> dict[str, Any]:
        step, number = self._at[position]
        own = self._steps[step][self.processes.number :: self.processes.size]
        chosen = own[number * self.micro_batch : (number + 1) * self.micro_batch]
        batch = self.collator([self.examples[i] for i in chosen] or [self._unlabeled()])
        batch["sequence_trait_ids"] = torch.tensor([self.examples[i].trait_id for i in self._steps[step]])
        return batch

    def _unlabeled(self) -> Example:
        first = self.examples[0]
        return Example(first.ids[:2], [IGNORED] * 2, first.trait_id)
