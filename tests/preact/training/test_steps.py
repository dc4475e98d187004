"""The dialogues of a step: the same for any micro-batch, any number of processes, any start."""

import pytest
import torch

from preact.dialogues.batches import Collator, Example
from preact.dialogues.conversation import IGNORED
from preact.training.processes import Processes
from preact.training.steps import Steps

DIALOGUES = 45
EXAMPLES = [Example([1, *range(3, 9 + n)], [IGNORED, *range(3, 9 + n)], n % 10) for n in range(DIALOGUES)]
PAD = 0


def steps(micro: int = 16, size: int = 1, number: int = 0, by_length: bool = False, batch: int = 16) -> Steps:
    return Steps(
        EXAMPLES,
        Collator(PAD, packed=False, trait_ids=True),
        batch_size=batch,
        micro_batch=micro,
        seed=3,
        by_length=by_length,
        processes=Processes(size, number),
    )


def dialogues_of(batch: dict[str, torch.Tensor]) -> set[int]:
    """Which examples these are: each has a length of its own; a row without labels is none."""
    rows = zip(batch["input_ids"], batch["labels"], strict=True)
    return {int((ids != PAD).sum()) - 7 for ids, labels in rows if (labels != IGNORED).any()}


def taken(micro: int, size: int, by_length: bool = False) -> list[set[int]]:
    """The dialogues of each step of an epoch, all processes together."""
    result: list[set[int]] = [set(), set(), set()]
    for number in range(size):
        own = steps(micro, size, number, by_length)
        for at in range(len(own)):
            result[at // own.accumulated] |= dialogues_of(own[at])
    return result


@pytest.mark.parametrize("by_length", [False, True])
@pytest.mark.parametrize(("micro", "size"), [(4, 1), (16, 2), (4, 2), (3, 3), (1, 5)])
def test_a_step_is_the_same_however_it_is_shared(micro: int, size: int, by_length: bool) -> None:
    whole = taken(16, 1, by_length)
    assert [len(step) for step in whole] == [16, 16, 13]
    assert set().union(*whole) == set(range(DIALOGUES))
    assert taken(micro, size, by_length) == whole


@pytest.mark.parametrize(("micro", "size"), [(16, 2), (4, 2), (1, 32)])
def test_processes_take_as_many_forward_passes_each(micro: int, size: int) -> None:
    assert len({len(steps(micro, size, number)) for number in range(size)}) == 1


def test_a_process_without_a_dialogue_gets_a_row_without_labels() -> None:
    own = steps(1, 32, 20)
    batch = own[0]
    assert own.accumulated == 1 and not dialogues_of(batch) and batch["input_ids"].shape == (1, 2)


def test_each_micro_batch_knows_the_trait_levels_of_its_whole_step() -> None:
    whole = sorted(steps()[0]["sequence_trait_ids"].tolist())
    assert len(whole) == 16
    for size in (1, 2):
        for number in range(size):
            own = steps(4, size, number)
            for at in range(own.accumulated):
                assert sorted(own[at]["sequence_trait_ids"].tolist()) == whole


@pytest.mark.parametrize("by_length", [False, True])
def test_an_epochs_order_is_its_own_and_made_again(by_length: bool) -> None:
    first, again = steps(by_length=by_length), steps(by_length=by_length)
    before = first[0]["input_ids"]
    first.set_epoch(1)
    assert first[0]["input_ids"].shape != before.shape or not torch.equal(first[0]["input_ids"], before)
    again.set_epoch(1)
    assert torch.equal(first[0]["input_ids"], again[0]["input_ids"])
    again.set_epoch(0)
    assert torch.equal(again[0]["input_ids"], before)


def test_dialogues_of_similar_length_stand_together() -> None:
    def padding(by_length: bool) -> int:
        own = steps(4, by_length=by_length, batch=4)
        return sum(int((own[at]["input_ids"] == PAD).sum()) for at in range(len(own)))

    assert padding(True) < 0.7 * padding(False)
