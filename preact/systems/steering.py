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


def last_residuals(backbone: Backbone, texts: Sequence[str], blocks: Sequence[int]) -> dict[int, Tensor]:
    """Block -> (n, hidden) in float32 on the CPU: each block's output at the last token of each text."""
    last: dict[int, list[Tensor]] = {block: [] for block in blocks}
    for text in texts:
        for block, output in _outputs(backbone, token_ids(backbone, text), blocks).items():
            last[block].append(output[-1].clone())
    return {block: torch.stack(of_block) for block, of_block in last.items()}


def mean_residuals(
    backbone: Backbone, prompt: Sequence[int], answer: Sequence[int], blocks: Sequence[int]
) -> dict[int, Tensor]:
    """Block -> (hidden,) in float32 on the CPU: each block's mean output over the answer's tokens."""
    ids = torch.tensor([[*prompt, *answer]], device=backbone.model.device)
    outputs = _outputs(backbone, ids, blocks)
    return {block: output[len(prompt) :].mean(dim=0) for block, output in outputs.items()}


def _outputs(backbone: Backbone, ids: Tensor, blocks: Sequence[int]) -> dict[int, Tensor]:
    """Block -> (T, hidden) for one row of token ids (1, T)."""
    outputs: dict[int, Tensor] = {}

    def recorder(block: int) -> Callable[[nn.Module, Any, Any], None]:
        def record(module: nn.Module, inputs: Any, output: Any) -> None:
            hidden = output[0] if isinstance(output, tuple) else output
            outputs[block] = hidden[0].float().cpu()

        return record

    layers = decoder_blocks(backbone.model)
    handles = [layers[block].register_forward_hook(recorder(block)) for block in blocks]
    try:
        with torch.inference_mode():
            backbone.model(input_ids=ids, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return outputs


def token_ids(backbone: Backbone, text: str) -> Tensor:
    """The text as the model takes it, (1, T); special tokens only where the text holds them."""
    ids: list[int] = backbone.tokenizer(text, add_special_tokens=False)["input_ids"]
    return torch.tensor([ids], device=backbone.model.device)
