"""A process reads its own part of each weight."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import distributed
from torch.distributed.tensor import DTensor
from torch.testing._internal.distributed.fake_pg import FakeStore

from oceanchat.errors import TrainingError
from preact.backbones.backbone import load, outline
from preact.backbones.four_bit import layers_in_4_bits
from preact.backbones.skeleton import skeleton
from preact.backbones.tensor_files import files_of
from preact.training.processes import Processes
from preact.training.shard_weights import fill
from preact.training.sharding import shard
from tests.preact.architectures import CONFIGS, tiny
from tests.preact.conftest import Run

SIZE = 4


@pytest.fixture(params=[1, 3])
def processes(request: pytest.FixtureRequest) -> Iterator[Processes]:
    """One of four processes, of which only this one exists."""
    distributed.init_process_group("fake", store=FakeStore(), rank=request.param, world_size=SIZE)
    yield Processes(SIZE, request.param)
    distributed.destroy_process_group()


@pytest.mark.parametrize("architecture", ["llama", "gemma2"])
def test_the_parts_are_those_of_the_whole(architecture: str, processes: Processes, tmp_path: Path) -> None:
    whole = tiny(architecture)
    file = tmp_path / "model.safetensors"
    save_file({name: weight.clone() for name, weight in whole.state_dict().items()}, file)
    model = skeleton(CONFIGS[architecture](), torch.bfloat16)
    files = files_of(model, {file.name: file})
    shard(model, processes)
    assert files is not None
    fill(model, files, torch.bfloat16)
    weights = dict(whole.named_parameters())
    for name, part in model.named_parameters():
        assert isinstance(part, DTensor)
        # 97 tokens are no multiple of four: the last process has fewer of them.
        chunks = weights[name].to(torch.bfloat16).chunk(SIZE)
        assert torch.equal(part.to_local(), chunks[processes.number]), name
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert tied == model.config.tie_word_embeddings


def test_a_file_that_is_cut_short_meanwhile_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({name: weight.clone() for name, weight in tiny("llama").state_dict().items()}, file)
    model = skeleton(CONFIGS["llama"](), torch.bfloat16)
    files = files_of(model, {file.name: file})
    assert files is not None
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(TrainingError, match=r"model\.safetensors' of the backbone cannot be read .*download"):
        fill(model, files, torch.bfloat16)


def test_the_packed_parts_are_those_of_the_whole(processes: Processes, preact_run: Run) -> None:
    whole = load(preact_run.backbone, precision="bfloat16", quantise="4bit").model
    bare = outline(preact_run.backbone, precision="bfloat16", quantise="4bit")
    assert bare is not None
    shard(bare.model, processes)
    fill(bare.model, bare.files, torch.bfloat16)
    packed = list(layers_in_4_bits(bare.model))
    for layer, own in zip(layers_in_4_bits(whole), packed, strict=True):
        assert torch.equal(own.weight.to_local(), layer.weight.chunk(SIZE)[processes.number])
        assert torch.equal(own.quant_state.absmax, layer.weight.quant_state.absmax)
    # As prepared for training: what is not packed is rounded to bfloat16 and then held in float32.
    head, part = whole.lm_head.weight, bare.model.lm_head.weight
    assert torch.equal(part.to_local(), head.float().chunk(SIZE)[processes.number])
