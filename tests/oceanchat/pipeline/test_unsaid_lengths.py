"""Prompts from before there were lengths go on working, and say what they lack."""

from pathlib import Path

import pytest

from oceanchat.errors import ConfigError
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.unsaid_lengths import fit_lengths
from oceanchat.prompts import Prompts, open_prompts
from oceanchat.traits import Level, Trait, TraitLevel

CONFIG = BuildConfig(trait_levels=(TraitLevel(Trait.O, Level.HIGH),))


@pytest.fixture
def older(tmp_path: Path) -> Prompts:
    for task in ("write", "disclose"):
        lines = open_prompts().read(f"{task}.md").splitlines(keepends=True)
        (tmp_path / f"{task}.md").write_text("".join(line for line in lines if "answer_words" not in line))
    return open_prompts(tmp_path)


@pytest.mark.parametrize("mode", ["screenplay", "dual"])
def test_prompts_without_the_blank_leave_answers_free_and_say_so(older: Prompts, mode: str) -> None:
    config = CONFIG.model_copy(update={"mode": mode})
    fitted, (note,) = fit_lengths(config, older)
    assert not fitted.lengths.most and "answer_words" not in fitted.saved()
    assert {"screenplay": "write.md", "dual": "disclose.md"}[mode] in note
    assert "lacks the blank '{answer_words}'" in note
    with pytest.raises(ConfigError, match=r"--answer-words '8-40' cannot be used: prompt file .*lacks"):
        fit_lengths(config.model_copy(update={"answer_words": "8-40"}), older)


def test_prompts_with_the_blank_and_free_answers_change_nothing(older: Prompts) -> None:
    assert fit_lengths(CONFIG, open_prompts()) == (CONFIG, ())
    free = CONFIG.model_copy(update={"answer_words": "free"})
    assert fit_lengths(free, older) == (free, ())


def test_without_lengths_a_prompt_reads_as_it_did_before(older: Prompts) -> None:
    """So answers that were paid for before there were lengths are found in the ledger."""
    for task in ("write", "disclose"):
        before, now = older[task], open_prompts()[task]
        values = dict.fromkeys(before.blanks, "x")
        assert now.fill(**values) == before.fill(**values)
        assert now.fill(**values, answer_words="7") != before.fill(**values)
