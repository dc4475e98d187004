"""What peft promises of every method, tried on P-React.

Round trips, several adapters, switching off, merging, gradients, number formats and generation.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel, get_peft_model
from torch import Tensor

from preact.mixture.model import PreactConfig
from tests.preact.architectures import tiny
from tests.preact.conftest import micro_llama
from tests.preact.mixture.test_layer import TARGETS, adapted
from tests.preact.mixture.test_model import IDS, TRAITS, logits

SAME = torch.tensor([7, 7, 7, 7])
ARCHITECTURES = {
    "llama": TARGETS,
    "gpt2": ["c_attn", "c_fc"],
    "gpt-neox": ["query_key_value", "dense_h_to_4h"],
    "phi3": ["qkv_proj", "gate_up_proj"],
}


def on(architecture: str, **options: Any) -> Any:
    """An adapter on an architecture's tiny model, whose B is not zero."""
    targets = ARCHITECTURES[architecture]
    options = {"task_type": "CAUSAL_LM", "r": 32, "target_modules": targets, **options}
    model = get_peft_model(tiny(architecture), PreactConfig(**options))
    _stir(model, seed=1)
    return model.eval()


def _stir(model: Any, seed: int) -> None:
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.2)


@pytest.mark.filterwarnings("ignore:.*fan_in_fan_out.*:UserWarning")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_saved_and_loaded_under_another_name_it_answers_the_same(architecture: str, tmp_path: Path) -> None:
    model = on(architecture)
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(tiny(architecture), str(tmp_path), adapter_name="again").eval()
    assert loaded.active_adapter == "again" and list(loaded.base_model.preact_router) == ["again"]
    assert torch.equal(logits(loaded, trait_ids=TRAITS), logits(model, trait_ids=TRAITS))
    loaded.save_pretrained(tmp_path / "twice")
    first, second = tmp_path / "adapter_model.safetensors", tmp_path / "twice/again/adapter_model.safetensors"
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.filterwarnings("ignore:.*fan_in_fan_out.*:UserWarning")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_switched_off_it_is_the_backbone_and_switched_on_again_itself(architecture: str) -> None:
    model = on(architecture)
    before, backbone = logits(model, trait_ids=TRAITS), logits(tiny(architecture))
    with model.disable_adapter():
        assert torch.equal(logits(model), backbone) and torch.equal(logits(model, trait_ids=TRAITS), backbone)
    assert torch.equal(logits(model, trait_ids=TRAITS), before) and not torch.equal(before, backbone)


@pytest.mark.filterwarnings("ignore:.*fan_in_fan_out.*:UserWarning")
@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_merged_and_taken_out_again(architecture: str, safe: bool) -> None:
    model = on(architecture)
    backbone, alone = logits(tiny(architecture)), logits(model, trait_ids=SAME)
    model.merge_adapter(trait_id=7, safe_merge=safe)
    assert torch.allclose(logits(model), alone, atol=1e-3)
    model.unmerge_adapter()
    assert torch.allclose(logits(model, trait_ids=SAME), alone, atol=1e-3)
    merged = model.merge_and_unload(trait_id=7, safe_merge=safe)
    assert torch.allclose(logits(merged), alone, atol=1e-3) and not torch.allclose(alone, backbone, atol=1e-2)
    assert not any("lora" in name or "router" in name for name, _ in merged.named_parameters())


def test_safe_merging_refuses_weights_that_are_no_numbers() -> None:
    model = adapted().eval()
    next(p for name, p in model.named_parameters() if "lora_B" in name).data.fill_(float("nan"))
    with pytest.raises(ValueError, match="NaNs detected"):
        model.merge_adapter(trait_id=7, safe_merge=True)


def test_unloaded_the_backbone_is_as_it_was() -> None:
    bare = adapted().unload()
    assert torch.equal(logits(bare.eval()), logits(micro_llama()))


def _with_second() -> Any:
    model = adapted().eval()
    config = PreactConfig(task_type="CAUSAL_LM", r=16, target_modules=["q_proj", "down_proj"], num_experts=4)
    model.add_adapter("second", config)
    for name, parameter in model.named_parameters():
        if ".second." in name and "lora_B" in name:
            torch.nn.init.constant_(parameter, 0.3)
    return model.eval()


def test_adapters_of_other_sizes_are_added_switched_and_deleted() -> None:
    model = _with_second()
    first = logits(model, trait_ids=TRAITS)
    model.set_adapter("second")
    second = logits(model, trait_ids=TRAITS)
    assert not torch.allclose(first, second)
    model.set_adapter("default")
    assert torch.equal(logits(model, trait_ids=TRAITS), first)
    model.set_adapter("second")
    model.delete_adapter("default")
    assert list(model.peft_config) == ["second"] and list(model.base_model.preact_router) == ["second"]
    assert torch.equal(logits(model, trait_ids=TRAITS), second)
    assert not any(".default." in name for name, _ in model.named_parameters())


def test_adapters_are_saved_apart_and_loaded_together(tmp_path: Path) -> None:
    model = _with_second()
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(micro_llama(), str(tmp_path)).eval()
    loaded.load_adapter(str(tmp_path / "second"), adapter_name="second")
    for name in ("default", "second"):
        model.set_adapter(name)
        loaded.set_adapter(name)
        assert torch.equal(logits(loaded, trait_ids=TRAITS), logits(model, trait_ids=TRAITS))


def test_a_batch_of_several_trait_levels_is_each_of_them_alone() -> None:
    model = adapted().eval()
    mixed = logits(model, trait_ids=TRAITS)
    for row, trait in enumerate(TRAITS):
        with torch.no_grad():
            alone = model(input_ids=IDS[row : row + 1], trait_ids=trait.reshape(1)).logits
        assert torch.allclose(mixed[row : row + 1], alone, atol=1e-5)


def test_only_the_active_adapter_and_its_router_get_gradients() -> None:
    model = _with_second().train()
    model.set_adapter("second")
    model(input_ids=IDS, trait_ids=TRAITS, labels=IDS).loss.backward()
    touched = {name for name, p in model.named_parameters() if p.grad is not None}
    assert touched == {name for name, p in model.named_parameters() if p.requires_grad}
    assert any("preact_router.second" in name for name in touched)
    assert all(".second." in name for name in touched)


def test_a_step_changes_the_adapter_and_nothing_of_the_backbone() -> None:
    model = adapted().train()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    model(input_ids=IDS, trait_ids=TRAITS, labels=IDS).loss.backward()
    optimizer.step()
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed and all("lora_" in name or "preact_router" in name for name in changed)
    assert {"lora_A", "lora_B", "preact_router"} == {
        part for part in ("lora_A", "lora_B", "preact_router") if any(part in name for name in changed)
    }


def test_inference_mode_freezes_what_is_loaded(tmp_path: Path) -> None:
    adapted().save_pretrained(tmp_path)
    frozen = PeftModel.from_pretrained(micro_llama(), str(tmp_path))
    assert frozen.peft_config["default"].inference_mode and not any(
        p.requires_grad for p in frozen.parameters()
    )
    with torch.inference_mode():
        assert frozen(input_ids=IDS, trait_ids=TRAITS).logits.isfinite().all()
    trainable = PeftModel.from_pretrained(micro_llama(), str(tmp_path), is_trainable=True)
    assert any(p.requires_grad for p in trainable.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_adapters_are_trained_in_float32_on_backbones_in_half(dtype: torch.dtype) -> None:
    config = PreactConfig(task_type="CAUSAL_LM", r=32, target_modules=TARGETS)
    model = get_peft_model(micro_llama(dtype=dtype), config)
    _stir(model, seed=1)
    assert {p.dtype for p in model.parameters() if p.requires_grad} == {torch.float32}
    out = model(input_ids=IDS, trait_ids=TRAITS, labels=IDS)
    assert out.logits.dtype == dtype
    out.loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)


def test_modules_that_are_saved_whole_come_back(tmp_path: Path) -> None:
    model = adapted(modules_to_save=["lm_head"]).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "modules_to_save" in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(micro_llama(), str(tmp_path)).eval()
    answer = logits(loaded, trait_ids=TRAITS)
    assert torch.equal(answer, logits(model, trait_ids=TRAITS))
    assert not torch.equal(answer, logits(adapted().eval(), trait_ids=TRAITS))


def test_greedy_generation_is_the_argmax_token_by_token() -> None:
    model = adapted().eval()
    model.generation_config.eos_token_id = None
    written: Tensor = model.generate(input_ids=IDS, trait_ids=TRAITS, max_new_tokens=4, do_sample=False)
    ids = IDS
    for _ in range(4):
        with torch.no_grad():
            following = model(input_ids=ids, trait_ids=TRAITS).logits[:, -1].argmax(-1, keepdim=True)
        ids = torch.cat([ids, following], dim=1)
    assert torch.equal(written, ids)
