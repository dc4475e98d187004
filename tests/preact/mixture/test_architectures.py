"""P-React on backbones of many architectures: padded, packed and mixed rows are each what they are alone."""

from functools import lru_cache
from typing import Any

import pytest
import torch
from peft import get_peft_model
from torch import Tensor, nn

from oceanchat.errors import TrainingError
from preact.backbones.modules import find_targets
from preact.backbones.packed_attention import check_packing, packed_rows
from preact.dialogues.batches import Collator, Example
from preact.mixture.model import PreactConfig
from preact.training.adapters import peft_noise_silenced
from preact.training.objective import dialogue_losses
from tests.preact.architectures import CONFIGS, WINDOW, tiny

GENERATOR = torch.Generator().manual_seed(3)
LENGTHS = (11, 8, 14)
IDS = [torch.randint(3, 97, (length,), generator=GENERATOR).tolist() for length in LENGTHS]
EXAMPLES = [Example(ids, ids, trait) for ids, trait in zip(IDS, (0, 7, 3), strict=True)]
REFUSED = {"falcon", "falcon-alibi", "bloom", "gpt-oss"}
"""Whose dialogues read each other when they are packed."""


@lru_cache(maxsize=1)
def adapted(architecture: str) -> Any:
    """A P-React model on that backbone, whose B is not zero."""
    backbone = tiny(architecture)
    targets = list(find_targets(backbone, ()).counts)
    with peft_noise_silenced():
        model = get_peft_model(backbone, PreactConfig(task_type="CAUSAL_LM", r=32, target_modules=targets))
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=1.0)
    return model.eval()


def losses(model: Any, examples: list[Example], *, packed: bool) -> Tensor:
    """The loss of each dialogue under its own trait-level."""
    with torch.no_grad(), packed_rows(model.get_base_model(), packed):
        batch = Collator(0, packed=packed, trait_ids=True)(examples)
        batch.pop("sequence_trait_ids")
        return dialogue_losses(model, batch, batch.pop("labels"), len(examples))


@pytest.mark.parametrize("architecture", CONFIGS)
def test_padded_rows_are_what_they_are_alone(architecture: str) -> None:
    model = adapted(architecture)
    alone = torch.cat([losses(model, [example], packed=False) for example in EXAMPLES])
    assert torch.allclose(losses(model, EXAMPLES, packed=False), alone, atol=1e-5)
    other = [example._replace(trait_id=9 - example.trait_id) for example in EXAMPLES]
    assert not torch.allclose(losses(model, other, packed=False), alone, atol=1e-3)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_packed_rows_are_the_padded_ones_or_refused(architecture: str) -> None:
    model = adapted(architecture)
    assert min(LENGTHS) > WINDOW
    with model.disable_adapter():
        if architecture in REFUSED:
            with pytest.raises(TrainingError, match=r"in one row read each other .*--no-packing"):
                check_packing(model.get_base_model(), IDS, 0)
            return
        assert check_packing(model.get_base_model(), IDS, 0) < 1e-5
    padded = losses(model, EXAMPLES, packed=False)
    assert torch.allclose(losses(model, EXAMPLES, packed=True), padded, atol=1e-5)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_mixed_trait_levels_are_generated_as_one_by_one(architecture: str) -> None:
    model = adapted(architecture)
    options = {"max_new_tokens": 5, "min_new_tokens": 5, "do_sample": False, "pad_token_id": 0}
    ids = torch.tensor([example.ids[:8] for example in EXAMPLES])
    traits = torch.tensor([example.trait_id for example in EXAMPLES])
    together = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), trait_ids=traits, **options)
    for row, trait in zip(range(len(ids)), traits, strict=True):
        one = ids[row : row + 1]
        alone = model.generate(
            input_ids=one, attention_mask=torch.ones_like(one), trait_ids=trait[None], **options
        )
        assert together[row].equal(alone[0])
