"""Which file holds a weight, by the headers alone."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from preact.backbones.skeleton import skeleton
from preact.backbones.tensor_files import files_of
from tests.preact.architectures import CONFIGS, tiny


def saved(folder: Path, architecture: str, **more: torch.Tensor) -> tuple[Any, dict[str, Path]]:
    """A skeleton, and its weights in two files; those of `more` are put in or changed."""
    weights = {**{k: v.contiguous() for k, v in tiny(architecture).state_dict().items()}, **more}
    names = sorted(weights)
    files = {}
    for file, some in (("1.safetensors", names[::2]), ("2.safetensors", names[1::2])):
        files[file] = folder / file
        save_file({name: weights[name].clone() for name in some}, files[file])
    return skeleton(CONFIGS[architecture](), torch.float32), files


def test_each_weight_is_found_once_and_what_is_not_the_models_is_passed_over(tmp_path: Path) -> None:
    old = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}
    model, files = saved(tmp_path, "llama", **old)
    holders = files_of(model, files)
    assert holders is not None and set(holders.values()) == set(files.values())
    assert set(holders) == {name for name, _ in model.named_parameters()}


def test_a_weight_of_another_shape_or_in_no_file_ends_the_search(tmp_path: Path) -> None:
    model, files = saved(tmp_path, "llama", **{"model.norm.weight": torch.ones(3)})
    assert files_of(model, files) is None
    assert files_of(model, {}) is None


def test_tied_weights_need_one_of_their_names(tmp_path: Path) -> None:
    model, files = saved(tmp_path, "gemma2")
    holders = files_of(model, files) or {}
    assert len({"lm_head.weight", "model.embed_tokens.weight"} & set(holders)) == 1
