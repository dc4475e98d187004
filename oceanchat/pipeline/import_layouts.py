"""Know the layouts in which others keep dialogues.

A record of OpenAI messages, ShareGPT, SDialog, ConvoKit, Argilla, Label Studio or our own tables gives its
label and its turns by the same few questions: which keys hold them, who speaks, what is said. Nothing is
judged here.
"""

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from oceanchat.errors import InputError, RecordError
from oceanchat.records import Role, Turn
from oceanchat.traits import TraitLevel, levels_named, traits_named

_ASKS = ("questioner", "user", "human", "interviewer", "prompter", "therapist")
_TELLS = ("discloser", "self-discloser", "assistant", "gpt", "bot", "chatgpt", "interviewee", "respondent")
ROLES: Mapping[str, Role] = {
    **dict.fromkeys(_ASKS, "questioner"),
    **dict.fromkeys(_TELLS, "discloser"),
}
"""What other sources call the two speakers."""
TURNS = (
    *("turns", "messages", "conversations", "conversation", "dialogue", "dialog", "chat", "items"),
    "utterances",
)
"""Keys of the list of turns."""
WIDE_TURN = re.compile(r"turn_(\d+)_(role|text)")
"""The columns of turns in a wide table."""
_SPEAKER = ("role", "speaker", "from", "user", "agent", "author")
_WORDS = ("text", "content", "value", "utterance", "message")
_LEFT_OUT = ("system", "developer", "tool", "function", "observation")
"""Roles whose messages nobody in the dialogue said."""
_AROUND = ("meta", "metadata", "labels", "label", "scenario", "context", "persona", "personality")
"""Keys under which a record's label may stand."""


_WITHIN = ("fields", "metadata", "data")
"""Where Argilla (the first two) and Label Studio keep what was loaded into them."""


class Labeled(NamedTuple):
    """A label, and the speaker it describes; None where the record as a whole is labeled."""

    trait_level: TraitLevel
    speaker: str | None


def opened(value: Any) -> Any:
    """A cell of a table that holds JSON, or a list as Python prints it, as what it says."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return value


def unwrapped(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with what an annotation tool keeps within it laid open; as it is where its turns are."""
    if any(key in record for key in TURNS):
        return record
    within = [inner for key in _WITHIN if isinstance(inner := opened(record.get(key)), Mapping)]
    laid_open = {name: value for part in (*within, record) for name, value in part.items()}
    if any(key in laid_open for key in TURNS):
        return laid_open
    chats = [value for part in within for value in part.values() if _is_chat(value)]
    return {**laid_open, "turns": chats[0]} if len(chats) == 1 else laid_open


def _is_chat(value: Any) -> bool:
    """Whether a value is a chat as Argilla holds one, whose field may have any name."""
    turns = opened(value)
    return isinstance(turns, list) and bool(turns) and all(_has_words(turn) for turn in turns)


def _has_words(turn: object) -> bool:
    return isinstance(turn, Mapping) and {"role", "content"} <= turn.keys()


def label_of(record: Mapping[str, Any], default: TraitLevel | None) -> Labeled:
    """The trait-level of a record. Raises InputError when it names none, or one that is unknown."""
    if (label := _label_in(record)) is not None:
        return Labeled(label, None)
    for key in _AROUND:
        inner = opened(record.get(key))
        if isinstance(inner, Mapping) and (label := _label_in(inner)) is not None:
            return Labeled(label, None)
        if isinstance(inner, str) and (label := _readable(inner)) is not None:
            return Labeled(label, None)
    for speaker, persona in _personas(record):
        if (label := _persona_label(persona)) is not None:
            return Labeled(label, speaker)
    if default is not None:
        return Labeled(default, None)
    key = "level" if isinstance(record.get("trait"), str) else "trait"
    raise RecordError(
        f"'{key}' is missing; give trait (O, C, E, A or N) and level (high or low), or import the file with"
        " --trait-level"
    )


def _label_in(record: Mapping[str, Any]) -> TraitLevel | None:
    """The label that a mapping spells out; None where it has none."""
    trait, level = record.get("trait"), record.get("level")
    if trait is None and isinstance(record.get("trait_level"), str):
        return TraitLevel.parse(record["trait_level"][:40])
    if trait is None or level is None:
        return None
    for key, value in (("trait", trait), ("level", level)):
        if not isinstance(value, str):
            raise RecordError(f"'{key}' is missing; give trait (O, C, E, A or N) and level (high or low)")
    traits, levels = traits_named(trait[:40]), levels_named(level[:40])
    if len(traits) != 1 or len(levels) != 1:
        raise RecordError(f"'{trait[:40]}' and '{level[:40]}' must be one trait and one level")
    return TraitLevel(traits[0], levels[0])


def _readable(text: str) -> TraitLevel | None:
    try:
        return TraitLevel.parse(text) if len(text) <= 40 else None
    except InputError:
        return None


def _personas(record: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Speaker -> persona or metadata, as SDialog and ConvoKit keep them."""
    for key in ("personas", "speakers"):
        personas = opened(record.get(key))
        if isinstance(personas, Mapping):
            yield from ((str(name), persona) for name, persona in personas.items())


def _persona_label(persona: Any) -> TraitLevel | None:
    if not isinstance(persona, Mapping):
        return None
    if (label := _label_in(persona)) is not None:
        return label
    inner = persona.get("meta")
    if isinstance(inner, Mapping) and (label := _label_in(inner)) is not None:
        return label
    return next((label for v in persona.values() if isinstance(v, str) and (label := _readable(v))), None)


def turns_of(record: Mapping[str, Any], discloser: str | None) -> tuple[Turn, ...]:
    """The turns of a record; `discloser` is the speaker that its label describes, where it is known.

    Raises RecordError saying what is wrong with them.
    """
    lists = [turns for key in TURNS if isinstance(turns := opened(record.get(key)), list)]
    # An annotation tool may have a question of such a name, whose answers are words.
    spoken_in = [turns for turns in lists if any(isinstance(turn, Mapping) for turn in turns)]
    given = next(iter([*spoken_in, *lists]), None)
    if given is None:
        given = _wide_turns(record)
    if given is None:
        raise RecordError(
            "'turns' is missing; give a list of objects with role and text (or messages, dialogue, chat), in"
            " a table as JSON in one column, or in columns turn_01_role, turn_01_text, turn_02_role and so on"
        )
    spoken = [_Spoken.of(turn, number) for number, turn in enumerate(given, 1)]
    spoken = [turn for turn in spoken if turn.speaker.casefold() not in _LEFT_OUT]
    if len(spoken) < 2:
        count = f"{len(spoken)} turn{'s' * (len(spoken) != 1)}"
        raise RecordError(f"{count}; a dialogue has at least a question and an answer")
    roles = _roles(spoken, discloser)
    return tuple(Turn(role=roles[turn.speaker], text=turn.text) for turn in spoken)


class _Spoken(NamedTuple):
    """Who said what."""

    number: int
    speaker: str
    text: str

    @classmethod
    def of(cls, turn: object, number: int) -> "_Spoken":
        if not isinstance(turn, Mapping):
            raise RecordError(f"turn {number} is not an object with role and text")
        speaker = next((turn[key] for key in _SPEAKER if isinstance(turn.get(key), str | int)), "")
        name = str(speaker).strip()
        text = _text(next((turn[key] for key in _WORDS if turn.get(key) is not None), None))
        if not text and name.casefold() not in _LEFT_OUT:
            raise RecordError(f"turn {number} has no text")
        return cls(number, name, text)


def _text(content: object) -> str:
    """What was said; of a list of parts, those that are text."""
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
        content = "\n".join(part for part in parts if isinstance(part, str))
    if not isinstance(content, str):
        return ""
    return storable(content.strip())


def storable(text: str) -> str:
    """The text without NUL characters and half surrogate pairs, which no database or Parquet file takes."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _known(speaker: str) -> Role | None:
    return ROLES.get(speaker.strip().casefold().replace("_", "-").replace(" ", "-"))


def _roles(spoken: Sequence[_Spoken], discloser: str | None) -> Mapping[str, Role]:
    """Speaker -> role: by name, by the label, or else the first of two asks."""
    speakers = list(dict.fromkeys(turn.speaker for turn in spoken))
    known = {speaker: role for speaker in speakers if (role := _known(speaker)) is not None}
    unknown = [speaker for speaker in speakers if speaker not in known]
    if not unknown:
        return known
    first = next(turn for turn in spoken if turn.speaker in unknown)
    if len(speakers) != 2 or known or "" in unknown:
        raise RecordError(
            f"turn {first.number} has the role '{first.speaker[:40]}'; use questioner and discloser, user and"
            " assistant, or two speakers"
        )
    asks, tells = speakers if discloser != speakers[0] else reversed(speakers)
    return {asks: "questioner", tells: "discloser"}


def _wide_turns(record: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The turns of a row of a wide table, in their order."""
    turns: dict[int, dict[str, Any]] = {}
    for name, value in record.items():
        match = WIDE_TURN.fullmatch(str(name))
        if match and value not in (None, ""):
            turns.setdefault(int(match[1]), {})[match[2]] = value
    return [turns[number] for number in sorted(turns)] or None
