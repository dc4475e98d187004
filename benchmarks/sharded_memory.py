"""What each GPU holds of a backbone shared by `preact train --fsdp`: counted on the meta device.

    python benchmarks/sharded_memory.py --shape 70b --gpus 8 16

Llama-2's shape is made without memory, in 4 bits where the recipe says so (QLoRA), shared by the trainer's
own code among so many processes of which only this one exists (torch's fake process group), given P-React's
adapters, and what this process keeps is added up: its part of the frozen weights, the parts that are whole at
a time, what 4 bits take beside them, adapters, gradients, the optimizer's moments, and the activations of one
micro-batch with checkpointing, by the formula that `preact train` prints.
"""

import argparse
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import distributed
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers import LlamaConfig

from preact.backbones.backbone import quantization
from preact.backbones.identity import count_parameters
from preact.backbones.skeleton import skeleton
from preact.config import Recipe, TrainConfig
from preact.dialogues.batches import Example
from preact.training.adapters import adapt
from preact.training.processes import Processes
from preact.training.sharding import shard
from preact.training.start_up import Memory, estimate_memory

GIB = 2**30
H100_GIB = 79.6
"""What an H100 of 80 GB has."""
SHAPES: dict[str, dict[str, Any]] = {
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "heads": (32, 32)},
    "13b": {"hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40, "heads": (40, 40)},
    "70b": {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "heads": (64, 8)},
}
"""Of Llama 2."""
TOKENS = 1024
"""Of a dialogue: the paper's 512 of context and as many of answers."""


class Held(NamedTuple):
    """What one process holds."""

    backbone: int
    """Parameters of the whole backbone."""
    trained: int
    """Parameters."""
    memory: Memory


def backbone(shape: str, quantise: str) -> Any:
    """A Llama without memory, its weights in bfloat16 or in 4 bits."""
    options = dict(SHAPES[shape])
    heads, groups = options.pop("heads")
    config = LlamaConfig(num_attention_heads=heads, num_key_value_heads=groups, vocab_size=32000, **options)
    in_4_bits = quantization(quantise, torch.bfloat16) if quantise != "none" else None
    return skeleton(config, torch.bfloat16, in_4_bits)


def held(shape: str, gpus: int, recipe: Recipe) -> Held:
    """What each of so many processes holds."""
    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=gpus)
    try:
        model = backbone(shape, recipe.quantise)
        parameters = count_parameters(model)
        shard(model, Processes(gpus, 0))
        config = TrainConfig(release="-", output="-", backbone="-", recipe=recipe, fsdp=True)
        with torch.device("meta"):
            adapted = adapt(model, config)
        trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
        longest = Example([0] * TOKENS, [0] * (TOKENS // 2) + [-100] * (TOKENS // 2), 0)
        memory = estimate_memory(recipe, adapted, [longest] * recipe.micro_batch)
        return Held(parameters, trained, memory)
    finally:
        distributed.destroy_process_group()


def recipes() -> Sequence[tuple[str, Recipe]]:
    """The recipes of the table."""
    common: dict[str, Any] = {"gradient_checkpointing": True, "micro_batch": 1, "precision": "bfloat16"}
    return [
        ("rank 256", Recipe(**common)),
        ("rank 256, 8-bit AdamW", Recipe(**common, optimiser="adamw-8bit")),
        ("rank 64", Recipe(**common, rank=64)),
        ("4-bit, rank 256", Recipe(**common, quantise="4bit")),
        ("4-bit, rank 256, 8-bit AdamW", Recipe(**common, quantise="4bit", optimiser="adamw-8bit")),
        ("4-bit, rank 64", Recipe(**common, quantise="4bit", rank=64)),
    ]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="70b")
    parser.add_argument("--gpus", type=int, nargs="+", default=[2, 4, 8, 16])
    options = parser.parse_args()
    print(f"GiB in each process, Llama-2-{options.shape}'s shape, one dialogue of {TOKENS} tokens at a time")
    print("| recipe | GPUs | weights | adapter, gradients, moments | activations | all | of an H100 |")
    print("|---|---|---|---|---|---|---|")
    for name, recipe in recipes():
        for gpus in options.gpus:
            one = held(options.shape, gpus, recipe)
            parts = " | ".join(f"{part / GIB:.1f}" for part in (*one.memory, one.memory.total))
            share = one.memory.total / GIB / H100_GIB
            print(
                f"| {name}: {one.trained / 1e9:.2f} G trained | {gpus} | {parts} | {share:.0%} |", flush=True
            )
    print(f"backbone: {one.backbone:,} parameters")


if __name__ == "__main__":
    main()
