"""One training step of P-React beside peft's LoRA and a loop over 16 experts; packed beside padded batches.

    python benchmarks/training_step.py [DIALOGUES.jsonl]

Same modules, same rank, mixed trait-levels, a Llama of about 50 million parameters with adapters of rank 256.
Steps are timed in turn (LoRA, ours, loop, and again), so that a slow moment falls on all three; the ratio is
the median over the turns. Activations are the bytes that autograd keeps for the backward pass,
parameters left out. Peak memory is that of a process of its own for each method.
"""

import argparse
import json
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from oceanchat.prompts import Message
from preact.backbones import tiny
from preact.backbones.cpu import prepare_cpu
from preact.backbones.packed_attention import use_packed_rows
from preact.config import TinyShape
from preact.dialogues.batches import Collator, Example
from preact.dialogues.conversation import encode
from preact.mixture.losses import personality_specialization
from preact.mixture.model import PreactConfig
from preact.mixture.router import Router, select
from preact.training.adapters import peft_noise_silenced
from preact.training.objective import batch_loss

TARGETS = ["q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj"]
METHODS = ("peft LoRA", "P-React", "loop over 16")
RANK, EXPERTS = 256, 16


class LoopLayer(nn.Module):
    """What other implementations do: N separate experts, one after the other."""

    def __init__(self, layer: Any, shared: dict[str, Tensor]) -> None:
        super().__init__()
        self.base, self.scale, self.shared = layer.base_layer, layer.scaling["default"], shared
        a, b = layer.lora_A["default"].weight.detach(), layer.lora_B["default"].weight.detach()
        self.a = nn.ParameterList(part.clone() for part in a.chunk(EXPERTS, dim=0))
        self.b = nn.ParameterList(part.clone() for part in b.chunk(EXPERTS, dim=1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base(x)
        for j, (a, b) in enumerate(zip(self.a, self.b, strict=True)):
            expert = nn.functional.linear(nn.functional.linear(x, a), b)
            out = out + self.shared["weights"][:, j, None, None] * expert * self.scale
        return out


def backbone(hidden: int, layers: int) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=8000, hidden_size=hidden, num_hidden_layers=layers, intermediate_size=hidden * 11 // 4,
        num_attention_heads=8, max_position_embeddings=1024, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    return LlamaForCausalLM(config)


class Step:
    """One method, ready to take training steps."""

    def __init__(self, method: str, hidden: int, layers: int, batch: int, width: int) -> None:
        shared: dict[str, Any] = {
            "task_type": "CAUSAL_LM",
            "r": RANK,
            "lora_alpha": RANK,
            "target_modules": TARGETS,
        }
        config = PreactConfig(**shared, num_experts=EXPERTS) if method == "P-React" else LoraConfig(**shared)
        with peft_noise_silenced():
            self.model = get_peft_model(backbone(hidden, layers), config)
        self.method, self.weights = method, {}
        self.router = Router(10, 64, EXPERTS)
        if method == "loop over 16":
            self._unfuse()
        for name, parameter in self.model.named_parameters():
            if "lora_B" in name or ".b." in name:
                nn.init.normal_(parameter, std=0.01)
        trained = [p for p in [*self.model.parameters(), *self.router.parameters()] if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
        generator = torch.Generator().manual_seed(1)
        self.ids = torch.randint(3, 8000, (batch, width), generator=generator)
        self.traits = torch.arange(batch) % 10

    def _unfuse(self) -> None:
        for name, module in list(self.model.named_modules()):
            if isinstance(module, LoraLayer):
                self.model.set_submodule(name, LoopLayer(module, self.weights))

    def loss(self) -> Tensor:
        """Equation 6 (LoRA: the language-modelling loss)."""
        options, rows = {}, None
        if self.method == "P-React":
            rows = self.model.base_model.router_weights()
            options = {"expert_weights": select(rows, self.traits)}
        elif self.method == "loop over 16":
            rows = self.router()
            self.weights["weights"] = rows[self.traits]
        loss = batch_loss(self.model, {"input_ids": self.ids, **options}, self.ids)
        loss = loss / self.ids.numel()
        return loss if rows is None else loss + 0.1 * personality_specialization(rows)

    def take(self) -> None:
        self.loss().backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def activations(self) -> int:
        """Bytes kept for the backward pass; each storage once, parameters left out."""
        parameters = {p.untyped_storage().data_ptr() for p in self.model.parameters()}
        sizes: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in parameters:
                sizes[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            self.loss().backward()
        self.optimizer.zero_grad(set_to_none=True)
        return sum(sizes.values())


def _peak(queue: Any, method: str, shape: tuple[int, int, int, int], threads: int) -> None:
    torch.set_num_threads(threads)
    step = Step(method, *shape)
    step.take()
    step.take()
    # Not getrusage: its figure is handed down from the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    queue.put(int(status.partition("VmHWM:")[2].split()[0]) * 1024)


def peak_memory(method: str, shape: tuple[int, int, int, int], threads: int) -> int:
    """The largest resident size of a process that takes two steps."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    worker = context.Process(target=_peak, args=(queue, method, shape, threads))
    worker.start()
    size = int(queue.get(timeout=600))
    worker.join()
    return size


def seconds(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def compare_methods(shape: tuple[int, int, int, int], repeats: int, threads: int) -> None:
    steps = {method: Step(method, *shape) for method in METHODS}
    parameters = sum(p.numel() for p in steps["peft LoRA"].model.base_model.model.parameters())
    trained = sum(p.numel() for p in steps["P-React"].model.parameters() if p.requires_grad)
    activations = {method: step.activations() for method, step in steps.items()}
    for step in steps.values():
        step.take()
    used = dict.fromkeys(METHODS, 0.0)
    turns: list[dict[str, float]] = []
    for _ in range(repeats):
        turns.append({})
        for method, step in steps.items():
            before = time.process_time()
            turns[-1][method] = seconds(step.take)
            used[method] += time.process_time() - before
    print(f"\nbatch {shape[2]} x {shape[3]}, {threads} threads, {repeats} turns")
    print(f"{parameters / 1e6:.0f} M parameters with adapters, {trained / 1e6:.1f} M trained")
    print(
        "| method | s/step | / LoRA (median, middle half) | CPU s / LoRA | activations | / LoRA | peak MiB"
        " | / LoRA |"
    )
    print("|---|---|---|---|---|---|---|---|")
    peaks = {method: peak_memory(method, shape, threads) for method in METHODS}
    for method in METHODS:
        ratios = [turn[method] / turn["peft LoRA"] for turn in turns]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"| {method} | {statistics.median(turn[method] for turn in turns):.3f}"
            f" | {middle:.3f} ({low:.3f} to {high:.3f}) | {used[method] / used['peft LoRA']:.3f}"
            f" | {activations[method] / 2**20:.1f} | {activations[method] / activations['peft LoRA']:.3f}"
            f" | {peaks[method] / 2**20:.0f} | {peaks[method] / peaks['peft LoRA']:.3f} |"
        )
    loop = statistics.median(turn["loop over 16"] / turn["P-React"] for turn in turns)
    print(f"the loop takes {loop:.2f} times as long as P-React")


def compare_packing(path: Path, threads: int, batch: int = 16, batches: int = 6) -> None:
    """Tokens a second of the real dialogues, padded and packed, with the tiny backbone's shape."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    talks = [
        [Message("user" if t["role"] == "questioner" else "assistant", t["text"]) for t in line["turns"]]
        for line in lines
    ]
    shape = TinyShape(steps=1)
    conversations = [tiny.conversation(talk) for talk in talks]
    built = tiny.build([], conversations, shape=shape, seed=0, progress=lambda *figures: None)
    with peft_noise_silenced():
        model = get_peft_model(
            built.model, PreactConfig(task_type="CAUSAL_LM", r=64, lora_alpha=64, target_modules=TARGETS)
        )
    encoded = [encode(built.tokenizer, talk, context=512, reply=256) for talk in talks]
    examples = [Example(e.ids, e.labels, i % 10) for i, e in enumerate(encoded) if e is not None]
    random.Random(0).shuffle(examples)
    collators = {packed: Collator(0, packed=packed, trait_ids=True) for packed in (False, True)}

    def run(packed: bool, at: int) -> None:
        use_packed_rows(model.get_base_model(), packed)
        collated = collators[packed](examples[at : at + batch])
        labels = collated.pop("labels")
        collated.pop("sequence_trait_ids")
        (batch_loss(model, collated, labels) / batch).backward()
        model.zero_grad(set_to_none=True)

    for at in (0, batch):
        run(False, at)
        run(True, at)
    turns = [(seconds(lambda a=at: run(False, a)), seconds(lambda a=at: run(True, a)))
             for at in range(0, batch * batches, batch)]  # fmt: skip
    tokens = sum(len(e.ids) for e in examples[: batch * batches])
    padded, packed = (sum(turn[i] for turn in turns) for i in (0, 1))
    print(f"\npacking: {len(examples)} dialogues, batches of {batch}, {threads} threads")
    print("| batches | tokens/s | ratio |\n|---|---|---|")
    print(f"| padded | {tokens / padded:,.0f} | 1 |")
    print(f"| packed | {tokens / packed:,.0f} | {padded / packed:.2f} (median of batches"
          f" {statistics.median(a / b for a, b in turns):.2f}) |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dialogues", type=Path, nargs="?", help="import file for the comparison of packing")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--width", type=int, default=128)
    options = parser.parse_args()
    prepare_cpu(options.threads)
    if options.dialogues is not None:
        compare_packing(options.dialogues, options.threads)
    compare_methods(
        (options.hidden, options.layers, options.batch, options.width), options.repeats, options.threads
    )


if __name__ == "__main__":
    main()
