"""Dialogues as examples: with the persona prompt where the method is prompted, alone elsewhere."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import TrainingError
from oceanchat.traits import TraitLevel
from preact.backbones.backbone import load
from preact.config import Recipe
from preact.dialogues.conversation import encode
from preact.dialogues.encoding import encode_all, encode_under
from preact.dialogues.release import TrainingDialogue, read_release
from preact.persona import trait_level_prompt
from tests.preact.conftest import RECIPE, Run


@pytest.fixture(scope="module")
def tokenizer(preact_run: Run) -> Any:
    return load(preact_run.backbone, precision="float32").tokenizer


@pytest.fixture(scope="module")
def dialogues(release_folder: Path) -> tuple[TrainingDialogue, ...]:
    return read_release(str(release_folder)).split("test")


def test_only_prompted_methods_see_the_trait_level_in_words(
    tokenizer: Any, dialogues: tuple[TrainingDialogue, ...]
) -> None:
    plain = encode_all(tokenizer, dialogues, "preact", RECIPE)
    prompted = encode_all(tokenizer, dialogues, "lora", RECIPE)
    assert [e.trait_id for e in plain.examples] == [d.trait_id for d in dialogues] and plain.dropped == 0
    assert encode_all(tokenizer, dialogues, "lora-sep", RECIPE) == plain
    assert encode_all(tokenizer, dialogues, "no-moe", RECIPE) == prompted
    for alone, under_prompt in zip(plain.examples, prompted.examples, strict=True):
        assert len(under_prompt.ids) > len(alone.ids)
        # The prompt comes on top of the lengths and carries no loss: the same tokens are learned.
        assert [i for i in under_prompt.labels if i >= 0] == [i for i in alone.labels if i >= 0]


def test_a_prompt_may_name_another_trait_level(
    tokenizer: Any, dialogues: tuple[TrainingDialogue, ...]
) -> None:
    calm = encode_all(tokenizer, dialogues[:2], "lora", RECIPE, TraitLevel.parse("N-"))
    assert all("low Neuroticism" in tokenizer.decode(example.ids) for example in calm.examples)
    short = encode_all(tokenizer, dialogues[:2], "lora", RECIPE, TraitLevel.parse("N-"), style="short")
    assert all("low Neuroticism" in tokenizer.decode(example.ids) for example in short.examples)
    pairs = list(zip(short.examples, calm.examples, strict=True))
    assert all(len(example.ids) + 200 < len(whole.ids) for example, whole in pairs)
    assert encode_all(tokenizer, dialogues[:2], "preact", RECIPE, style="short").examples[0].ids == (
        encode_all(tokenizer, dialogues[:2], "preact", RECIPE).examples[0].ids
    )


def test_dialogues_that_do_not_fit_are_counted_and_none_at_all_is_refused(
    tokenizer: Any, dialogues: tuple[TrainingDialogue, ...]
) -> None:
    lengths = sorted(len(e.ids) for e in encode_all(tokenizer, dialogues, "preact", RECIPE).examples)
    recipe = Recipe(context=16, reply=8)
    with pytest.raises(TrainingError, match="no dialogue fits 16 \\+ 8 tokens"):
        encode_all(tokenizer, dialogues, "preact", recipe)
    assert lengths[0] > 24


def test_dialogues_that_are_cut_are_counted(tokenizer: Any, dialogues: tuple[TrainingDialogue, ...]) -> None:
    whole = encode_all(tokenizer, dialogues, "preact", RECIPE)
    assert whole.cut == 0 and whole.dropped == 0
    shortest = min(len(example.ids) for example in whole.examples)
    for context in range(4, shortest):
        recipe = RECIPE.model_copy(update={"context": context, "reply": 16})
        with contextlib.suppress(TrainingError):
            some = encode_all(tokenizer, dialogues, "preact", recipe)
            of_both = {d.id: len(e.ids) for d, e in zip(whole.dialogues, whole.examples, strict=True)}
            shortened = sum(
                len(e.ids) < of_both[d.id] for d, e in zip(some.dialogues, some.examples, strict=True)
            )
            assert some.cut == shortened
            if some.cut:
                return
    pytest.fail("nothing was ever cut")


def test_under_any_prompt_a_dialogue_is_cut_where_it_is_cut_alone(
    tokenizer: Any, dialogues: tuple[TrainingDialogue, ...]
) -> None:
    talk = dialogues[0].messages
    alone = encode(tokenizer, talk, context=512, reply=256)
    assert alone is not None and alone.answers == 2
    # From "no answer fits" to "both fit", token by token: the edge lies somewhere in between.
    counts = set()
    for context in range(1, len(alone.ids) + 1):
        alone = encode(tokenizer, talk, context=context, reply=16)
        for code in ("O+", "N-"):
            text = trait_level_prompt(TraitLevel.parse(code))
            under = encode_under(tokenizer, talk, text, context=context, reply=16)
            assert (under and under.answers) == (alone and alone.answers)
        counts.add(alone.answers if alone else 0)
    assert counts >= {0, 2}
