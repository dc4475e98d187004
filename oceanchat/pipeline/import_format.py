"""Make dialogues of the records of other sources.

Forgiving about names, exact about what is missing: a record gives trait and level and at least two turns;
facet, seed, author, reason and writer are optional, a verdict of our own is kept, other keys are ignored.
Every record becomes a dialogue or a problem with its number. Nothing is stored or judged here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from oceanchat.errors import InputError, RecordError
from oceanchat.facets import facet_named
from oceanchat.nesting import parse_json
from oceanchat.pipeline.import_layouts import label_of, opened, storable, turns_of, unwrapped
from oceanchat.pipeline.import_sources import is_annotations, source_records
from oceanchat.records import (
    REJECTED_BY_CHECK,
    Dialogue,
    ObservedTrait,
    Provenance,
    Verdict,
    content_id,
    dialogue_id,
)
from oceanchat.traits import TraitLevel

CHECKED = ("passed", *REJECTED_BY_CHECK)
"""States that a verdict gives."""
COPIED = "gate:copied"
"""The state of a dialogue that repeats its essay, which only the store that built it can tell."""


class LineProblem(NamedTuple):
    """A line, row or conversation that is not a dialogue."""

    line: int
    """Counted from 1."""
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


class ImportedFile(NamedTuple):
    """What a file held."""

    dialogues: tuple[Dialogue, ...]
    problems: tuple[LineProblem, ...]


def read_dialogues(path: Path, default: TraitLevel | None = None) -> ImportedFile:
    """The dialogues of a file or folder, in its order; `default` is the label of those that name none.

    Raises InputError when it cannot be read, is empty, or is a table of annotations without dialogues.
    """
    dialogues: list[Dialogue] = []
    problems: list[LineProblem] = []
    annotations = False
    for line, content in source_records(path):
        try:
            if isinstance(content, str):
                raise RecordError(content)
            dialogues.append(dialogue_of(content, line, path.name, default))
        except InputError as error:
            problems.append(LineProblem(line, str(error)))
            annotations = annotations or is_annotations(path, content)
    if annotations and not dialogues:
        raise InputError(
            f"file '{path}' is a CSV of Label Studio, a row for each annotation, and holds no dialogue"
            f" ({problems[0]}); export the project as JSON or JSON_MIN and import that, or measure its labels"
            " with `oceanchat agreement --labels`"
        )
    if not dialogues and not problems:
        raise InputError(f"file '{path}' is empty; it must hold dialogues, such as one per line, as JSON")
    return ImportedFile(tuple(dialogues), tuple(problems))


def parse_dialogue(line: bytes | str, number: int, source: str) -> Dialogue:
    """One line as a dialogue. Raises InputError saying what is wrong with it."""
    try:
        record = parse_json(line)
    except ValueError:
        raise RecordError("not valid JSON; write one object per line, in UTF-8") from None
    if not isinstance(record, dict):
        raise RecordError("not a JSON object; write one object per line")
    return dialogue_of(record, number, source)


def dialogue_of(
    record: Mapping[str, Any], number: int, source: str, default: TraitLevel | None = None
) -> Dialogue:
    """A record as a dialogue, in state 'unchecked' unless a verdict of ours comes with it.

    Raises InputError saying what is wrong with it.
    """
    record = unwrapped(record)
    label = label_of(record, default)
    trait_level = label.trait_level
    turns = turns_of(record, label.speaker)
    key = dialogue_id(trait_level, turns)
    seed = _seed(record)
    state, detail, verdict = _judgement(record, key)
    return Dialogue(
        id=key,
        order=number,
        source="imported",
        trait=trait_level.trait,
        level=trait_level.level,
        facet=_facet(record, trait_level),
        seed_topic=seed or None,
        seed_topic_id=content_id("imported seed", seed) if seed else "",
        seed_reason=_text(record, "reason", "seed_reason"),
        author=_author(record),
        turns=turns,
        state=state,
        detail=detail,
        verdict=verdict,
        provenance=_provenance(record, source),
    )


def _judgement(record: Mapping[str, Any], key: str) -> tuple[str, str, Verdict | None]:
    """State, detail and verdict: those of our own export, if they are about these very words."""
    origin = opened(record.get("provenance"))
    released = origin if isinstance(origin, Mapping) else {}
    state = _text(record, "state") or _text(released, "state")
    if state == COPIED:
        return state, _text(record, "detail", "reason"), None
    given = opened(record.get("verdict", released.get("verdict")))
    if state not in CHECKED or not isinstance(given, Mapping):
        return "unchecked", "", None
    fields = {
        str(name): storable(value) if isinstance(value, str) else value for name, value in given.items()
    }
    try:
        shown = [_observed(seen) for seen in given.get("shown") or ()]
        verdict = Verdict.model_validate({"dialogue_id": key, **fields, "shown": shown})
    except (ValidationError, InputError, TypeError):
        return "unchecked", "", None
    if verdict.dialogue_id != key or verdict.passed != (state == "passed"):
        return "unchecked", "", None
    return state, _text(record, "detail"), verdict


def _observed(seen: Any) -> object:
    """A trait that a checker saw, as a release writes it ('N+') or as an export does."""
    if not isinstance(seen, str):
        return seen
    if len(seen) == 1:
        return {"trait": seen, "level": None}
    trait_level = TraitLevel.parse(seen)
    return ObservedTrait(trait=trait_level.trait, level=trait_level.level)


def _provenance(record: Mapping[str, Any], source: str) -> Provenance:
    """Where the dialogue comes from, as far as the record says."""
    given = opened(record.get("provenance"))
    writer = _text(record, "writer", "model")
    if not isinstance(given, Mapping):
        fields = {name: _text(record, name) for name in ("labeler", "checker", "mode")}
        return Provenance.model_validate(
            {"corpus": _text(record, "corpus") or source, "writer": writer, **fields}
        )
    fields = {name: _text(given, name) for name in ("corpus", "labeler", "checker", "mode")}
    fields["writer"] = _text(given, "writer") or writer
    fields["corpus"] = fields["corpus"] or source
    fields["essay_id"] = _text(given, "essay_id")
    fields["sentence_id"] = _text(given, "sentence_id", "seed_sentence")
    seed = given.get("seed")
    numbers = {
        "prompts": _pairs(given.get("prompts"), "task", "fingerprint", str),
        "sampling": _pairs(given.get("sampling"), "name", "value", float),
        "seed": seed if isinstance(seed, int) and abs(seed) < 2**63 else None,
    }
    return Provenance.model_validate({**fields, **numbers})


def _pairs(value: Any, key: str, inner: str, kind: type[Any]) -> dict[str, Any]:
    """A mapping, also where it is a list of pairs, without what has another type."""
    value = opened(value)
    if isinstance(value, list):
        value = {str(pair.get(key)): pair.get(inner) for pair in value if isinstance(pair, Mapping)}
    if not isinstance(value, Mapping):
        return {}
    if kind is str:
        return {storable(str(name)): storable(v) for name, v in value.items() if isinstance(v, str)}
    return {storable(str(n)): v for n, v in value.items() if isinstance(v, int | float) and abs(v) < 1e300}


def _author(record: Mapping[str, Any]) -> str:
    """The author's id; of a release's row its hash."""
    origin = opened(record.get("provenance"))
    return _text(record, "author") or (_text(origin, "author") if isinstance(origin, Mapping) else "")


def _seed(record: Mapping[str, Any]) -> str:
    """The seed topic in words; a release's hash of one says nothing."""
    seed = _text(record, "seed", "seed_topic")
    return "" if seed.startswith("sha256:") else seed


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


def _text(record: Mapping[str, Any], *keys: str) -> str:
    """The first of these keys that holds text or a number; empty where none does."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and (text := str(value).strip()):
            return storable(text)
    return ""
