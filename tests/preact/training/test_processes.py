"""One process alone; several are started in test_distributed."""

import pytest
import torch

from oceanchat.errors import TrainingError
from preact.training.processes import FailedElsewhere, Processes, join, leave


def test_a_process_alone_does_everything_itself() -> None:
    processes = join()
    assert processes == Processes(1, 0) and processes.main
    assert processes.once(lambda: "done") == "done"
    assert processes.total(torch.tensor([2.0])).tolist() == [2.0]
    processes.wait()
    leave()


def test_what_all_see_at_once_is_said_by_the_main_one() -> None:
    errors = [Processes(2, number).failure("it broke") for number in (0, 1)]
    assert all(isinstance(error, TrainingError) and str(error) == "it broke" for error in errors)
    assert [isinstance(error, FailedElsewhere) for error in errors] == [False, True]


def test_a_mistake_of_one_process_alone_is_its_own() -> None:
    def wrong() -> None:
        raise TrainingError("no such folder")

    with pytest.raises(TrainingError, match="no such folder"):
        Processes().once(wrong)
