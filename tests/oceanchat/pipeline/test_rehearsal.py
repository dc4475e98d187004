"""Rehearsals: sizes of calls as the options make them, and nothing left behind."""

import tempfile
from pathlib import Path

import pytest

from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.rehearsal import rehearse
from oceanchat.prompts import default_folder
from oceanchat.traits import Level, Trait, TraitLevel

CONFIG = BuildConfig(trait_levels=(TraitLevel(Trait.O, Level.HIGH),), labeler="m", writer="m", checker="m")


def test_more_sentences_a_call_take_fewer_and_longer_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alone = rehearse(CONFIG.model_copy(update={"sentences_per_call": 1}), 1)["label"]
    together = rehearse(CONFIG.model_copy(update={"sentences_per_call": 12}), 1)["label_many"]
    assert alone.calls == 1 and together.calls == pytest.approx(1 / 12, rel=0.2)
    assert alone.prompt < together.prompt < 6 * alone.prompt
    assert list(tmp_path.iterdir()) == []


def test_each_task_of_a_dialogue_has_its_calls() -> None:
    sizes = rehearse(CONFIG.model_copy(update={"mode": "dual", "exchanges": 2}), 2)
    assert sizes["disclose"].calls == 2 >= sizes["question"].calls >= 1  # equal questions are asked once
    assert 0 < sizes["check"].calls <= 1 and sizes["check"].prompt > 100


def test_prompts_that_the_scripted_model_cannot_follow_have_no_sizes(tmp_path: Path) -> None:
    for template in default_folder().glob("*.md"):
        text = template.read_text(encoding="utf-8")
        (tmp_path / template.name).write_text(text.replace("<task>", "<job>").replace("</task>", "</job>"))
    assert rehearse(CONFIG.model_copy(update={"prompts": tmp_path}), 1) == {}
