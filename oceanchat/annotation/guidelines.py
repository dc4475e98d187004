"""Read the guidelines and the known items.

All come from the prompt folder, for validating dialogues and for rating models. The reference for each trait
is identified by its heading, so the lead can reword the guidelines; nothing here shows or scores anything.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from oceanchat.annotation.tasks import VALIDATE
from oceanchat.errors import PromptError
from oceanchat.nesting import parse_json
from oceanchat.prompts import Prompts
from oceanchat.store.samples import Item
from oceanchat.traits import TRAITS, Level, Trait, TraitLevel

GUIDELINES = "guidelines.md"
RATING_GUIDELINES = "rating_guidelines.md"
KNOWN_ITEMS = "qualification.json"
STYLES = "rating_styles.json"
COLLEAGUES_BLANK = "{colleagues_judge}"
"""Stands for who else judges an item: 'two colleagues judge' where each has three annotators."""
PRACTICE_ITEMS = 10
"""Known items used for practice; the others can be mixed in as gold items."""
Known = TypeVar("Known", bound=BaseModel)
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_REFERENCE = re.compile(r"^\s*[-*]\s*\*\*(High|Low)\*\*\s*:\s*(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Guidelines:
    """The guidelines, with their descriptions of high and low for each trait."""

    text: str
    """Markdown."""
    references: dict[Trait, dict[Level, str]]

    def for_annotators(self, number: int | None) -> str:
        """The text with its blank, where it has one, filled for so many annotators an item; None: unknown."""
        return self.text.replace(COLLEAGUES_BLANK, _colleagues_judge(number))


def _colleagues_judge(annotators: int | None) -> str:
    """Who else judges, as the first words of '... the same conversation'."""
    if annotators is None:
        return "colleagues judge"
    if annotators == 1:
        return "nobody else judges"
    others = annotators - 1
    word = _WORDS[others] if others < len(_WORDS) else f"{others:,}"
    return f"{word} colleague{' judges' if others == 1 else 's judge'}"


def read_guidelines(prompts: Prompts, file: str = GUIDELINES) -> Guidelines:
    """The guidelines of a prompt folder, GUIDELINES or RATING_GUIDELINES.

    Raises PromptError when the file or a trait's reference is missing.
    """
    text = prompts.read(file)
    sections = re.split(r"^#{2,4}\s+(.+?)\s*$", text, flags=re.MULTILINE)
    bodies = dict(zip(sections[1::2], sections[2::2], strict=True))
    references = {}
    for trait in TRAITS:
        lines = _REFERENCE.findall(bodies.get(trait.label, ""))
        references[trait] = {Level(level.lower()): description.strip() for level, description in lines}
        if len(references[trait]) != 2:
            raise PromptError(
                f"'{file}' has no heading '{trait.label}' followed by lines '- **High**: ...'"
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
    items = _parsed(KnownItem, text, file, KNOWN_ITEMS)
    duplicate, count = Counter(item.id for item in items).most_common(1)[0]
    if count > 1:
        raise PromptError(f"file '{file}' has the item '{duplicate}' twice; rename one")
    return items


class StyleItem(BaseModel):
    """A situation, and how models that play a trait high and low would answer about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    trait: Trait
    situation: str
    high: str
    """The style of answering to expect; shown after the annotator has described it."""
    low: str

    def item(self, kind: str) -> Item:
        """Itself as an item about which a task with the questions 'high' and 'low' asks.

        No description is wrong, so the answer key holds no answers; its `why` is ours, to compare.
        """
        fingerprint = hashlib.sha256(self.model_dump_json().encode("utf-8", "replace")).hexdigest()[:8]
        return Item(
            kind=kind,
            key=f"{kind}:{self.id}:{fingerprint}",
            stratum="",
            content={"trait": self.trait.value, "label": self.trait.label, "situation": self.situation},
            answer_key={"answers": {}, "why": f"High: {self.high} Low: {self.low}"},
        )


def style_items(prompts: Prompts) -> list[StyleItem]:
    """What is asked before models are rated, one item a trait in paper order; PromptError otherwise."""
    items = {item.trait: item for item in _parsed(StyleItem, prompts.read(STYLES), STYLES, STYLES)}
    missing = next((trait for trait in TRAITS if trait not in items), None)
    if missing is not None:
        raise PromptError(f"'{STYLES}' has no item about {missing.label}; write one for each trait")
    return [items[trait] for trait in TRAITS]


def _parsed(model: type[Known], text: str, file: str, example: str) -> list[Known]:
    """The items of a file that holds a list of them; PromptError, in one line, for anything else."""
    try:
        rows: Any = parse_json(text)
        if not isinstance(rows, list) or not rows:
            raise PromptError(f"file '{file}' is not a list of items; see prompts/{example}")
        return [model.model_validate(row) for row in rows]
    except ValueError as error:
        detail = error.errors()[0] if isinstance(error, ValidationError) else None
        problem = str(error).splitlines()[0] if detail is None else f"{detail['loc']}: {detail['msg']}"
        raise PromptError(f"file '{file}' has the wrong format: {problem}; see prompts/{example}") from None
