"""Opening systems: what is local, and what names no model."""

from pathlib import Path

import pytest

from oceanchat.errors import EvaluationError
from preact.evaluation.calling import InterviewPlan, ModelAccess, is_local, run_interview
from preact.systems.local import open_local


async def test_a_system_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="names no model"):
        await run_interview(InterviewPlan("prompted:", tmp_path / "a"), ModelAccess(), open_local)
    for name in ("prompted:scripted", "prompted:scripted-http"):
        with pytest.raises(EvaluationError, match=f"'{name}' plays nobody: the scripted model"):
            await run_interview(InterviewPlan(name, tmp_path / "a"), ModelAccess(), open_local)


def test_folders_and_hub_ids_are_local_and_names_are_not(tmp_path: Path) -> None:
    assert is_local(f"prompted:{tmp_path}") and is_local("backbone:hf:owner/name") and is_local("control:x")
    (tmp_path / "model.gguf").touch()
    assert is_local(f"prompted:{tmp_path / 'model.gguf'}") and is_local("prompted:smollm2")
    assert is_local("runs/preact") and not is_local("prompted:gpt-4o") and not is_local("backbone:owner/name")
