"""Share a backbone's weights among processes.

FSDP2 of torch: each process keeps a part of every block's frozen weights and gathers the rest while the block
is at work. The adapter, which is small, is added afterwards and stays whole in every process, so adapters and
checkpoints are those of an unshared backbone. It knows nothing of adapters or data.
"""

from typing import Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from preact.training.processes import Processes


def shard(model: Any, processes: Processes) -> None:
    """Keep a part of the model's weights in each process, block by block; one process keeps them all."""
    if processes.size == 1:
        return
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    mesh = init_device_mesh(accelerator.type if accelerator else "cpu", (processes.size,))
    blocks = set(getattr(model, "_no_split_modules", None) or ())
    for module in list(model.modules()):
        if type(module).__name__ in blocks:
            fully_shard(module, mesh=mesh)
    # What stands outside the blocks too is let go after each forward pass: left whole, it would be let go by
    # saving, which the main process does alone, and the processes would no longer gather the same parts.
    fully_shard(model, mesh=mesh, reshard_after_forward=True)


def is_sharded(model: torch.nn.Module) -> bool:
    """Whether any of its weights is shared among processes."""
    return any(isinstance(parameter, DTensor) for parameter in model.parameters())
