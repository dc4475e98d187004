import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from preact.batches import Collator, Example, pack
from preact.conversation import IGNORED
from preact.trainer import token_loss
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
            assert batch["input_ids"].shape[0] < 6 and batch["trait_ids"].dim() == 2
        loss = token_loss(model(**batch).logits, labels)
        loss.backward()
        gradient = model.base_model.preact_router["default"].personality.grad
        found.append((float(loss.detach()), gradient))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-4, atol=1e-8)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=24))
def test_every_dialogue_is_packed_once_and_the_same_way_each_time(lengths: list[int]) -> None:
    rows = pack(lengths)
    assert sorted(i for row in rows for i in row) == list(range(len(lengths))) and all(rows)
    assert rows == pack(lengths)


def test_packing_wastes_less_than_padding() -> None:
    lengths = [100, 40, 45, 55, 60, 30, 70, 90]
    rows = pack(lengths)
    width = max(sum(lengths[i] for i in row) for row in rows)
    assert len(rows) * width < 0.75 * len(lengths) * max(lengths)
