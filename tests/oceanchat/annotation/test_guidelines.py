"""The guidelines that ship hold a reference for every trait; a folder without one is refused."""

from pathlib import Path

import pytest

from oceanchat.annotation.guidelines import PRACTICE_ITEMS, known_items, read_guidelines
from oceanchat.errors import PromptError
from oceanchat.prompts import open_prompts
from oceanchat.traits import TRAITS, Level


def test_what_ships_has_every_reference_and_enough_known_items() -> None:
    guidelines = read_guidelines(open_prompts())
    assert set(guidelines.references) == set(TRAITS)
    assert all(
        set(message) == {Level.HIGH, Level.LOW} and all(message.values())
        for message in guidelines.references.values()
    )
    known = known_items(open_prompts())
    assert len(known) > PRACTICE_ITEMS
    assert {item.trait for item in known[:PRACTICE_ITEMS]} == set(TRAITS)
    answers = [(item.trait_shown, item.coherent) for item in known[:PRACTICE_ITEMS]]
    assert any(not presented for presented, _ in answers) and any(not coherent for _, coherent in answers)


def test_guidelines_without_a_reference_are_refused(tmp_path: Path) -> None:
    text = open_prompts().read("guidelines.md").replace("### Neuroticism", "### Moods")
    (tmp_path / "guidelines.md").write_text(text)
    with pytest.raises(PromptError, match="no heading 'Neuroticism'"):
        read_guidelines(open_prompts(tmp_path))
    with pytest.raises(PromptError, match="is missing"):
        known_items(open_prompts(tmp_path))


def test_a_reworded_item_is_another_item() -> None:
    known = known_items(open_prompts())[0]
    reworded = known.model_copy(update={"why": "because"})
    assert known.item("practice", "p:").key != reworded.item("practice", "p:").key
