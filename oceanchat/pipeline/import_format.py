"""Read dialogues from other sources as JSONL.

Forgiving about names, exact about what is missing: a line gives trait and level (or `trait_level`), and
turns with role and text (or content); facet, seed, author, reason and writer are optional; other keys are
ignored. Every line becomes a dialogue or a problem with its number. Nothing is stored or judged here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.errors import InputError, RecordError
from oceanchat.records import Dialogue, Provenance, Role, Turn, content_id, dialogue_id
from oceanchat.traits import TraitLevel, facet_named, levels_named, traits_named

ROLES: Mapping[str, Role] = {
    "questioner": "questioner",
    "user": "questioner",
    "human": "questioner",
    "interviewer": "questioner",
    "discloser": "discloser",
    "self-discloser": "discloser",
    "assistant": "discloser",
    "gpt": "discloser",
}
"""What other sources call the two speakers."""


class LineProblem(NamedTuple):
    """A line that is not a dialogue."""

    line: int
    """Counted from 1."""
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


class ImportedFile(NamedTuple):
    """What a file held."""

    dialogues: tuple[Dialogue, ...]
    problems: tuple[LineProblem, ...]


def read_dialogues(path: Path) -> ImportedFile:
    """The dialogues of a JSONL file, in its order. Raises InputError when the file cannot be read or is
    empty."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"file '{path}' cannot be read: {error.strerror}; name a JSONL file of dialogues"
        ) from None
    dialogues: list[Dialogue] = []
    problems: list[LineProblem] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            try:
                dialogues.append(parse_dialogue(line, number, path.name))
            except InputError as error:
                problems.append(LineProblem(number, str(error)))
    if not dialogues and not problems:
        raise InputError(f"file '{path}' is empty; it must hold one dialogue per line, as JSON")
    return ImportedFile(tuple(dialogues), tuple(problems))


def parse_dialogue(line: bytes | str, number: int, source: str) -> Dialogue:
    """One line as a dialogue in state 'unchecked'. Raises InputError saying what is wrong with it."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise RecordError("not valid JSON; write one object per line, in UTF-8") from None
    if not isinstance(record, dict):
        raise RecordError("not a JSON object; write one object per line")
    trait_level = _trait_level(record)
    turns = _turns(record)
    seed, author = _text(record, "seed", "seed_topic"), _text(record, "author")
    return Dialogue(
        id=dialogue_id(trait_level, turns),
        order=number,
        source="imported",
        trait=trait_level.trait,
        level=trait_level.level,
        facet=_facet(record, trait_level),
        seed_topic=seed or None,
        seed_topic_id=content_id("imported seed", seed) if seed else "",
        seed_reason=_text(record, "reason", "seed_reason"),
        author=author,
        turns=turns,
        provenance=Provenance(corpus=source, writer=_text(record, "writer", "model")),
    )


def _trait_level(record: Mapping[str, Any]) -> TraitLevel:
    if "trait" not in record and isinstance(record.get("trait_level"), str):
        return TraitLevel.parse(record["trait_level"][:40])
    for key in ("trait", "level"):
        if not isinstance(record.get(key), str):
            raise RecordError(f"'{key}' is missing; give trait (O, C, E, A or N) and level (high or low)")
    traits, levels = traits_named(record["trait"][:40]), levels_named(record["level"][:40])
    if len(traits) != 1 or len(levels) != 1:
        raise RecordError(f"'{record['trait']}' and '{record['level']}' must be one trait and one level")
    return TraitLevel(traits[0], levels[0])


def _facet(record: Mapping[str, Any], trait_level: TraitLevel) -> str | None:
    text = _text(record, "facet")
    if not text:
        return None
    facet = facet_named(text)
    if facet is None:
        raise RecordError(f"facet '{text[:40]}' is unknown; leave it out or use one of the thirty")
    if facet.trait is not trait_level.trait:
        raise RecordError(
            f"facet '{text[:40]}' belongs to {facet.trait.label}, not to {trait_level.trait.label}"
        )
    return facet.id


def _turns(record: Mapping[str, Any]) -> tuple[Turn, ...]:
    turns = record.get("turns", record.get("messages"))
    if not isinstance(turns, list):
        raise RecordError("'turns' is missing; give a list of objects with role and text")
    if len(turns) < 2:
        raise RecordError(
            f"{len(turns)} turn{'s' * (len(turns) != 1)}; a dialogue has at least a question and an answer"
        )
    return tuple(_turn(turn, number) for number, turn in enumerate(turns, 1))


def _turn(turn: object, number: int) -> Turn:
    if not isinstance(turn, dict):
        raise RecordError(f"turn {number} is not an object with role and text")
    role = str(turn.get("role", turn.get("from", ""))).strip().lower().replace("_", "-")
    if role not in ROLES:
        raise RecordError(
            f"turn {number} has the role '{role[:40]}'; use questioner and discloser, or user and assistant"
        )
    text = turn.get("text", turn.get("content", turn.get("value")))
    if not isinstance(text, str) or not text.strip():
        raise RecordError(f"turn {number} has no text")
    return Turn(role=ROLES[role], text=_storable(text.strip()))


def _text(record: Mapping[str, Any], *keys: str) -> str:
    """The first of these keys that holds text; empty where none does."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return _storable(str(value).strip())
    return ""


def _storable(text: str) -> str:
    """The text without NUL characters and half surrogate pairs, which no database or Parquet file takes."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
