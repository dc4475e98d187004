"""What a run says before its first step, and a dry run that leaves nothing behind."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from oceanchat.errors import TrainingError
from preact.backbones.tiny import save
from preact.config import PAPER_RECIPE, TINY_RECIPE, config_like
from preact.dialogues.batches import Example
from preact.dialogues.conversation import IGNORED
from preact.training.start_up import Memory, TriedTraining, estimate_memory, learns_to_end, trial_lines
from preact.training.train import train
from tests.preact.architectures import tiny
from tests.preact.backbones.test_modules import SEPARATE
from tests.preact.cli.test_training import call
from tests.preact.conftest import MICRO, Run, micro_config, micro_llama
from tests.preact.tiny_models import tiny_backbone


def test_a_dry_run_says_what_would_be_done_and_leaves_nothing(release_folder: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    config = micro_config(release_folder, tmp_path / "run")
    record = train(config, lines.append, dry=True)
    assert record.steps == 0 and not (tmp_path / "run").exists()
    text = "\n".join(lines)
    for part in (
        "adapted: q_proj, k_proj, v_proj, gate_proj, up_proj, down_proj (2 each)",
        f"dialogues: {record.release.dialogues}, {record.release.cut} cut and",
        "template: earlier turns stay as they are, and answers learn to end",
        "packing: two dialogues in one row are what they are alone",
        "% of the backbone's",
        "memory: about",
        "at the pace of",
        f"2 of its {config.tiny.steps} steps",
    ):
        assert part in text, text
    of_backbone = f"s for the tiny backbone's {config.tiny.steps} steps, before those of the method"
    assert sum(line.startswith("time: roughly ") and of_backbone in line for line in lines) == 1
    assert record.estimate is not None and (record.estimate.backbone_seconds or 0) > 0


def test_a_dry_run_of_the_command_and_its_contradiction(release_folder: Path, tmp_path: Path) -> None:
    options = ("--pretrain-steps", 1, "--threads", 1, "--rank", 16, "--dry-run")
    done = call("train", release_folder, "-o", tmp_path / "run", *options)
    assert done.stdout.startswith("dry run: nothing was trained") and not (tmp_path / "run").exists()
    both = call("train", "-o", tmp_path / "run", "--resume", "--dry-run")
    assert "--dry-run does not combine with --resume" in str(both.exception)


def test_what_is_said_changes_nothing_of_the_run(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    config = micro_config(release_folder, tmp_path / "run", backbone=preact_run.backbone, max_steps=2)
    first = train(config, lines.append)
    again = train(config.model_copy(update={"output": str(tmp_path / "again")}), lines.append)
    assert first.final == again.final


def test_a_backbone_that_cannot_be_packed_is_refused_before_training(
    release_folder: Path, tmp_path: Path
) -> None:
    backbone = tiny_backbone()
    folder = tmp_path / "falcon"
    save(backbone._replace(model=tiny("falcon", vocabulary=len(backbone.tokenizer))), folder, MICRO, 1)
    (folder / "tiny.json").unlink()
    config = micro_config(release_folder, tmp_path / "run", backbone=str(folder))
    with pytest.raises(TrainingError, match="--packing does not fit this backbone"):
        train(config, lambda line: None)
    assert not (tmp_path / "run").exists()
    unpacked = config.model_copy(update={"recipe": config.recipe.model_copy(update={"packing": False})})
    assert train(unpacked.model_copy(update={"max_steps": 1}), lambda line: None).steps == 1


def test_a_run_like_another_finds_the_modules_of_its_own_architecture(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    backbone = tiny_backbone()
    folder = tmp_path / "mixtral"
    save(backbone._replace(model=tiny("mixtral", vocabulary=len(backbone.tokenizer))), folder, MICRO, 1)
    (folder / "tiny.json").unlink()
    packed = {"packing": False}
    config = config_like(
        preact_run.record.config,
        recipe=packed,
        backbone=str(folder),
        output=str(tmp_path / "run"),
        max_steps=1,
    )
    lines: list[str] = []
    record = train(config, lines.append)
    assert record.adapted == {"q_proj": 2, "k_proj": 2, "v_proj": 2} and record.untouched > 0
    assert f"the feed-forward experts ({record.untouched:,} parameters) stay" in "\n".join(lines)


def test_an_answer_without_an_end_is_noticed() -> None:
    ended = Example([5, 6, 2, 7, 8, 2], [IGNORED, 6, 2, IGNORED, 8, 2], 0)
    open_ended = Example([5, 6, 2, 7, 8, 9], [IGNORED, 6, 2, IGNORED, 8, 9], 0)
    assert learns_to_end([ended], {2}) and learns_to_end([open_ended], {2, 9})
    assert not learns_to_end([ended, open_ended], {2})


def test_memory_grows_with_what_takes_it() -> None:
    examples = [Example([1] * length, [1] * length, 0) for length in (10, 20, 30)]
    model = get_peft_model(micro_llama(), LoraConfig(r=8, target_modules=["q_proj"]))
    packed = TINY_RECIPE.model_copy(update={"micro_batch": 2, "precision": "float32"})
    whole = estimate_memory(packed, model, examples)
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    assert whole.weights == 4 * frozen and whole.adapter == 16 * 2 * 2 * 8 * 32
    padded = estimate_memory(packed.model_copy(update={"packing": False}), model, examples)
    half = estimate_memory(packed.model_copy(update={"precision": "mixed"}), model, examples)
    checkpointed = estimate_memory(
        packed.model_copy(update={"gradient_checkpointing": True}), model, examples
    )
    assert half.activations < whole.activations < padded.activations
    assert checkpointed.activations < whole.activations
    assert whole.total == sum(whole)


def test_a_busy_machine_is_named_beside_the_time_that_it_makes_long() -> None:
    trial = TriedTraining(1000, 0.5, Memory(2**30, 2**30, 2**30, 2**30), 30, 600.0, 4, 0.5)
    lines = list(trial_lines(trial, TINY_RECIPE, 1))
    assert lines[1].startswith("memory: about 4.0 GiB (") and "1.0 the process itself)" in lines[1]
    assert lines[2].startswith("time: roughly 10 minutes for 30 steps")
    assert "2 times as long; alone the run would take roughly 5 minutes or less" in lines[3]
    assert len(list(trial_lines(trial._replace(seconds=2.0), TINY_RECIPE, 1))) == 3
    on_accelerator = trial._replace(memory=Memory(2**30, 2**30, 2**30), undisturbed=0.9)
    lines = list(trial_lines(on_accelerator, TINY_RECIPE, 1))
    assert len(lines) == 3 and "itself" not in lines[1]


def test_memory_at_the_shape_of_llama_2_7b_is_what_a_gpu_took() -> None:
    with torch.device("meta"):
        base = LlamaForCausalLM(LlamaConfig()).to(torch.bfloat16)
    model = get_peft_model(
        base, LoraConfig(r=256, target_modules=list(SEPARATE)), autocast_adapter_dtype=False
    )
    examples = [Example([1] * 768, [1] * 768, 0)] * 16
    for checkpointing, gib in ((False, 83.7), (True, 23.4)):  # benchmarks/gpu_step.py
        recipe = PAPER_RECIPE.model_copy(update={"gradient_checkpointing": checkpointing})
        assert estimate_memory(recipe, model, examples).total / 2**30 == pytest.approx(gib, rel=0.02)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_activations_are_those_that_the_backward_pass_keeps(precision: str) -> None:
    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 2}
    base = LlamaForCausalLM(LlamaConfig(vocab_size=97, **shape)).to(getattr(torch, precision))
    model = get_peft_model(base, LoraConfig(r=16, target_modules=list(SEPARATE))).train()
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    stored: dict[int, torch.Tensor] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        # Two-dimensional ones with a side of the rank are the adapters' copies, counted elsewhere.
        if tensor.untyped_storage().data_ptr() not in weights and not (
            tensor.dim() == 2 and 16 in tensor.shape
        ):
            stored[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32"),
    ):
        model.get_base_model().model(input_ids=torch.randint(3, 97, (4, 128)), use_cache=False)
    examples = [Example([1] * 128, [IGNORED] * 127 + [1], 0)] * 4
    recipe = PAPER_RECIPE.model_copy(update={"precision": precision, "micro_batch": 4})
    logits = 4 * 128 * 97 * (4 if precision == "float32" else 2)
    blocks = estimate_memory(recipe, model, examples).activations - logits
    assert blocks == pytest.approx(sum(t.untyped_storage().nbytes() for t in stored.values()), rel=0.1)
