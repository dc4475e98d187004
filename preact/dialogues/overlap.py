"""See which data sets share dialogues.

A sketch keeps the smallest hashes of a set of dialogues. Two sketches show how many dialogues two sets share,
also where one is a selection of the other and their fingerprints differ.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

from preact.dialogues.release import TrainingDialogue

SIZE = 256
"""Hashes in a sketch; sets of as many dialogues or fewer are known whole."""
_DIGITS = 10


def sketch(dialogues: Iterable[TrainingDialogue]) -> tuple[str, ...]:
    """The smallest hashes, in order, of what the dialogues say and which trait-level they show."""
    return tuple(sorted({_hash(dialogue) for dialogue in dialogues})[:SIZE])


def share_within(inner: Sequence[str], outer: Sequence[str]) -> float | None:
    """About which share of one set of dialogues lies within another, by their sketches.

    None where nothing can be compared: older files hold no sketch, and of a set that is a hundred times
    larger than the other too small a part is known.
    """
    if not inner or not outer:
        return None
    reach = min((own[-1] for own in (inner, outer) if len(own) >= SIZE), default=None)
    compared = [one for one in inner if reach is None or one <= reach]
    return len(set(outer).intersection(compared)) / len(compared) if compared else None


def _hash(dialogue: TrainingDialogue) -> str:
    content = json.dumps([dialogue.trait_level.code, dialogue.messages])
    return hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]
