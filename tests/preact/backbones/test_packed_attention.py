"""Attention within each dialogue of a packed row equals attention to the dialogue alone."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from oceanchat.errors import TrainingError
from preact.backbones.packed_attention import (
    NAME,
    check_packing,
    looks_back_less,
    packed_rows,
    use_packed_rows,
)
from preact.dialogues.batches import Collator
from tests.preact.architectures import tiny
from tests.preact.conftest import micro_llama
from tests.preact.dialogues.test_batches import EXAMPLES


def test_several_key_heads_may_be_shared() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=97,
        hidden_size=32,
        num_hidden_layers=1,
        intermediate_size=48,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = LlamaForCausalLM(config).eval()
    batch = Collator(0, packed=True, trait_ids=False)(EXAMPLES)
    alone = torch.cat([model(torch.tensor([e.ids])).logits for e in EXAMPLES], dim=1)
    use_packed_rows(model, True)
    batch.pop("labels"), batch.pop("sequence_trait_ids")
    assert torch.allclose(model(**batch).logits, alone, atol=1e-5)
    with pytest.raises(ValueError, match="cu_seq_lens_q"):
        model(torch.tensor([EXAMPLES[0].ids]))
    use_packed_rows(model, False)
    assert model.config._attn_implementation == "sdpa" != NAME


def test_packed_rows_last_as_long_as_their_scope() -> None:
    model = micro_llama()
    with packed_rows(model, True) as shares:
        assert shares and model.config._attn_implementation == NAME
        with packed_rows(model, False) as inner:
            assert not inner and model.config._attn_implementation == "sdpa"
        assert model.config._attn_implementation == NAME
    assert model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("architecture", ["qwen2-window", "mistral-window", "gemma3"])
def test_a_backbone_with_sliding_windows_keeps_its_attention(architecture: str) -> None:
    model = tiny(architecture)
    assert looks_back_less(model) and not use_packed_rows(model, True)
    assert not looks_back_less(tiny("qwen2")) and not looks_back_less(tiny("mixtral"))


def test_dialogues_that_read_each_other_are_noticed() -> None:
    rows = [e.ids for e in EXAMPLES]
    assert check_packing(micro_llama().eval(), rows, 0) < 1e-5
    with pytest.raises(TrainingError, match="in one row read each other"):
        check_packing(tiny("falcon"), rows, 0)


def test_a_backbone_with_attention_of_its_own_is_left_alone() -> None:
    model = micro_llama()
    model.set_attn_implementation("eager")
    assert not use_packed_rows(model, True)
    assert model.config._attn_implementation == "eager"
