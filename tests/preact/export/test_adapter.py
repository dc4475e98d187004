"""Exports are plain LoRA that does what the run does."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from oceanchat.errors import TrainingError
from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS
from preact.export.adapter import ExportOptions, export_adapter, export_all, folder_name
from preact.export.folding import fold
from preact.persona import parse_persona
from preact.systems.generation import reply
from preact.systems.system import Sampling
from preact.systems.trained import open_run
from preact.training.runs import BACKBONE, write_record
from preact.training.train import train
from tests.preact.conftest import Run, micro_config

ASK = [Message("user", "What about day 1?")]
CLOSED = """
import sys
class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("preact", "oceanchat"):
            raise ImportError(f"{name} must not be needed")
sys.meta_path.insert(0, Closed())
PATH = "."
"""


def test_an_export_is_a_plain_lora_that_does_what_the_run_does(preact_run: Run, tmp_path: Path) -> None:
    done = export_adapter(preact_run.folder, parse_persona("N+"), tmp_path / "N-high")
    assert done.difference <= 1e-5 < done.effect and done.rank == 32 and done.cost is None
    config = json.loads((done.folder / "adapter_config.json").read_text())
    assert config["peft_type"] == "LORA" and config["r"] == 32 and config["lora_alpha"] == 64
    names = load_file(done.folder / "adapter_model.safetensors")
    assert names and all(name.endswith(("lora_A.weight", "lora_B.weight")) for name in names)
    card = (done.folder / "README.md").read_text()
    for words in ("high Neuroticism", "## Misuse", "it is a machine", preact_run.record.release.fingerprint):
        assert words in card


@pytest.mark.slow
def test_plain_peft_generates_the_same_where_preact_cannot_be_imported(
    preact_run: Run, tmp_path: Path
) -> None:
    export_adapter(preact_run.folder, parse_persona("E-"), tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", card, re.MULTILINE | re.DOTALL)
    code = code.replace("How was your week?", "What about day 1?")
    greedy = code.replace("max_new_tokens=100", "max_new_tokens=12, do_sample=False")
    command = [sys.executable, "-c", CLOSED + greedy]
    alone = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, timeout=240)
    assert alone.returncode == 0, alone.stderr
    sampling = Sampling(temperature=0.0, max_tokens=12)
    assert alone.stdout.strip() == reply(open_run(preact_run.folder), ASK, parse_persona("E-"), sampling)


def test_an_export_names_no_folder_of_this_machine_and_brings_a_tiny_backbone(
    runs: dict[str, Path], preact_run: Run, tmp_path: Path
) -> None:
    export_adapter(preact_run.folder, parse_persona("N+"), tmp_path / "own")
    # Its backbone is a folder outside of the run.
    export_adapter(runs["lora"], parse_persona("N+"), tmp_path / "shared")
    export_adapter(runs["lora"], parse_persona("N+"), tmp_path / "merged", ExportOptions(merge=True))
    for name in ("own", "shared"):
        config = json.loads((tmp_path / name / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == BACKBONE
        base = AutoModelForCausalLM.from_pretrained(tmp_path / name / BACKBONE)
        assert PeftModel.from_pretrained(base, str(tmp_path / name))
    folders = [str(Path(f).parent) for f in (preact_run.folder, runs["lora"], tmp_path / "own")]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not [p for p in folders if p.encode() in data], file


def test_three_exports_share_one_batch(preact_run: Run, tmp_path: Path) -> None:
    codes = ("O+", "A-", "N-")
    for code in codes:
        export_adapter(preact_run.folder, parse_persona(code), tmp_path / code)
    base = AutoModelForCausalLM.from_pretrained(preact_run.folder / BACKBONE)
    model = PeftModel.from_pretrained(base, str(tmp_path / "O+"), adapter_name="O+")
    for code in codes[1:]:
        model.load_adapter(str(tmp_path / code), adapter_name=code)
    ids = torch.randint(6, 250, (3, 9))
    trained = open_run(preact_run.folder)
    with torch.no_grad():
        together = model.eval()(ids, adapter_names=list(codes)).logits
        own = trained.model(ids, trait_ids=torch.tensor([0, 8, 9])).logits
    assert torch.allclose(together, own, atol=1e-5)


def test_merged_exports_and_mixtures_are_whole_models(preact_run: Run, tmp_path: Path) -> None:
    done = export_adapter(
        preact_run.folder, parse_persona("O+=0.7 E-=0.3"), tmp_path / "mix", ExportOptions(merge=True)
    )
    assert done.difference <= 1e-5
    assert (
        not (done.folder / "adapter_config.json").exists() and (done.folder / "model.safetensors").is_file()
    )
    assert "high Openness 70%" in (done.folder / "README.md").read_text()


def test_top_experts_lower_the_rank_and_say_the_cost(preact_run: Run, tmp_path: Path) -> None:
    done = export_adapter(
        preact_run.folder, parse_persona("O+"), tmp_path / "cut", ExportOptions(top_experts=4)
    )
    assert done.rank == 8 and done.cost is not None
    odd = export_adapter(
        preact_run.folder, parse_persona("O+"), tmp_path / "odd", ExportOptions(top_experts=3)
    )
    assert odd.rank == 6 and "rank 6 is not one of the ranks that vLLM allows" in odd.notes[0]
    trained = open_run(preact_run.folder)
    folded = fold(trained, parse_persona("O+"), 4)
    assert folded.weights is not None and int((folded.weights > 0).sum()) == 4
    for wrong in (17, -1):
        with pytest.raises(TrainingError, match="--top-experts"):
            fold(trained, parse_persona("O+"), wrong)


def test_all_ten_are_the_run_under_their_names(preact_run: Run, tmp_path: Path) -> None:
    done = export_all(preact_run.folder, tmp_path / "ten")
    assert [one.folder.name for one in done] == [folder_name(t) for t in TRAIT_LEVELS]
    assert all(one.difference <= 1e-5 < one.effect for one in done)
    trained = open_run(preact_run.folder)
    expected = fold(trained, parse_persona("N-")).tensors
    written = load_file(tmp_path / "ten" / "n-low" / "adapter_model.safetensors")
    assert written.keys() == expected.keys()
    assert all(torch.equal(written[name], expected[name]) for name in expected)
    assert "[n-low](n-low/README.md) | 32 |" in (tmp_path / "ten" / "README.md").read_text()
    assert (tmp_path / "ten" / "serve.md").is_file() and not (tmp_path / "ten.partial").exists()


@pytest.mark.parametrize("method", ["preact", "lora-sep"])
def test_strength_multiplies_what_the_adapter_adds(
    method: str, runs: dict[str, Path], tmp_path: Path
) -> None:
    persona = parse_persona("O-")
    whole = fold(open_run(runs[method]), persona).tensors
    done = export_adapter(runs[method], persona, tmp_path / "half", ExportOptions(strength=0.5))
    assert done.difference <= 1e-5 < done.effect
    written = load_file(done.folder / "adapter_model.safetensors")
    for name, tensor in whole.items():
        assert torch.allclose(written[name], tensor * (0.5 if "lora_B" in name else 1.0))
    assert "Strength: 0.5" in (done.folder / "README.md").read_text()
    none = export_adapter(runs[method], persona, tmp_path / "none", ExportOptions(strength=0.0))
    assert none.effect == 0 and "changes nothing" in none.notes[-1]


def test_of_ten_exports_nothing_is_left_where_one_fails(preact_run: Run, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--top-experts"):
        export_all(preact_run.folder, tmp_path / "ten", ExportOptions(top_experts=99))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        export_all(preact_run.folder, tmp_path / "file" / "ten")


def test_an_export_that_changes_nothing_is_refused(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    options = {"backbone": preact_run.backbone, "max_steps": 1, "recipe": {"learning_rate": 1e-12}}
    config = micro_config(release_folder, tmp_path / "still", **options)
    train(config, lambda line: None)
    with pytest.raises(TrainingError, match="changes nothing"):
        export_adapter(tmp_path / "still", parse_persona("O+"), tmp_path / "out")
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.partial").exists()


def test_a_trait_level_without_dialogues_is_named_on_its_export(preact_run: Run, tmp_path: Path) -> None:
    shutil.copytree(preact_run.folder, tmp_path / "run")
    release = preact_run.record.release.model_copy(update={"missing": ("A-", "N+")})
    write_record(tmp_path / "run", preact_run.record.model_copy(update={"release": release}))
    done = export_adapter(tmp_path / "run", parse_persona("N+"), tmp_path / "N-high")
    assert any("without any dialogue of N+: " in note for note in done.notes)
    assert "without any dialogue of N+" in (done.folder / "README.md").read_text()
    done = export_adapter(tmp_path / "run", parse_persona("O+"), tmp_path / "O-high")
    assert not any("without any dialogue" in note for note in done.notes)


def test_a_folder_that_exists_is_left_alone(preact_run: Run, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="exists"):
        export_adapter(preact_run.folder, parse_persona("O+"), tmp_path)


@pytest.mark.parametrize("method", ["lora", "lora-sep"])
def test_the_baselines_stand_behind_the_same_command(
    method: str, runs: dict[str, Path], tmp_path: Path
) -> None:
    done = export_adapter(runs[method], parse_persona("C-"), tmp_path / "out")
    assert done.difference <= 1e-5
    text = (done.folder / "README.md").read_text()
    assert ("## System prompt" in text and "low Conscientiousness" in text) or method == "lora-sep"
    with pytest.raises(TrainingError, match="no experts"):
        export_adapter(runs[method], parse_persona("C-"), tmp_path / "cut", ExportOptions(top_experts=2))
    if method == "lora-sep":
        with pytest.raises(TrainingError, match="no mixtures"):
            export_adapter(runs[method], parse_persona("C- O+"), tmp_path / "mix")
