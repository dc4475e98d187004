"""Batches of encoded dialogues: padded rows, or rows packed with one trait id a token.

Packing puts the dialogues of one batch side by side in fewer, fuller rows; positions restart and attention
stays within a dialogue, so the loss is that of the padded batch. It knows nothing of releases, models or
training.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

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

    def __call__(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        """input_ids, labels, attention_mask and, where wanted, trait_ids ((B,) padded, (B, T) packed).

        `sequence_trait_ids` (one a dialogue, packed or not) is for losses over sequences, not for the model.
        """
        batch = self._packed(examples) if self.packed else self._padded(examples)
        batch["sequence_trait_ids"] = torch.tensor([e.trait_id for e in examples])
        if not self.trait_ids:
            del batch["trait_ids"]
        return batch

    def _padded(self, examples: Sequence[Example]) -> dict[str, Tensor]:
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

    def _packed(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        rows = pack([len(e.ids) for e in examples])
        width = max(sum(len(examples[i].ids) for i in row) for row in rows)
        shape = (len(rows), width)
        ids, labels = torch.full(shape, self.pad_id), torch.full(shape, IGNORED)
        positions, traits = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        segments = torch.full(shape, -1)
        for r, row in enumerate(rows):
            at = 0
            for i in row:
                e = examples[i]
                here = slice(at, at + len(e.ids))
                ids[r, here] = torch.tensor(e.ids)
                # The first token of a dialogue is predicted from another dialogue's last one: no loss there.
                labels[r, here] = torch.tensor([IGNORED, *e.labels[1:]])
                positions[r, here] = torch.arange(len(e.ids))
                traits[r, here] = e.trait_id
                segments[r, here] = i
                at += len(e.ids)
        return {
            "input_ids": ids,
            "labels": labels,
            "position_ids": positions,
            "attention_mask": _block_mask(segments),
            "trait_ids": traits,
        }


def _block_mask(segments: Tensor) -> Tensor:
    """(B, T) dialogue numbers, -1 for padding, to a (B, 1, T, T) mask, true where attention may go.

    It is causal, within a dialogue, and boolean, as torch's attention takes it in any number format. Padding attends to itself, so that no row of the softmax is empty.
    """
    width = segments.shape[1]
    same = segments.unsqueeze(2) == segments.unsqueeze(1)
    causal = torch.ones(width, width, dtype=torch.bool).tril()
    return (same & causal).unsqueeze(1)


ATTENTION_COST = 1 / 1500
"""How a row's width weighs beside its tokens: over T tokens attention costs T/1500 of the rest of a layer."""


def pack(lengths: Sequence[int]) -> list[list[int]]:
    """Place dialogues of these lengths side by side in rows, to the least cost; always in the same way.

    For each number of rows the longest dialogue goes to the shortest row in turn; the cheapest number of rows
    wins.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    best: list[list[int]] = []
    cheapest = float("inf")
    for count in range(1, len(lengths) + 1):
        rows: list[list[int]] = [[] for _ in range(count)]
        filled = [0] * count
        for i in order:
            shortest = filled.index(min(filled))
            rows[shortest].append(i)
            filled[shortest] += lengths[i]
        width = max(filled)
        cost = count * width * (1 + width * ATTENTION_COST)
        if cost < cheapest:
            cheapest, best = cost, rows
    return [sorted(row) for row in best]
