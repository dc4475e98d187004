import pytest
import torch

from preact.batches import Collator, Example
from preact.conversation import IGNORED
from preact.packed_attention import NAME, use_packed_rows
from preact.trainer import batch_loss
from tests.preact.test_experts import adapted

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
    found = []
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
        found.append((float(loss.detach()), gradient))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-4, atol=1e-8)


def test_several_key_heads_may_be_shared() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

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
