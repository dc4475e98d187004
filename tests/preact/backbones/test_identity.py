"""What a backbone is stands in the record, and another one is noticed."""

import hashlib
import json
from pathlib import Path

import pytest

from oceanchat.errors import TrainingError
from preact.backbones.backbone import load
from preact.backbones.identity import check_same, count_parameters, identify_backbone
from preact.training.runs import read_record
from tests.preact.conftest import Run, micro_llama


def test_a_run_records_its_backbone(preact_run: Run) -> None:
    backbone = preact_run.record.backbone
    assert backbone is not None and backbone == read_record(preact_run.folder).backbone
    folder = Path(preact_run.backbone)
    assert backbone.weights_sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert backbone.config_sha256 == hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()
    shown = (backbone.architecture, backbone.dtype, backbone.quantisation)
    assert shown == ("LlamaForCausalLM", "float32", "none")
    assert backbone.parameters == preact_run.record.backbone_parameters and backbone.device


def test_other_weights_are_noticed(preact_run: Run) -> None:
    model = load(preact_run.backbone, precision="float32").model
    now = identify_backbone(preact_run.backbone, model, "none")
    check_same(preact_run.record.backbone, now, "run")
    check_same(None, now, "run")
    with pytest.raises(TrainingError, match="not the one that run 'run' was trained on"):
        check_same(now.model_copy(update={"weights_sha256": "0" * 64}), now, "run")


def test_tied_parameters_count_once() -> None:
    model = micro_llama()
    count = count_parameters(model)
    model.config.tie_word_embeddings = True
    model.lm_head.weight = model.model.embed_tokens.weight
    assert count_parameters(model) == count - 97 * 32


def test_a_record_without_a_backbone_is_still_read(preact_run: Run, tmp_path: Path) -> None:
    record = json.loads((preact_run.folder / "run.json").read_text())
    del record["backbone"]
    (tmp_path / "run.json").write_text(json.dumps(record))
    assert read_record(tmp_path).backbone is None
