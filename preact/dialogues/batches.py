"""Batches of dialogues, padded or packed.

Padded rows, or one packed row with a trait id a token. Packing lays the dialogues of a batch end to end in
one row without padding; positions restart and attention stays within a dialogue, so the loss is that of the
padded batch. What all of them begin with, such as the prompt of `lora`, can stand in the row once. It knows
nothing of releases, models or training.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import torch

from oceanchat.spool import Lazy
from preact.dialogues.conversation import IGNORED


class Example(NamedTuple):
    """One dialogue, ready for a batch."""

    ids: list[int]
    labels: list[int]
    trait_id: int


def by_length(examples: Sequence[Example]) -> Sequence[Example]:
    """The examples from the shortest on, none of them read yet."""
    lengths = [len(example.ids) for example in examples]
    return Lazy(examples.__getitem__, sorted(range(len(lengths)), key=lengths.__getitem__))


class Collator:
    """Turns examples into one batch of tensors, the same batch for the same examples."""

    def __init__(self, pad_id: int, *, packed: bool, trait_ids: bool, share_prefix: bool = False) -> None:
        self.pad_id = pad_id
        self.packed = packed
        self.trait_ids = trait_ids
        """Whether the model takes trait ids at all; plain LoRA does not."""
        self.share_prefix = share_prefix and not trait_ids
        """Whether a packed row holds once what all its dialogues begin with; it has no one trait id."""

    def __call__(self, examples: Sequence[Example]) -> dict[str, Any]:
        """input_ids, labels, attention_mask and, where wanted, trait_ids ((B,) padded, (1, T) packed).

        `sequence_trait_ids` (one per dialogue, packed or not) is for losses over sequences alone.
        """
        examples = list(examples)  # they may be read from disk
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
        shared = shared_length(examples) if self.share_prefix else 0
        parts = [e._replace(ids=e.ids[shared:], labels=e.labels[shared:]) for e in examples]
        positions = [torch.arange(shared, shared + len(e.ids)) for e in parts]
        if shared:
            parts.insert(0, Example(examples[0].ids[:shared], [IGNORED] * shared, 0))
            positions.insert(0, torch.arange(shared))
        lengths = [len(e.ids) for e in parts]
        # The first token of a dialogue would be predicted from another dialogue's last one: no loss there.
        labels = [label for e in parts for label in (IGNORED, *e.labels[1:])]
        starts = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
        batch = {
            "input_ids": torch.tensor([[token for e in parts for token in e.ids]]),
            "labels": torch.tensor([labels]),
            "position_ids": torch.cat(positions).unsqueeze(0),
            "trait_ids": torch.tensor([[e.trait_id for e in parts for _ in e.ids]]),
            "cu_seq_lens_q": starts,
            "cu_seq_lens_k": starts,
            "max_length_q": max(lengths),
            "max_length_k": max(lengths),
        }
        return {**batch, "shared_prefix": True} if shared else batch


def shared_length(examples: Sequence[Example]) -> int:
    """How many first tokens all these dialogues share and none of them is to predict."""
    if len(examples) < 2:
        return 0
    columns = zip(*(e.ids for e in examples), strict=False)
    same = sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, columns))
    unlabeled = min(next(i for i, label in enumerate(e.labels) if label != IGNORED) for e in examples)
    # The first token after the shared ones carries no loss either; see the labels of a packed row.
    return max(0, min(same, unlabeled - 1))


def on_device(batch: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """The batch with its tensors on this device."""
    return {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
