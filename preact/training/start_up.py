"""What a run says before its first step.

What is adapted and trained, whether the template keeps turns and answers learn to end, what was cut, whether
packing is right on this backbone, and about how much memory and time it will take. A few dialogues
are tried. It knows nothing of run folders.
"""

import heapq
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from oceanchat.counting import counted
from oceanchat.spool import joined
from oceanchat.time_left import duration
from preact.backbones.four_bit import bytes_beside
from preact.backbones.identity import count_parameters
from preact.backbones.packed_attention import check_packing, packed_rows
from preact.config import Recipe, TrainConfig
from preact.dialogues.batches import Collator, Example, by_length, on_device
from preact.dialogues.conversation import IGNORED
from preact.dialogues.encoding import Encodings
from preact.methods import METHODS
from preact.training.objective import batch_loss
from preact.training.running import memory_in_one_line
from preact.training.sharding import gathered_bytes, held_bytes, is_sharded
from preact.training.stages import AdapterData
from preact.training.this_process import held_memory, waited_for_processors

_TRIED = 64
"""Tokens of each of the two dialogues that packing is tried on."""
_PATIENCE = 6.0
"""Seconds that the dialogues tried for the estimate of the time may take."""
_KEPT_BY_CPU = 0.8
"""Bytes that a CPU's allocator keeps for each byte of adapter and activations: freed, too scattered to give
back. It was 0.5 to 0.9 with SmolLM2, ranks 16 to 256, micro-batches of 4 and 16, after three to six steps."""
_BUSY = 0.7
"""Share of a try's time below which a run says that other programs slowed it down."""
_LONG = 60
"""Seconds that a run has to take before it matters how long it would take alone."""
_GIB = 2**30


class Memory(NamedTuple):
    """Bytes that training takes, by formula."""

    weights: int
    """Those that a process holds, and where they are shared the parts it gathers."""
    adapter: int
    """Adapter, gradients, the optimizer's two moments (a byte each in 8 bits), copies to multiply with."""
    activations: int
    """What the largest micro-batch keeps for the backward pass."""
    process: int = 0
    """On a CPU, what is held beside: libraries, dialogues, and what the allocator does not give back."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self)


class TriedTraining(NamedTuple):
    """What trying a few dialogues says of a training."""

    trained: int
    """Parameters."""
    share: float
    """Of the backbone's parameters."""
    memory: Memory
    """Of one process."""
    steps: int
    seconds: float | None
    """For all steps; None where processes share the weights, which is not tried."""
    dialogues: int
    """How many were tried at once."""
    undisturbed: float = 1.0
    """Share of the try's time that it would take alone, at most."""


def learns_to_end(examples: Sequence[Example], stop_ids: set[int]) -> bool:
    """Whether every answer's last token of loss is one that generation stops at."""
    return all(
        label in stop_ids
        for e in examples
        for label, following in zip(e.labels, [*e.labels[1:], IGNORED], strict=True)
        if label != IGNORED and following == IGNORED
    )


def data_lines(encodings: Encodings, tokenizer: Any, model: Any) -> Iterator[str]:
    """What was read, and what of it is learnt."""
    lengths = [len(e.ids) for e in encodings.examples]
    yield (
        f"dialogues: {len(lengths)}, {encodings.cut} cut and {encodings.dropped} left out at the lengths;"
        f" {sum(lengths) / len(lengths):.0f} tokens in the mean, {max(lengths)} at most"
    )
    if learns_to_end(encodings.examples, _stop_ids(tokenizer, model)):
        yield "template: earlier turns stay as they are, and answers learn to end"
    else:
        yield (
            "note: answers do not learn to end: the backbone's chat template closes them with no token of"
            " their own, so they may run up to --max-tokens"
        )


def _stop_ids(tokenizer: Any, model: Any) -> set[int]:
    ends = getattr(model.generation_config, "eos_token_id", None)
    ends = ends if isinstance(ends, list) else [ends]
    return {int(i) for i in (*ends, tokenizer.eos_token_id) if i is not None}


def packing_lines(config: TrainConfig, model: Any, examples: Sequence[Example], pad_id: int) -> Iterator[str]:
    """Try two dialogues packed and padded. Raises TrainingError when they differ."""
    if not config.recipe.packing:
        return
    rows = [e.ids[:_TRIED] for e in heapq.nsmallest(2, examples, key=lambda e: len(e.ids))]
    difference = check_packing(model, rows * (2 // len(rows)), pad_id)
    yield f"packing: two dialogues in one row are what they are alone (logits differ by {difference:.1g})"


def try_training(
    config: TrainConfig, model: Any, stages: Sequence[AdapterData], pad_id: int, processes: int
) -> TriedTraining:
    """What the adapted model trains, and an estimate of memory and time.

    Raises TrainingError without memory.
    """
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    share = trained / max(1, count_parameters(model.get_base_model()) - trained)
    examples = joined(*(stage.training for stage in stages))
    memory = estimate_memory(config.recipe, model, stages[0].training)
    if model.device.type == "cpu":
        memory = memory._replace(process=_beside(memory, trained))
    batch, epochs = config.recipe.batch_size, config.recipe.epochs
    steps = config.max_steps or sum((math.ceil(len(s.training) / batch) * epochs for s in stages), 0.0)
    trial = TriedTraining(trained, share, memory, round(steps), None, 0)
    if is_sharded(model):
        return trial
    dialogues = min(len(examples) * epochs, steps * batch)
    tokens = dialogues * sum(len(e.ids) for e in examples) / len(examples)
    pace = measure_pace(config, model, examples, pad_id)
    seconds = tokens * pace.seconds / processes
    return trial._replace(seconds=seconds, dialogues=pace.dialogues, undisturbed=pace.undisturbed)


def trial_lines(trial: TriedTraining, recipe: Recipe, processes: int) -> Iterator[str]:
    """A trial, a line each."""
    yield f"trained: {trial.trained:,} parameters, {trial.share:.1%} of the backbone's"
    memory = trial.memory
    weights, adapter, activations, process = (f"{part / _GIB:.1f}" for part in memory)
    on_cpu = f", {process} the process itself" if memory.process else ""
    a_process = " a process" if processes > 1 else ""
    yield (
        f"memory: about {memory.total / _GIB:.1f} GiB{a_process} ({weights} weights, {adapter} adapter and"
        f" optimizer, {activations} activations of {counted(recipe.micro_batch, 'dialogue')}{on_cpu})"
    )
    if trial.seconds is not None:
        yield (
            f"time: roughly {duration(trial.seconds)} for {counted(trial.steps, 'step')}, at the pace of"
            f" {trial.dialogues} tried at once just now"
        )
        if trial.undisturbed < _BUSY and trial.seconds > _LONG:
            yield (
                f"note: other programs keep this machine busy and make that {1 / trial.undisturbed:.0f} times"
                f" as long; alone the run would take roughly {duration(trial.seconds * trial.undisturbed)}"
                " or less"
            )


def _beside(memory: Memory, trained: int) -> int:
    """Bytes that this process holds before it trains, the model aside, and that its allocator will keep."""
    process = max(0, held_memory() - memory.weights - 4 * trained)
    return process + round(_KEPT_BY_CPU * (memory.adapter + memory.activations))


def estimate_memory(recipe: Recipe, model: Any, examples: Sequence[Example]) -> Memory:
    """Bytes in one process, by the sizes of the model and of the largest micro-batch.

    A block of a Llama keeps, a token, 4 vectors of the feed-forward size, one of the rank for each adapted
    module, and of the hidden size 8 in float32, 10 in bfloat16 (norms stay in float32) and 13 where adapters
    in float32 make copies of what they read. With checkpointing one block at a time is kept, and not beside
    the logits. At Llama-2-7B's shape with adapters in bfloat16 this gives 83.9 GiB, and 23.5 with
    checkpointing; an H200 took 83.7 and 23.4. Other architectures keep more or less.
    """
    lora = [p for name, p in model.named_parameters() if "lora_A" in name and p.requires_grad]
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    total = sum(held_bytes(p) for p in model.parameters() if not p.requires_grad) + gathered_bytes(model)
    half, width = recipe.precision != "float32", lora[0].element_size()
    copied = half and width == 4
    if recipe.precision == "mixed" and not recipe.gradient_checkpointing:
        total += total // 2  # the backward pass multiplies by copies in bfloat16
    total += bytes_beside(model)
    moments = 2 * width if recipe.optimiser == "adamw" else 2
    adapter = trained * (2 * width + moments + 2 * copied)
    activations = _activations(recipe, model, examples, sum(p.shape[0] for p in lora), copied)
    return Memory(total, adapter, activations)


def _activations(recipe: Recipe, model: Any, examples: Sequence[Example], ranks: int, copied: bool) -> int:
    """Bytes kept for the backward pass; `ranks` is the sum of the ranks of all adapted modules."""
    text = model.get_base_model().config.get_text_config()
    size = 4 if recipe.precision == "float32" else 2
    lengths = sorted((len(e.ids) for e in examples), reverse=True)[: recipe.micro_batch]
    tokens = sum(lengths) if recipe.packing else len(lengths) * lengths[0]
    hidden, layers = int(text.hidden_size), int(text.num_hidden_layers)
    wide: int = getattr(text, "intermediate_size", None) or 4 * hidden
    vectors = 8 if size == 4 else 13 if copied else 10
    blocks = tokens * size * (layers * (vectors * hidden + 4 * wide) + ranks)
    counts = [(sum(label != IGNORED for label in e.labels), len(e.ids)) for e in examples]
    labeled = sum(own for own, _ in counts) / sum(length for _, length in counts)
    logits = int(tokens * int(text.vocab_size) * (labeled * 8 if recipe.packing else size + labeled * 8))
    if recipe.gradient_checkpointing:
        return layers * tokens * size * hidden + max(blocks // layers, logits)
    return blocks + logits


class TriedPace(NamedTuple):
    """How fast training was in a try."""

    seconds: float
    """A token, forward and backward."""
    dialogues: int
    """How many were tried at once."""
    undisturbed: float
    """Share of the time that it would take alone, on a busy machine by a single thread and so at most."""


class _Tried(NamedTuple):
    """A forward and backward pass."""

    seconds: float
    alone: float
    """Seconds, had no other program taken part of the processors."""


def measure_pace(config: TrainConfig, model: Any, examples: Sequence[Example], pad_id: int) -> TriedPace:
    """Try dialogues of middling length: one, then as many of a micro-batch as take some seconds.

    One alone is far slower a token than a batch on a small backbone. Raises TrainingError without memory.
    """
    ordered = by_length(examples)
    middle = len(ordered) // 2
    model.train()
    with memory_in_one_line(), packed_rows(model.get_base_model(), config.recipe.packing):
        for _ in range(2):
            one = _try(config, model, ordered[middle : middle + 1], pad_id)
        # The trainer switches checkpointing on later: without it a whole micro-batch may not fit.
        most = 1 if config.recipe.gradient_checkpointing else config.recipe.micro_batch
        count = max(1, min(most, len(ordered), int(_PATIENCE / one.seconds)))
        first = middle - count // 2
        examples = ordered[first : first + count]
        tried = alone = _try(config, model, examples, pad_id)
        if tried.alone < _BUSY * tried.seconds and model.device.type == "cpu":
            # A thread that is kept waiting makes the others spin, which the kernel takes for work.
            with _one_thread():
                alone = _try(config, model, examples, pad_id)
    repeated = 4 / 3 if config.recipe.gradient_checkpointing else 1.0
    a_token = repeated * tried.seconds / sum(len(e.ids) for e in examples)
    return TriedPace(a_token, count, min(1.0, alone.alone / tried.seconds))


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _try(config: TrainConfig, model: Any, examples: Sequence[Example], pad_id: int) -> _Tried:
    recipe, device = config.recipe, model.device
    collator = Collator(pad_id, packed=recipe.packing, trait_ids=METHODS[config.method].has_experts)
    batch = on_device(collator(examples), device)
    batch.pop("sequence_trait_ids")
    labels = batch.pop("labels")
    # Threads that compute together wait together: each loses its part of the sum.
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    began, waited = time.perf_counter(), waited_for_processors(threads)
    with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision != "float32"):
        loss = batch_loss(model, batch, labels)
    torch.autograd.backward(loss)
    if device.type != "cpu":
        torch.accelerator.synchronize()
    model.zero_grad(set_to_none=True)
    seconds = time.perf_counter() - began
    waited = waited_for_processors(threads) - waited
    return _Tried(seconds, max(seconds / 20, seconds - waited / threads))
