"""Name the columns of exports, with types.

They follow from the records, never from the rows at hand: a column without values has its type all the same.
"""

from collections.abc import Mapping
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from oceanchat.parquet import Kind
from oceanchat.records import Candidate, Dialogue, Record, SeedTopic, Sentence, Verdict

_WIDE_TEXTS = (
    *("id", "trait_level", "trait", "level", "facet", "state", "detail", "source", "author", "seed_topic"),
    *("corpus", "labeler", "writer", "checker", "mode"),
)
_VALIDATION_NUMBERS: Mapping[str, Kind] = {
    "revision": int,
    "active_seconds": float,
    "saved": float,
    "sample": int,
}


def kinds_of(what: str, columns: list[str]) -> dict[str, Kind]:
    """The kinds of these columns of one kind of export."""
    known = KINDS_OF.get(what, {})
    return {name: known.get(name, _by_name(name)) for name in columns}


def _by_name(name: str) -> Kind:
    return _VALIDATION_NUMBERS.get(name, str)


def _kinds(record: type[Record], **more: Kind) -> dict[str, Kind]:
    fields = {name: _kind(field.annotation) for name, field in record.model_fields.items()}
    return {**more, **fields}


def _kind(annotation: Any) -> Kind:
    """The kind of a field; objects with free keys, such as prompt fingerprints, are JSON text."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _kind(next(kind for kind in inner if kind is not type(None)))
    if origin is tuple:
        return [_kind(inner[0])]
    if origin is Literal or origin is not None:
        return str
    if issubclass(annotation, Record):
        return _kinds(annotation)
    return str if issubclass(annotation, str | Enum) else annotation


KINDS_OF: Mapping[str, Mapping[str, Kind]] = {
    "sentences": _kinds(Sentence, place=int),
    "candidates": _kinds(Candidate, sentence_id=str, text=str),
    "seeds": _kinds(SeedTopic, trait_level=str),
    "dialogues": _kinds(Dialogue, trait_level=str),
    "verdicts": {**_kinds(Verdict, trait_level=str, state=str), "shown": [str]},
    "answers": {
        **dict.fromkeys(("prompt_tokens", "completion_tokens"), int),
        "recorded_at": float,
    },
    "ratings": {
        **dict.fromkeys(("evaluation", "conversation_id", "seed"), int),
        **dict.fromkeys(("alignment", "naturalness", "coherence"), int),
        "seconds": float,
    },
    "wide": {
        **dict.fromkeys(_WIDE_TEXTS, str),
        **dict.fromkeys(("turns", "words", "passed"), int),
        "words_a_turn": float,
        "shown": str,
    },
}
"""What is exported -> column -> kind."""
