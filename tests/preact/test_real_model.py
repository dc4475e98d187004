"""A real language model from training to a conversation, as a user does it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from peft import PeftModel

from oceanchat.traits import TRAIT_LEVELS, TraitLevel
from preact.backbones.backbone import load
from preact.cli.main import preact
from preact.systems.trained import open_run
from preact.training.adapters import peft_noise_silenced
from tests.preact.conftest import release_rows, write_rows
from tests.preact.real_model import smollm2

__all__ = ["smollm2"]

QUESTION = "How do you feel when plans change?"
PORTRAYED = {"o-high": "O+", "n-low": "N-"}


def call(*arguments: Any, typed: str = "") -> str:
    done = CliRunner().invoke(preact, [str(a) for a in arguments], input=typed, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.fixture
def small_release(tmp_path: Path) -> Path:
    folder = tmp_path / "ocean-chat-1.2.3"
    for split, each, count in (("train", 2, 20), ("test", 1, 3)):
        rows = release_rows(split, each)[:count]
        write_rows(folder, split, [{**row, "messages": row["messages"][:2]} for row in rows])
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_train_identify_export_load_in_plain_peft_and_chat(
    smollm2: str, small_release: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    call("train", small_release, "-o", run, "--backbone", smollm2, "--rank", 16, "--batch-size", 4,
         "--max-steps", 4, "--lr", 5e-3, "--precision", "float32", "--threads", 1)  # fmt: skip
    record = json.loads((run / "run.json").read_text())
    assert (record["state"], record["steps"]) == ("finished", 4)
    assert record["backbone"]["parameters"] == 134_515_008
    losses = [json.loads(line)["lm_loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(losses) == 4 and losses[-1] < losses[0] < 8

    identified = json.loads(call("identify", run, "--threads", 1, "--json"))
    assert identified["dialogues"] == 3 and identified["excess"] < 0

    folders = {name: tmp_path / name for name in PORTRAYED}
    for name, code in PORTRAYED.items():
        trait, level = code[0], "high" if code[1] == "+" else "low"
        call("export", run, "--trait", trait, "--level", level, "--output", folders[name])
    compare_in_plain_peft(run, smollm2, folders)

    answers = call("chat", run, "--trait", "N", "--level", "low", "--max-tokens", 8, "--temperature", 0,
                   typed=f"{QUESTION}\n\n").splitlines()  # fmt: skip
    assert len(answers) == 1 and answers[0].strip()


def compare_in_plain_peft(run: Path, backbone: str, folders: dict[str, Path]) -> None:
    """Exported adapters, alone and in one mixed batch, say what the run says."""
    loaded = load(backbone, precision="float32")
    tokens = loaded.tokenizer(QUESTION, return_tensors="pt")["input_ids"]
    trained = open_run(run)
    with torch.inference_mode():
        expected = torch.cat(
            [
                trained.model(
                    tokens, trait_ids=torch.tensor([TRAIT_LEVELS.index(TraitLevel.parse(code))])
                ).logits
                for code in PORTRAYED.values()
            ]
        )
        with peft_noise_silenced():
            first, *others = folders
            model = PeftModel.from_pretrained(loaded.model, folders[first], adapter_name=first)
            for name in others:
                model.load_adapter(folders[name], adapter_name=name)
        names = list(folders)
        mixed = model(tokens.repeat(len(names), 1), adapter_names=names).logits
        for row, name in enumerate(names):
            model.set_adapter(name)
            assert torch.allclose(model(tokens).logits[0], expected[row], atol=1e-3)
            assert torch.allclose(mixed[row], expected[row], atol=1e-3)
        with model.disable_adapter():
            assert not torch.allclose(model(tokens).logits[0], expected[0], atol=0.1)
    assert not torch.allclose(expected[0], expected[1], atol=1e-3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_smollm2_by_name_and_by_file_is_the_converted_folder(smollm2: str) -> None:
    by_name, folder = load("smollm2", precision="bfloat16"), load(smollm2, precision="bfloat16")
    text = folder.tokenizer.apply_chat_template(
        [{"role": "user", "content": QUESTION}], add_generation_prompt=True, tokenize=False
    )
    tokens = [backbone.tokenizer(text, return_tensors="pt")["input_ids"] for backbone in (by_name, folder)]
    assert tokens[0].equal(tokens[1]) and tokens[0].shape[1] > 20
    assert all(a.equal(b) for a, b in zip(by_name.model.parameters(), folder.model.parameters(), strict=True))
