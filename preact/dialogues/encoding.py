"""A release's dialogues as training examples.

For the trainer and for identification, by method. Prompted methods see each dialogue under its persona
prompt, the others the dialogue alone. It knows nothing of batches, models or losses.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from oceanchat.errors import TrainingError
from oceanchat.traits import TraitLevel
from preact.config import Recipe
from preact.dialogues.batches import Example
from preact.dialogues.conversation import encode
from preact.dialogues.release import TrainingDialogue
from preact.methods import METHODS, MethodName
from preact.persona import trait_level_prompt


class Encodings(NamedTuple):
    """Encoded dialogues, and those that did not fit."""

    examples: list[Example]
    dialogues: list[TrainingDialogue]
    """The dialogue of each example."""
    dropped: int


def encode_all(
    tokenizer: Any,
    dialogues: Sequence[TrainingDialogue],
    method: MethodName,
    recipe: Recipe,
    portrayed: TraitLevel | None = None,
) -> Encodings:
    """The dialogues as examples, in order. Raises TrainingError when none fits the recipe's lengths.

    `portrayed` is the trait-level that the prompt names; each dialogue's own when it is None. The prompt
    comes on top of the recipe's lengths, so that all methods see the same turns.
    """
    examples, encoded_dialogues = [], []
    for dialogue in dialogues:
        system, context = "", recipe.context
        if METHODS[method].prompted:
            system = trait_level_prompt(portrayed or dialogue.trait_level)
            context += len(tokenizer(system, add_special_tokens=False)["input_ids"])
        encoded = encode(tokenizer, dialogue.messages, context=context, reply=recipe.reply, system=system)
        if encoded is not None:
            examples.append(Example(encoded.ids, encoded.labels, dialogue.trait_id))
            encoded_dialogues.append(dialogue)
    if not examples:
        raise TrainingError(
            f"no dialogue fits {recipe.context} + {recipe.reply} tokens; raise --context or --reply"
        )
    return Encodings(examples, encoded_dialogues, len(dialogues) - len(examples))
