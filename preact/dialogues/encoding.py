"""A release's dialogues as training examples.

For the trainer and for identification, by method. Prompted methods see each dialogue under its persona
prompt, the others the dialogue alone. It knows nothing of batches, models or losses.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow

from oceanchat.errors import TrainingError
from oceanchat.prompts import Message
from oceanchat.spool import Lazy
from oceanchat.traits import TraitLevel
from preact.config import Recipe
from preact.dialogues.batches import Example
from preact.dialogues.conversation import Encoded, encode
from preact.dialogues.mapped import MappedRows
from preact.dialogues.release import TrainingDialogue
from preact.methods import METHODS, MethodName, PromptStyle
from preact.persona import trait_level_prompt

_NO_LIMIT = 10**9
_TOKENS = pyarrow.list_(pyarrow.int32())
_SCHEMA = pyarrow.schema([("ids", _TOKENS), ("labels", _TOKENS), ("trait_id", pyarrow.int8())])


class Encodings(NamedTuple):
    """Encoded dialogues, and those that did not fit."""

    examples: Sequence[Example]
    """Read from disk whenever they are asked for."""
    dialogues: Sequence[TrainingDialogue]
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
    fitting, cut = array("Q"), 0

    def records() -> Iterator[dict[str, Any]]:
        nonlocal cut
        for number, dialogue in enumerate(dialogues):
            portrayal = portrayed or dialogue.trait_level
            system = trait_level_prompt(portrayal, style) if METHODS[method].prompted else ""
            encoded = encode_under(
                tokenizer, dialogue.messages, system, context=recipe.context, reply=recipe.reply
            )
            if encoded is not None:
                fitting.append(number)
                cut += encoded.answers < sum(message.role == "assistant" for message in dialogue.messages)
                yield {"ids": encoded.ids, "labels": encoded.labels, "trait_id": dialogue.trait_id}

    examples = MappedRows(_SCHEMA, records(), lambda record: Example(**record))
    if not fitting:
        raise TrainingError(
            f"no dialogue fits {recipe.context} + {recipe.reply} tokens; raise --context or --reply"
        )
    return Encodings(
        Lazy(examples.read, range(len(examples))),
        Lazy(dialogues.__getitem__, fitting),
        len(dialogues) - len(examples),
        cut,
    )


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
