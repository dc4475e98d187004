"""A skeleton is the model without its weights."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from preact.backbones.skeleton import skeleton
from tests.preact.architectures import CONFIGS


@pytest.mark.parametrize("architecture", ["llama", "gemma3", "falcon-alibi", "gpt2", "gpt-oss"])
def test_a_skeleton_has_the_models_modules_and_computed_buffers(architecture: str) -> None:
    whole = AutoModelForCausalLM.from_config(CONFIGS[architecture](), dtype=torch.bfloat16)
    bare = skeleton(CONFIGS[architecture](), torch.bfloat16)
    assert all(parameter.is_meta for parameter in bare.parameters()) and not bare.training
    ours, theirs = dict(bare.named_parameters()), dict(whole.named_parameters())
    assert {name: (p.shape, p.dtype) for name, p in ours.items()} == {
        name: (p.shape, p.dtype) for name, p in theirs.items()
    }
    computed = dict(whole.named_buffers())
    assert dict(bare.named_buffers()).keys() == computed.keys()
    assert all(torch.equal(buffer, computed[name]) for name, buffer in bare.named_buffers())
