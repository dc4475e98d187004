"""The guidelines that ship hold a reference for every trait; a folder without one is refused."""

from pathlib import Path

import pytest

from oceanchat.annotation.guidelines import (
    PRACTICE_ITEMS,
    RATING_GUIDELINES,
    STYLES,
    known_items,
    read_guidelines,
    style_items,
)
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


def test_guidelines_say_how_many_colleagues_judge() -> None:
    guidelines = read_guidelines(open_prompts())
    for number, words in (
        (None, "colleagues judge"),
        (1, "nobody else judges"),
        (2, "one colleague judges"),
        (3, "two colleagues judge"),
        (12, "11 colleagues judge"),
    ):
        assert f", and {words} the same conversation." in guidelines.for_annotators(number)


def test_a_reworded_item_is_another_item() -> None:
    known = known_items(open_prompts())[0]
    reworded = known.model_copy(update={"why": "because"})
    assert known.item("practice", "p:").key != reworded.item("practice", "p:").key


def test_the_guidelines_for_rating_have_every_reference_too(tmp_path: Path) -> None:
    rating, validating = read_guidelines(open_prompts(), RATING_GUIDELINES), read_guidelines(open_prompts())
    assert {trait: set(levels) for trait, levels in rating.references.items()} == {
        trait: set(Level) for trait in TRAITS
    }
    assert all(rating.references[trait] != validating.references[trait] for trait in TRAITS)
    (tmp_path / RATING_GUIDELINES).write_text(rating.text.replace("### Openness", "### Ideas"))
    with pytest.raises(PromptError, match=f"'{RATING_GUIDELINES}' has no heading 'Openness'"):
        read_guidelines(open_prompts(tmp_path), RATING_GUIDELINES)


def test_the_style_of_every_trait_level_is_asked_for_and_none_counts_as_wrong() -> None:
    styles = style_items(open_prompts())
    assert [style.trait for style in styles] == list(TRAITS)
    assert len({text for style in styles for text in (style.situation, style.high, style.low)}) == 15
    item = styles[0].item("style")
    assert item.content == {"trait": "O", "label": "Openness", "situation": styles[0].situation}
    assert item.answer_key is not None and item.answer_key["answers"] == {}
    assert styles[0].high in item.answer_key["why"] and styles[0].low in item.answer_key["why"]
    assert styles[0].model_copy(update={"low": "other"}).item("style").key != item.key


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{}", "is not a list of items"),
        ("[", "has the wrong format"),
        ('[{"id": "a", "trait": "Q", "situation": "s", "high": "h", "low": "l"}]', "'trait'"),
        ('[{"id": "a", "trait": "O", "situation": "s", "high": "h", "low": "l"}]', "no item about Conscient"),
    ],
)
def test_styles_of_the_wrong_form_are_refused_in_one_line(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / STYLES).write_text(content)
    with pytest.raises(PromptError, match=words) as caught:
        style_items(open_prompts(tmp_path))
    assert "\n" not in str(caught.value) and STYLES in str(caught.value)
