"""The peft method and the known pitfalls of building one outside peft, each by its number."""

import copy
import itertools
import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel, get_peft_model
from peft.utils import PeftType

from oceanchat.errors import ConfigError, TrainingError
from preact.mixture.model import PreactConfig, register
from preact.training.adapters import peft_noise_silenced
from tests.preact.architectures import tiny
from tests.preact.conftest import micro_llama
from tests.preact.mixture.test_layer import TARGETS, adapted

IDS = torch.randint(3, 97, (4, 12), generator=torch.Generator().manual_seed(2))
TRAITS = torch.tensor([0, 3, 3, 9])


def logits(model: Any, **options: Any) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = model(input_ids=IDS, **options).logits
    return out


def gradients(model: Any) -> dict[str, torch.Tensor]:
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def test_registering_twice_changes_nothing() -> None:
    before = list(PeftType)
    register()
    assert list(PeftType) == before and PeftType("PREACT").name == "PREACT"


def _spawned(queue: Any, folder: str) -> None:
    queue.put(logits(PeftModel.from_pretrained(micro_llama(), folder).eval(), trait_ids=TRAITS).tolist())


@pytest.mark.slow
def test_a_spawned_worker_knows_the_method(tmp_path: Path) -> None:
    model = adapted().eval()
    model.save_pretrained(tmp_path)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    worker = context.Process(target=_spawned, args=(queue, str(tmp_path)))
    worker.start()
    theirs = torch.tensor(queue.get(timeout=240))
    worker.join()
    # Another process may add up in another order, so its floats need not be ours to the last place.
    assert torch.allclose(theirs, logits(model, trait_ids=TRAITS), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(theirs, logits(model, trait_ids=TRAITS.flip(0)), rtol=1e-4, atol=1e-6)


def test_trait_ids_reach_the_gate_1() -> None:
    model = adapted().eval()
    assert not torch.allclose(logits(model, trait_ids=TRAITS), logits(model, trait_ids=TRAITS.flip(0)))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_checkpointing_recomputes_under_its_own_gate_3(accumulate: int) -> None:
    def run(model: Any) -> dict[str, torch.Tensor]:
        model.train()
        passes = [TRAITS, TRAITS.flip(0)][:accumulate]
        # Both forward passes come before any backward pass: a gate left lying about would be the wrong one.
        losses = [model(input_ids=IDS, trait_ids=traits, labels=IDS).loss for traits in passes]
        sum(losses).backward()
        return gradients(model)

    plain, checkpointed = adapted(), adapted()
    checkpointed.activation_checkpointing_enable()
    stored, recomputed = run(plain), run(checkpointed)
    assert stored.keys() == recomputed.keys() and any("preact_router" in name for name in stored)
    assert all(torch.equal(stored[name], recomputed[name]) for name in stored)


def test_checkpointing_switched_on_before_wrapping_sees_its_gate_3() -> None:
    base = micro_llama()
    base.activation_checkpointing_enable()
    model = get_peft_model(base, PreactConfig(task_type="CAUSAL_LM", r=32, target_modules=TARGETS)).train()
    model(input_ids=IDS, trait_ids=TRAITS, labels=IDS).loss.backward()
    assert any("lora_B" in name for name in gradients(model))


def test_reentrant_checkpointing_is_refused_3() -> None:
    with pytest.raises(ConfigError, match="use_reentrant"):
        adapted().gradient_checkpointing_enable({"use_reentrant": True})


def test_a_second_adapter_has_a_router_of_its_own_4(tmp_path: Path) -> None:
    other = adapted().eval()
    torch.nn.init.normal_(other.base_model.preact_router["default"].personality)
    other.save_pretrained(tmp_path)
    model = adapted().eval()
    model.load_adapter(str(tmp_path), adapter_name="second")
    model.set_adapter("second")
    assert torch.equal(logits(model, trait_ids=TRAITS), logits(other, trait_ids=TRAITS))
    model.set_adapter("default")
    model.delete_adapter("second")
    assert list(model.base_model.preact_router) == ["default"]


@pytest.mark.parametrize("low", [False, True], ids=["plain", "low_cpu_mem_usage"])
def test_save_and_load_give_the_same_model_frozen_5_6(tmp_path: Path, low: bool) -> None:
    model = adapted().eval()
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(micro_llama(), str(tmp_path), low_cpu_mem_usage=low).eval()
    assert torch.equal(logits(loaded, trait_ids=TRAITS), logits(model, trait_ids=TRAITS))
    assert not any(p.requires_grad or p.is_meta for p in loaded.parameters())
    again = PeftModel.from_pretrained(micro_llama(), str(tmp_path), is_trainable=True)
    assert all(p.requires_grad for p in again.base_model.preact_router.parameters())


def test_only_adapter_router_and_vectors_are_trained_and_saved(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    model = adapted()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert all("lora_" in name or "preact_router" in name for name in trained)
    model.save_pretrained(tmp_path)
    assert len(load_file(tmp_path / "adapter_model.safetensors")) == len(trained)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_the_gate_breaks_no_graph_7() -> None:
    model = adapted().eval()
    explained = torch._dynamo.explain(model)(input_ids=IDS, trait_ids=TRAITS)
    assert explained.graph_break_count == 0


def test_loading_without_importing_preact_says_preact_8(tmp_path: Path) -> None:
    adapted().save_pretrained(tmp_path)
    code = f"from peft import PeftConfig; PeftConfig.from_pretrained({str(tmp_path)!r})"
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert failed.returncode != 0 and "PREACT" in failed.stderr


def test_merging_needs_a_trait_level_and_keeps_the_gate_9() -> None:
    model = adapted().eval()
    expected, mixed = logits(model, trait_ids=torch.full((4,), 7)), logits(model, trait_ids=TRAITS)
    for refused in (model.merge_adapter, model.merge_and_unload):
        with pytest.raises(TrainingError, match="cannot be merged"):
            refused()
    with pytest.raises(TrainingError, match="persona"):
        model.add_weighted_adapter(["default"], [1.0], "both")
    model.merge_adapter(trait_id=7)
    assert torch.allclose(logits(model), expected, atol=1e-5)
    model.unmerge_adapter()
    assert torch.allclose(logits(model, trait_ids=TRAITS), mixed, atol=1e-5)
    merged = model.merge_and_unload(trait_id=7)
    assert torch.allclose(logits(merged), expected, atol=1e-5)


def test_a_merged_model_answers_as_the_trait_level_in_it_and_as_no_other() -> None:
    model = adapted().eval()
    expected, backbone = logits(model, trait_ids=torch.full((4,), 7)), logits(micro_llama())
    model.merge_adapter(trait_id=7)
    assert torch.allclose(logits(model, trait_ids=torch.full((4,), 7)), expected, atol=1e-5)
    others = {"trait_ids": TRAITS}, {"expert_weights": model.base_model.router_weights()[3]}
    for options in others:
        with pytest.raises(TrainingError, match="unmerge_adapter first"):
            logits(model, **options)
    with pytest.raises(TrainingError, match="unmerge_adapter first"):
        model.generate(input_ids=IDS, trait_ids=TRAITS, max_new_tokens=2)
    with pytest.raises(TrainingError, match="unmerge_adapter first"):
        model.merge_adapter(trait_id=3)
    with model.disable_adapter():
        assert torch.allclose(logits(model), backbone, atol=1e-5)
    assert torch.allclose(logits(model), expected, atol=1e-5)


def test_no_trait_level_is_an_error_11() -> None:
    model = adapted().eval()
    with pytest.raises(TrainingError, match="no trait-level"):
        model(input_ids=IDS)
    with pytest.raises(TrainingError, match="no trait-level"):
        model.generate(input_ids=IDS, max_new_tokens=2)
    with pytest.raises(TrainingError, match="one of them"):
        model(input_ids=IDS, trait_ids=TRAITS, expert_weights=torch.ones(16))
    with model.disable_adapter():
        assert torch.equal(logits(model), logits(micro_llama().eval()))


@pytest.mark.parametrize(("beams", "answers"), list(itertools.product([1, 3], [1, 3])))
def test_beams_and_several_answers_keep_each_prompt_under_its_gate_12(beams: int, answers: int) -> None:
    model = adapted().eval()
    options = {"max_new_tokens": 5, "num_beams": beams, "do_sample": False, "pad_token_id": 0}
    if beams < answers:
        options.update(do_sample=True, top_k=1)
    together = model.generate(input_ids=IDS, trait_ids=TRAITS, num_return_sequences=answers, **options)
    for row in range(4):
        alone = model.generate(
            input_ids=IDS[row : row + 1],
            trait_ids=TRAITS[row : row + 1],
            num_return_sequences=answers,
            **options,
        )
        assert torch.equal(together[row * answers : (row + 1) * answers], alone)


def test_generation_takes_no_ids_a_token() -> None:
    with pytest.raises(TrainingError, match="one trait id per sequence"):
        adapted().generate(input_ids=IDS, trait_ids=torch.zeros_like(IDS))


def test_expert_weights_stand_for_mixtures() -> None:
    model = adapted().eval()
    rows = model.base_model.router_weights().detach()
    assert torch.allclose(logits(model, expert_weights=rows[3]), logits(model, trait_ids=torch.full((4,), 3)))
    assert torch.allclose(logits(model, expert_weights=rows[TRAITS]), logits(model, trait_ids=TRAITS))


def test_a_uniform_router_ties_all_trait_levels_exactly() -> None:
    model = adapted(router="uniform").eval()
    assert torch.equal(logits(model, trait_ids=TRAITS), logits(model, trait_ids=TRAITS.flip(0)))


def test_bfloat16_backbones_keep_their_number_format() -> None:
    model = get_peft_model(
        micro_llama(dtype=torch.bfloat16), PreactConfig(task_type="CAUSAL_LM", r=32, target_modules=TARGETS)
    )
    out = model(input_ids=IDS, trait_ids=TRAITS)
    assert out.logits.dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        model(input_ids=IDS, trait_ids=TRAITS, labels=IDS).loss.backward()
    assert all(g.dtype == torch.float32 for g in gradients(model).values())


@pytest.mark.parametrize(
    "options",
    [{"r": 30}, {"r": 32, "router": "odd"}, {"r": 32, "use_dora": True}, {"r": 32, "num_experts": 0}],
)
def test_configs_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        PreactConfig(**options)


def test_embeddings_are_no_target() -> None:
    with pytest.raises(ConfigError, match="not a linear layer"):
        get_peft_model(
            micro_llama(), PreactConfig(task_type="CAUSAL_LM", r=32, target_modules=["embed_tokens"])
        )


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"init_lora_weights": "pissa_niter_4"}, "rewrites the backbone"),
        ({"init_lora_weights": "OLoRA"}, "rewrites the backbone"),
        ({"use_qalora": True}, "use_qalora does not combine"),
        ({"target_parameters": ["mlp.experts.down_proj"]}, "target_parameters does not combine"),
        ({"rank_pattern": {"q_proj": 24}}, "rank_pattern 'q_proj: 24' cannot be shared by 16 experts"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_edits_the_backbone_or_passes_by_the_gate_is_refused(
    option: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        PreactConfig(task_type="CAUSAL_LM", r=32, target_modules=TARGETS, **option)


@pytest.mark.parametrize("init", ["gaussian", "orthogonal", True, False])
def test_other_starts_leave_the_backbone_as_it_is(init: Any) -> None:
    model = adapted(init_lora_weights=init).eval()
    with model.disable_adapter():
        assert torch.equal(logits(model), micro_llama().eval()(input_ids=IDS).logits)


def test_a_model_is_copied_after_a_forward_pass() -> None:
    model = adapted().train()
    model(input_ids=IDS, trait_ids=TRAITS, labels=IDS).loss.backward()
    twin = copy.deepcopy(model)
    assert torch.equal(logits(twin.eval(), trait_ids=TRAITS), logits(model.eval(), trait_ids=TRAITS))


def test_a_backbone_that_keeps_its_weights_transposed_is_merged_right() -> None:
    config = PreactConfig(task_type="CAUSAL_LM", r=32, target_modules=["c_attn", "c_fc", "mlp.c_proj"])
    with peft_noise_silenced():
        model = get_peft_model(tiny("gpt2"), config).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    expected = logits(model, trait_ids=torch.full((4,), 7))
    merged = model.merge_and_unload(trait_id=7)
    assert torch.allclose(logits(merged), expected, atol=1e-3)
