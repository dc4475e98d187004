"""A release's dialogues as training examples.

For the trainer and for identification, by method. Prompted methods see each dialogue under its persona
prompt, the others the dialogue alone. It knows nothing of batches, models or losses.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from oceanchat.errors import TrainingError
from oceanchat.prompts import Message
from oceanchat.traits import TraitLevel
from preact.config import Recipe
from preact.dialogues.batches import Example
from preact.dialogues.conversation import Encoded, encode
from preact.dialogues.release import TrainingDialogue
from preact.methods import METHODS, MethodName, PromptStyle
from preact.persona import trait_level_prompt

_NO_LIMIT = 10**9


class Encodings(NamedTuple):
    """Encoded dialogues, and those that did not fit."""

    examples: list[Example]
    dialogues: list[TrainingDialogue]
    """The dialogue of each example."""
    dropped: int
    """Dialogues of which not even the first answer fits."""
    cut: int = 0
    """Dialogues whose last answers do not fit, and are left out."""


def encode_all(
    tokenizer: Any,
    dialogues: Sequence[TrainingDialogue],
    method: MethodName,
    recipe: Recipe,
    portrayed: TraitLevel | None = None,
    style: PromptStyle = "full",
) -> Encodings:
    """The dialogues as examples, in order. Raises TrainingError when none fits the recipe's lengths.

    `portrayed` is the trait-level that the prompt names; each dialogue's own when it is None.
    """
    examples, encoded_dialogues, cut = [], [], 0
    for dialogue in dialogues:
        portrayal = portrayed or dialogue.trait_level
        system = trait_level_prompt(portrayal, style) if METHODS[method].prompted else ""
        encoded = encode_under(
            tokenizer, dialogue.messages, system, context=recipe.context, reply=recipe.reply
        )
        if encoded is not None:
            examples.append(Example(encoded.ids, encoded.labels, dialogue.trait_id))
            encoded_dialogues.append(dialogue)
            cut += encoded.answers < sum(message.role == "assistant" for message in dialogue.messages)
    if not examples:
        raise TrainingError(
            f"no dialogue fits {recipe.context} + {recipe.reply} tokens; raise --context or --reply"
        )
    return Encodings(examples, encoded_dialogues, len(dialogues) - len(examples), cut)


def encode_under(
    tokenizer: Any, messages: Sequence[Message], system: str, *, context: int, reply: int
) -> Encoded | None:
    """A dialogue under a system text, cut where it is cut without one; None when no answer fits.

    The text comes on top of the lengths, so that all methods, and all trait-levels, see the same turns.
    `messages` alternate, the questioner first.
    """
    alone = encode(tokenizer, messages, context=context, reply=reply)
    if alone is None or not system:
        return alone
    return encode(tokenizer, messages[: 2 * alone.answers], context=_NO_LIMIT, reply=_NO_LIMIT, system=system)
