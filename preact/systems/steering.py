"""Read and steer the residual stream.

Hooks on a backbone's decoder blocks. It knows where the blocks are and what they return; what the vectors
mean is not known here.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from oceanchat.errors import EvaluationError
from preact.backbones.backbone import Backbone


def decoder_blocks(model: nn.Module) -> nn.ModuleList:
    """The backbone's decoder blocks: its longest list of modules. Raises EvaluationError if there is none."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise EvaluationError(
            f"'{type(model).__name__}' has no list of decoder blocks; use a decoder-only backbone"
        )
    return max(lists, key=len)


@contextmanager
def steering(model: nn.Module, block: int, addition: Tensor) -> Iterator[None]:
    """Add a vector (hidden,) to a block's output at every position while the scope lasts."""

    def add(module: nn.Module, inputs: Any, output: Any) -> Any:
        # Newer versions of transformers return a tensor, older ones a tuple that begins with it.
        if isinstance(output, tuple):
            return (output[0] + addition.to(output[0]), *output[1:])
        return output + addition.to(output)

    handle = decoder_blocks(model)[block].register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def recording(model: nn.Module, blocks: Sequence[int]) -> Iterator[dict[int, list[Tensor]]]:
    """Block -> its outputs (rows, T, hidden), one a forward, while the scope lasts."""
    outputs: dict[int, list[Tensor]] = {block: [] for block in blocks}

    def recorder(block: int) -> Callable[[nn.Module, Any, Any], None]:
        def record(module: nn.Module, inputs: Any, output: Any) -> None:
            outputs[block].append(output[0] if isinstance(output, tuple) else output)

        return record

    layers = decoder_blocks(model)
    handles = [layers[block].register_forward_hook(recorder(block)) for block in blocks]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def last_residuals(backbone: Backbone, texts: Sequence[str], blocks: Sequence[int]) -> dict[int, Tensor]:
    """Block -> (n, hidden) in float32 on the CPU: each block's output at the last token of each text."""
    last: dict[int, list[Tensor]] = {block: [] for block in blocks}
    for text in texts:
        with recording(backbone.model, blocks) as outputs, torch.inference_mode():
            # The body alone: what the vocabulary's rows would make of it is not asked.
            backbone.model.base_model(input_ids=token_ids(backbone, text), use_cache=False)
        for block, (output,) in outputs.items():
            last[block].append(output[0, -1].float().cpu())
    return {block: torch.stack(of_block) for block, of_block in last.items()}


def token_ids(backbone: Backbone, text: str) -> Tensor:
    """The text as the model takes it, (1, T); special tokens only where the text holds them."""
    ids: list[int] = backbone.tokenizer(text, add_special_tokens=False)["input_ids"]
    return torch.tensor([ids], device=backbone.model.device)
