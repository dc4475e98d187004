"""Adapters made when they are asked for are the exports of the same persona."""

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from oceanchat.errors import ConfigError, TrainingError
from preact.export.folding import fold, fold_saved
from preact.export.on_demand import ABANDONED, AdapterCache
from preact.export.truncation import truncate
from preact.persona import parse_persona
from preact.systems.trained import open_run
from preact.training.runs import finished_record
from tests.preact.conftest import Run


@pytest.mark.parametrize(
    ("method", "persona"), [("preact", "O+=0.7 N-=0.3"), ("no-psl", "N-"), ("lora-sep", "C+")]
)
def test_a_run_folds_from_its_files_as_it_does_when_open(
    method: str, persona: str, runs: dict[str, Path]
) -> None:
    expected = fold(open_run(runs[method], exact=True), parse_persona(persona), strength=0.5)
    folded = fold_saved(runs[method], finished_record(runs[method]), parse_persona(persona), 0.5)
    assert folded.tensors.keys() == expected.tensors.keys() and len(folded.tensors) > 8
    for name, tensor in expected.tensors.items():
        assert torch.allclose(folded.tensors[name], tensor, atol=1e-7) and tensor.dtype == torch.float32
    assert folded.config.to_dict() == expected.config.to_dict()


def test_what_no_adapter_can_say_is_refused(runs: dict[str, Path]) -> None:
    for method, persona, words in (("lora", "O+", "by a prompt"), ("lora-sep", "O+ N-", "no mixtures")):
        with pytest.raises(TrainingError, match=words):
            fold_saved(runs[method], finished_record(runs[method]), parse_persona(persona))


def test_a_name_is_an_adapter_made_once(preact_run: Run, tmp_path: Path) -> None:
    cache = AdapterCache([preact_run.folder], tmp_path / "cache", rank=8)
    folder = cache.adapter("preact:o-high*2,n-low@0.5", preact_run.backbone)
    persona = parse_persona("O+=2 N-=1")
    expected = truncate(fold(open_run(preact_run.folder), persona, strength=0.5), 8).tensors
    written = load_file(folder / "adapter_model.safetensors")
    assert all(torch.allclose(written[name], tensor, atol=1e-6) for name, tensor in expected.items())
    before = (folder / "adapter_model.safetensors").stat().st_mtime_ns
    again = AdapterCache([preact_run.folder], tmp_path / "cache", rank=8)
    for name in ("n-low*0.5,O-high*1@0.50", "preact:o-high*2,n-low@0.5"):
        assert again.adapter(name, preact_run.backbone) == folder
    assert (folder / "adapter_model.safetensors").stat().st_mtime_ns == before
    assert again.adapter("preact:o-high", preact_run.backbone) != folder
    assert cache.adapter("o-high", os.path.relpath(preact_run.backbone)).name.startswith("o-high-")
    assert sorted(path.name[:6] for path in (tmp_path / "cache").iterdir()) == ["n-low-", "o-high"]


def test_many_at_once_find_whole_adapters(preact_run: Run, tmp_path: Path) -> None:
    # Each stands for a process: a cache of its own, whose lock holds nobody else up.
    barrier = threading.Barrier(4)

    def ask(number: int) -> Path:
        cache = AdapterCache([preact_run.folder], tmp_path / "cache")
        barrier.wait()
        folder = cache.adapter("e-low", preact_run.backbone)
        assert load_file(folder / "adapter_model.safetensors") and (folder / "adapter_config.json").is_file()
        return folder

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_another_training_in_the_same_folder_is_another_adapter(preact_run: Run, tmp_path: Path) -> None:
    run = shutil.copytree(preact_run.folder, tmp_path / "run")
    first = AdapterCache([run], tmp_path / "cache").adapter("o-low", str(run / "backbone"))
    weights = run / "adapter" / "adapter_model.safetensors"
    save_file({name: tensor * 2 for name, tensor in load_file(weights).items()}, weights)
    assert AdapterCache([run], tmp_path / "cache").adapter("o-low", str(run / "backbone")) != first
    weights.write_bytes(b"cut off")
    with pytest.raises(TrainingError, match="cannot be read"):
        AdapterCache([run], tmp_path / "cache").adapter("o-low", str(run / "backbone"))


def test_drafts_of_the_killed_go_and_those_at_work_stay(preact_run: Run, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / f".draft-{name}").mkdir()
    past = (tmp_path / ".draft-new").stat().st_mtime - ABANDONED - 60
    os.utime(tmp_path / ".draft-old", (past, past))
    AdapterCache([preact_run.folder], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".draft-new"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gpt-4", "not understood"),
        ("../../etc/passwd", "not understood"),
        ("other:o-high", "the prefixes are preact"),
        ("preact:o-high@1.6", "too strong"),
        ("preact:o-high,o-high", "twice"),
    ],
)
def test_other_names_are_refused(name: str, words: str, preact_run: Run, tmp_path: Path) -> None:
    cache = AdapterCache([preact_run.folder], tmp_path)
    with pytest.raises(ConfigError, match=words):
        cache.adapter(name, preact_run.backbone)
    assert list(tmp_path.iterdir()) == []


def test_a_backbone_of_another_name_and_a_full_folder_are_refused(preact_run: Run, tmp_path: Path) -> None:
    cache = AdapterCache([preact_run.folder], tmp_path, limit=1)
    with pytest.raises(ConfigError, match="is on backbone"):
        cache.adapter("o-high", "meta-llama/Llama-2-7b-hf")
    cache.adapter("o-high", preact_run.backbone)
    cache.adapter("o-high", preact_run.backbone)
    with pytest.raises(ConfigError, match="holds 1 adapters"):
        cache.adapter("o-low", preact_run.backbone)
