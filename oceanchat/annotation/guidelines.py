"""Read the guidelines and the known items.

Both come from the prompt folder. The reference for each trait is identified by its heading, so the lead can
reword the guidelines; nothing here shows or scores anything.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from oceanchat.annotation.tasks import VALIDATE
from oceanchat.errors import PromptError
from oceanchat.nesting import parse_json
from oceanchat.prompts import Prompts
from oceanchat.store.samples import Item
from oceanchat.traits import TRAITS, Level, Trait, TraitLevel

GUIDELINES = "guidelines.md"
KNOWN_ITEMS = "qualification.json"
PRACTICE_ITEMS = 10
"""Known items used for practice; the others can be mixed in as gold items."""
_REFERENCE = re.compile(r"^\s*[-*]\s*\*\*(High|Low)\*\*\s*:\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Guidelines:
    """The guidelines, with their descriptions of high and low for each trait."""

    text: str
    """Markdown."""
    references: dict[Trait, dict[Level, str]]


def read_guidelines(prompts: Prompts) -> Guidelines:
    """The guidelines of a prompt folder; PromptError when a trait's reference is missing."""
    text = prompts.read(GUIDELINES)
    sections = re.split(r"^#{2,4}\s+(.+?)\s*$", text, flags=re.MULTILINE)
    bodies = dict(zip(sections[1::2], sections[2::2], strict=True))
    references = {}
    for trait in TRAITS:
        lines = _REFERENCE.findall(bodies.get(trait.label, ""))
        references[trait] = {Level(level.lower()): description.strip() for level, description in lines}
        if len(references[trait]) != 2:
            raise PromptError(
                f"'{GUIDELINES}' has no heading '{trait.label}' followed by lines '- **High**: ...'"
                " and '- **Low**: ...'; annotators need that reference"
            )
    return Guidelines(text, references)


class _Turn(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["questioner", "discloser"]
    text: str


class KnownItem(BaseModel):
    """A dialogue whose right answers are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    trait: Trait
    level: Level
    turns: tuple[_Turn, ...]
    trait_shown: bool
    coherent: bool
    why: str
    """Shown after the practice answer."""

    def item(self, kind: str, prefix: str, sample_id: int | None = None) -> Item:
        """Itself as an item; rewording it changes the key, so that earlier practice stays what it was."""
        code = TraitLevel(self.trait, self.level).code
        answers = {"trait_shown": _word(self.trait_shown), "coherent": _word(self.coherent)}
        fingerprint = hashlib.sha256(self.model_dump_json().encode("utf-8", "replace")).hexdigest()[:8]
        return Item(
            kind=kind,
            key=f"{prefix}{self.id}:{fingerprint}",
            stratum=code,
            content={"trait_level": code, "turns": [turn.model_dump() for turn in self.turns]},
            answer_key={"answers": answers, "value": VALIDATE.value(answers), "why": self.why},
            sample_id=sample_id,
        )


def _word(flag: bool) -> str:
    return "yes" if flag else "no"


def known_items(prompts: Prompts) -> list[KnownItem]:
    """The known items of a prompt folder; PromptError for what is wrong with them."""
    return _known_items(prompts.read(KNOWN_ITEMS), KNOWN_ITEMS)


def read_known_items(path: Path, shipped: Iterable[KnownItem] = ()) -> list[KnownItem]:
    """The known items of any file in the same format.

    Raises PromptError for what is wrong with them, and for one that repeats a shipped item's id or dialogue:
    annotators would meet it twice, once with its answer.
    """
    try:
        items = _known_items(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(
            f"file '{path}' cannot be read ({error.__class__.__name__}); save it as UTF-8"
        ) from None
    ids, dialogues = {item.id for item in shipped}, {item.turns for item in shipped}
    for item in items:
        if item.id in ids or item.turns in dialogues:
            what = "has the id" if item.id in ids else "holds the dialogue"
            raise PromptError(
                f"item '{item.id}' of '{path}' {what} of an item in '{KNOWN_ITEMS}', which annotators get"
                " anyway; give it an id and a dialogue of its own, or leave it out"
            )
    return items


def _known_items(text: str, file: str) -> list[KnownItem]:
    try:
        rows: Any = parse_json(text)
        if not isinstance(rows, list) or not rows:
            raise PromptError(f"file '{file}' is not a list of items; see prompts/qualification.json")
        items = [KnownItem.model_validate(row) for row in rows]
    except ValueError as error:
        detail = error.errors()[0] if isinstance(error, ValidationError) else None
        problem = str(error).splitlines()[0] if detail is None else f"{detail['loc']}: {detail['msg']}"
        raise PromptError(
            f"file '{file}' has the wrong format: {problem}; see prompts/qualification.json"
        ) from None
    duplicate, count = Counter(item.id for item in items).most_common(1)[0]
    if count > 1:
        raise PromptError(f"file '{file}' has the item '{duplicate}' twice; rename one")
    return items
