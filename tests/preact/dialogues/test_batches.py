"""Packed rows have the losses and gradients of padded ones."""

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from preact.backbones.packed_attention import packed_rows, use_packed_rows
from preact.dialogues.batches import Collator, Example, shared_length
from preact.dialogues.conversation import IGNORED
from preact.training.objective import batch_loss, dialogue_losses
from tests.preact.conftest import micro_llama
from tests.preact.mixture.test_layer import adapted

LENGTHS = (20, 7, 12, 5, 16, 9)
EXAMPLES = [
    Example(
        torch.randint(3, 97, (length,), generator=torch.Generator().manual_seed(length)).tolist(),
        [IGNORED] * 2 + list(range(3, length + 1)),
        number % 10,
    )
    for number, length in enumerate(LENGTHS)
]


def test_padded_rows_hold_ids_labels_and_one_trait_id_each() -> None:
    batch = Collator(0, packed=False, trait_ids=True)(EXAMPLES)
    assert batch["input_ids"].shape == (6, 20) and batch["trait_ids"].tolist() == [0, 1, 2, 3, 4, 5]
    assert batch["attention_mask"].sum(1).tolist() == list(LENGTHS)
    assert (batch["labels"][1, 7:] == IGNORED).all() and (batch["input_ids"][1, 7:] == 0).all()
    assert torch.equal(batch["sequence_trait_ids"], batch["trait_ids"])


def test_plain_lora_gets_no_trait_ids() -> None:
    assert "trait_ids" not in Collator(0, packed=True, trait_ids=False)(EXAMPLES)


def test_a_packed_batch_has_the_loss_and_gradients_of_the_padded_one() -> None:
    results = []
    for packed in (False, True):
        model = adapted(torch.float64)
        batch = Collator(0, packed=packed, trait_ids=True)(EXAMPLES)
        labels = batch.pop("labels")
        batch.pop("sequence_trait_ids")
        if packed:
            assert batch["input_ids"].shape == (1, sum(LENGTHS)) == batch["trait_ids"].shape
            use_packed_rows(model.get_base_model(), True)
        loss = batch_loss(model, batch, labels)
        loss.backward()
        gradient = model.base_model.preact_router["default"].personality.grad
        results.append((float(loss.detach()), gradient))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
    assert torch.allclose(results[0][1], results[1][1], rtol=1e-4, atol=1e-8)


PROMPT = list(range(40, 70))
PROMPTED = [Example(PROMPT + e.ids, [IGNORED] * len(PROMPT) + e.labels, e.trait_id) for e in EXAMPLES]


def test_what_all_dialogues_begin_with_stands_in_a_packed_row_once() -> None:
    batch = Collator(0, packed=True, trait_ids=False, share_prefix=True)(PROMPTED)
    assert batch["input_ids"].shape == (1, len(PROMPT) + sum(LENGTHS)) and batch["shared_prefix"]
    assert batch["input_ids"][0, : len(PROMPT)].tolist() == PROMPT
    assert batch["position_ids"].max() == len(PROMPT) + max(LENGTHS) - 1
    assert "shared_prefix" not in Collator(0, packed=True, trait_ids=False, share_prefix=True)(PROMPTED[:1])
    assert "shared_prefix" not in Collator(0, packed=True, trait_ids=True, share_prefix=True)(PROMPTED)


def test_no_labelled_token_is_ever_shared() -> None:
    alike = [Example([5, 6, 7, 8, 9], [IGNORED, IGNORED, IGNORED, 8, 9], 0)] * 2
    assert shared_length(alike) == 2  # the next one starts each dialogue's own part and carries no loss
    assert shared_length([Example([5, 6], [IGNORED, 6], 0), Example([7, 6], [IGNORED, 6], 0)]) == 0


def test_a_shared_beginning_changes_neither_loss_nor_gradients() -> None:
    results = []
    for packed in (False, True):
        model = plain_lora(torch.float64)
        with packed_rows(model.get_base_model(), packed) as shares:
            batch = Collator(0, packed=packed, trait_ids=False, share_prefix=shares)(PROMPTED)
            assert packed == shares == ("shared_prefix" in batch)
            labels = batch.pop("labels")
            batch.pop("sequence_trait_ids")
            batch_loss(model, dict(batch), labels).backward()
            results.append((dialogue_losses(model, batch, labels, len(PROMPTED)).detach(), grad_of_a(model)))
    assert torch.allclose(results[0][0], results[1][0], rtol=1e-6)
    assert torch.allclose(results[0][1], results[1][1], rtol=1e-4, atol=1e-8)


def plain_lora(dtype: torch.dtype) -> Any:
    """A micro Llama with LoRA whose B is not zero."""
    torch.manual_seed(1)
    model = get_peft_model(micro_llama(dtype=dtype), LoraConfig(r=8, target_modules=["q_proj", "down_proj"]))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.to(dtype)


def grad_of_a(model: Any) -> torch.Tensor:
    return model.base_model.model.model.layers[0].self_attn.q_proj.lora_A["default"].weight.grad
