"""The processes that train one run together.

torchrun starts them; one process alone is the usual case. What is done once (a folder claimed, a record
written) is done by the main process, whose result or mistake the others share. It knows nothing of models or
of training.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import torch
from accelerate import PartialState
from torch import distributed

from oceanchat.errors import TrainingError

Result = TypeVar("Result")

PATIENCE = timedelta(hours=6)
"""How long processes wait for one another: the main one may build a backbone meanwhile."""


class FailedElsewhere(TrainingError):
    """Ends a process where the main one has said what is wrong; it is not to be said again."""


class Processes(NamedTuple):
    """How many processes there are, and which of them this is."""

    size: int = 1
    number: int = 0

    @property
    def main(self) -> bool:
        """Whether this is the one that writes and speaks."""
        return self.number == 0

    def once(self, action: Callable[[], Result]) -> Result:
        """What `action` returns in the main process, in all of them; the others wait for it.

        Raises what it raises; FailedElsewhere in the other processes, which would wait for ever otherwise.
        """
        if self.size == 1:
            return action()
        box: list[Any] = [None, None]
        failure: Exception | None = None
        if self.main:
            try:
                box[0] = action()
            except Exception as error:
                failure, box[1] = error, str(error)
        distributed.broadcast_object_list(box, src=0)
        if failure is not None:
            raise failure
        if box[1] is not None:
            raise FailedElsewhere(box[1])
        result: Result = box[0]
        return result

    def each(self, action: Callable[[], Result]) -> Result:
        """What `action` returns in this process, once it has returned in all of them.

        Raises TrainingError in all of them where it fails in one, which the main one is to say.
        """
        if self.size == 1:
            return action()
        results: list[Result] = []
        failure: str | None = None
        try:
            results.append(action())
        except Exception as error:
            failure = str(error)
        failures: list[str | None] = [None] * self.size
        distributed.all_gather_object(failures, failure)
        for number, message in enumerate(failures):
            if message is not None:
                raise self.failure(f"process {number}: {message}")
        return results[0]

    def failure(self, message: str) -> TrainingError:
        """The error of something that all processes see at once: only the main one is to say it."""
        return TrainingError(message) if self.main else FailedElsewhere(message)

    def wait(self) -> None:
        """Until all processes have come here."""
        if self.size > 1:
            distributed.barrier()

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, in each of them."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values


def join() -> Processes:
    """This process among those that torchrun started; alone where it started none."""
    state = PartialState(cpu=not torch.accelerator.is_available(), timeout=PATIENCE)
    return Processes(state.num_processes, state.process_index)


def leave() -> None:
    """Say goodbye to the other processes: left open, their connection can abort a process that ends."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()
