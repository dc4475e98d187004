"""One training step at the shape of Llama-2-7B on a GPU: LoRA, P-React and a loop over 16 experts.

    python benchmarks/gpu_step.py

Random weights in bfloat16, batch 16 x 768, rank 256 on query, key, value and feed-forward modules.
Prints step time, tokens per second, peak memory and model FLOP utilisation. Without a GPU it says what it
would run and does nothing else. A method that does not fit the memory is reported as such.
"""

import argparse
import statistics
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from preact.config import PAPER_RECIPE
from preact.mixture.losses import personality_specialization
from preact.mixture.model import PreactConfig
from preact.mixture.router import Router, select
from preact.training.adapters import peft_noise_silenced
from preact.training.objective import batch_loss

METHODS = ("peft LoRA", "P-React", "loop over 16")
PEAK_TFLOPS = {"H100": 989.0, "H200": 989.0, "A100": 312.0}
"""Dense bfloat16 peaks of the makers' data sheets."""


class Loop(nn.Module):
    """N separate experts, one after the other."""

    def __init__(self, layer: Any, gate: dict[str, Tensor], experts: int) -> None:
        super().__init__()
        self.base, self.scale, self.gate = layer.base_layer, layer.scaling["default"], gate
        a, b = layer.lora_A["default"].weight.detach(), layer.lora_B["default"].weight.detach()
        self.a = nn.ParameterList(part.clone() for part in a.chunk(experts, dim=0))
        self.b = nn.ParameterList(part.clone() for part in b.chunk(experts, dim=1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base(x)
        for j, (a, b) in enumerate(zip(self.a, self.b, strict=True)):
            weight = (self.gate["weights"][:, j, None, None] * self.scale).to(x.dtype)
            out = out + weight * nn.functional.linear(nn.functional.linear(x, a), b)
        return out


def adapted(method: str, layers: int, checkpointing: bool, gate: dict[str, Tensor]) -> Any:
    """A fresh model of the method on the GPU."""
    recipe = PAPER_RECIPE
    config = LlamaConfig(num_hidden_layers=layers)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        base = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    shared: dict[str, Any] = {
        "task_type": "CAUSAL_LM",
        "r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "target_modules": ["q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj"],
    }
    with peft_noise_silenced():
        fused = method == "P-React"
        model = get_peft_model(
            base,
            PreactConfig(**shared, num_experts=recipe.experts) if fused else LoraConfig(**shared),
            autocast_adapter_dtype=False,
        )
    if method == "loop over 16":
        for name, module in list(model.named_modules()):
            if isinstance(module, LoraLayer):
                model.set_submodule(name, Loop(module, gate, recipe.experts).cuda())
    if checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    return model.train()


def measure(method: str, options: argparse.Namespace) -> str:
    """A row of the table."""
    gate: dict[str, Tensor] = {}
    model = adapted(method, options.layers, options.checkpointing, gate)
    router = Router(10, PAPER_RECIPE.personality_size, PAPER_RECIPE.experts).cuda()
    trained = [p for p in [*model.parameters(), *router.parameters()] if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=True)
    ids = torch.randint(3, 32000, (options.batch, options.width), device="cuda")
    traits = torch.arange(options.batch, device="cuda") % 10
    torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(options.steps + 3):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        if method == "loop over 16":
            gate["weights"] = router()[traits]
        rows = model.base_model.router_weights() if method == "P-React" else None
        extra = {} if rows is None else {"expert_weights": select(rows, traits)}
        loss = batch_loss(model, {"input_ids": ids, **extra}, ids) / ids.numel()
        if rows is not None:
            loss = loss + 0.1 * personality_specialization(rows)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / 1000)
    seconds = statistics.median(times[3:])
    tokens = options.batch * options.width / seconds
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    # Forward and backward to the inputs for all weights; weight gradients for the trained ones alone.
    flops = tokens * (4 * frozen + 6 * sum(p.numel() for p in trained))
    name = torch.cuda.get_device_name()
    peak = next((value for key, value in PEAK_TFLOPS.items() if key in name), None)
    use = f"{flops / peak / 1e12:.1%}" if peak else f"{flops / 1e12:.0f} TFLOP/s"
    memory = torch.cuda.max_memory_allocated() / 2**30
    return f"| {method} | {seconds:.3f} | {tokens:,.0f} | {memory:.1f} | {use} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument(
        "--no-checkpointing", dest="checkpointing", action="store_false", help="keep all activations"
    )
    options = parser.parse_args()
    activations = "checkpointed activations" if options.checkpointing else "all activations kept"
    print(
        f"Llama-2-7B's shape with {options.layers} layers, random weights, bfloat16, batch {options.batch} x"
        f" {options.width}, rank {PAPER_RECIPE.rank}, {PAPER_RECIPE.experts} experts, {activations}; median"
        f" of {options.steps} steps after 3"
    )
    if not torch.cuda.is_available():
        print(f"no GPU here: it would time {', '.join(METHODS)}; run it on a machine with one")
        return
    print(torch.cuda.get_device_name())
    print("| method | s/step | tokens/s | peak GiB | model FLOP utilisation |\n|---|---|---|---|---|")
    for method in METHODS:
        try:
            print(measure(method, options))
        except torch.OutOfMemoryError:
            print(f"| {method} | does not fit the memory | | | |")
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
