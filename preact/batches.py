"""Batches of encoded dialogues: padded rows, or one packed row with a trait id a token.

Packing lays the dialogues of a batch end to end in one row without padding; positions restart and attention
stays within a dialogue, so the loss is that of the padded batch. It knows nothing of releases, models or
training.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from preact.conversation import IGNORED


class Example(NamedTuple):
    """One dialogue, ready for a batch."""

    ids: list[int]
    labels: list[int]
    trait_id: int


class Collator:
    """Turns examples into one batch of tensors, the same batch for the same examples."""

    def __init__(self, pad_id: int, *, packed: bool, trait_ids: bool) -> None:
        self.pad_id = pad_id
        self.packed = packed
        self.trait_ids = trait_ids
        """Whether the model takes trait ids at all; plain LoRA does not."""

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        """input_ids, labels, attention_mask and, where wanted, trait_ids ((B,) padded, (1, T) packed).

        `sequence_trait_ids` (one a dialogue, packed or not) is for losses over sequences, not for the model.
        """
        batch = self._packed(examples) if self.packed else self._padded(examples)
        batch["sequence_trait_ids"] = torch.tensor([e.trait_id for e in examples])
        if not self.trait_ids:
            del batch["trait_ids"]
        return batch

    def _padded(self, examples: Sequence[Example]) -> dict[str, Any]:
        width = max(len(e.ids) for e in examples)
        shape = (len(examples), width)
        ids, labels = torch.full(shape, self.pad_id), torch.full(shape, IGNORED)
        mask = torch.zeros(shape, dtype=torch.long)
        for row, e in enumerate(examples):
            ids[row, : len(e.ids)] = torch.tensor(e.ids)
            labels[row, : len(e.ids)] = torch.tensor(e.labels)
            mask[row, : len(e.ids)] = 1
        traits = torch.tensor([e.trait_id for e in examples])
        return {"input_ids": ids, "labels": labels, "attention_mask": mask, "trait_ids": traits}

    def _packed(self, examples: Sequence[Example]) -> dict[str, Any]:
        lengths = [len(e.ids) for e in examples]
        # The first token of a dialogue would be predicted from another dialogue's last one: no loss there.
        labels = [label for e in examples for label in (IGNORED, *e.labels[1:])]
        starts = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
        return {
            "input_ids": torch.tensor([[token for e in examples for token in e.ids]]),
            "labels": torch.tensor([labels]),
            "position_ids": torch.cat([torch.arange(length) for length in lengths]).unsqueeze(0),
            "trait_ids": torch.tensor([[e.trait_id for e in examples for _ in e.ids]]),
            "cu_seq_lens_q": starts,
            "cu_seq_lens_k": starts,
            "max_length_q": max(lengths),
            "max_length_k": max(lengths),
        }
