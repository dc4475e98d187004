"""The inspect_ai task, run by inspect itself with its own offline models."""

from pathlib import Path
from typing import Any

import pytest

from tests.preact.evaluation.stand_ins import TEN

inspect_ai = pytest.importorskip("inspect_ai", reason="the extra `inspect` is not installed")
# inspect leaves streams and loops to the collector; what it leaves behind is no concern of this project.
pytestmark = pytest.mark.filterwarnings("ignore")


def evaluated(folder: Path, graded: str) -> Any:
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from preact.evaluation.inspect_task import preact_interview

    def saying(text: str) -> Any:
        output = ModelOutput.from_content("mockllm/model", text)
        # Without a usage inspect counts tokens itself, and fetches a tokenizer for it.
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return get_model("mockllm/model", custom_outputs=[output] * 100)

    (folder / "ten.csv").write_text(TEN)
    return inspect_ai.eval(
        preact_interview(str(folder / "ten.csv"), runs=2),
        model=saying("I like it."),
        model_roles={"grader": saying(graded)},
        log_dir=str(folder / "logs"),
        display="none",
    )[0]


def test_each_trait_level_is_graded_in_every_epoch(tmp_path: Path) -> None:
    log = evaluated(tmp_path, 'Reasons.\n{"score": 4.5}')
    assert log.status == "success", log.error
    assert len(log.samples) == 20
    assert {sample.scores["judged"].value for sample in log.samples} == {4.5}


def test_a_grader_that_cannot_be_read_leaves_samples_unscored(tmp_path: Path) -> None:
    log = evaluated(tmp_path, "They seem nice.")
    assert log.status == "success", log.error
    values = [sample.scores["judged"].value for sample in log.samples]
    assert all(value != value for value in values), "a score that cannot be read must never become a number"
