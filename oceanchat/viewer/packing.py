"""Pack a page's dialogues for its script.

An index of all dialogues, and their texts in chunks that a browser unpacks one by one; each is JSON,
deflated, in base64, so that nothing a dialogue says can be taken for HTML.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oceanchat.errors import PromptError
from oceanchat.facets import FACETS
from oceanchat.pipeline.trait_blanks import exchanges_blank, facet_blanks, label_blanks, level_blanks
from oceanchat.prompts import Template, parse_template
from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.traits import CODES, TraitLevel
from oceanchat.viewer.content import Origin, PageContent, PromptText, ShownDialogue
from oceanchat.viewer.sections import state_order

CHUNK = 200
"""Dialogues in a chunk."""
SNIPPET = 110
"""Characters of a dialogue that the list shows."""
_PEOPLE = {True: "valid", False: "invalid", None: "divided"}


def packed(value: Any) -> str:
    """A value as deflated JSON in base64."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode("ascii")


def index(content: PageContent) -> dict[str, Any]:
    """What the page needs before any dialogue is opened: a row for each, and what many of them share."""
    codes = [code for code in CODES if any(d.trait_level == code for d in content.dialogues)]
    states = sorted({d.state for d in content.dialogues}, key=state_order)
    return {
        "chunk": CHUNK,
        "levels": [_level(TraitLevel.parse(code)) for code in codes],
        "states": [{"state": state, "group": _group(state)} for state in states],
        "prompts": {f"{p.task} {p.fingerprint}": _prompt(p) for p in content.prompts},
        "rows": [
            [d.id, codes.index(d.trait_level), states.index(d.state), _people(d), _snippet(d)]
            for d in content.dialogues
        ],
    }


def chunks(dialogues: Sequence[ShownDialogue]) -> Iterable[dict[str, Any]]:
    """The dialogues in the order of the index, each chunk with the origins that stand behind it."""
    for start in range(0, len(dialogues), CHUNK):
        part = dialogues[start : start + CHUNK]
        origins = {d.origin.model_dump_json(): d.origin for d in part}
        numbers = {key: number for number, key in enumerate(origins)}
        yield {
            "origins": list(map(_origin, origins.values())),
            "dialogues": [_details(d, numbers[d.origin.model_dump_json()]) for d in part],
        }


def _details(dialogue: ShownDialogue, origin: int) -> dict[str, Any]:
    details = dialogue.model_dump(mode="json", exclude={"id", "trait_level", "state", "turns", "origin"})
    turns = [[turn.role == "questioner", turn.text] for turn in dialogue.turns]
    return {name: value for name, value in details.items() if value not in ("", None, [])} | {
        "turns": turns,
        "origin": origin,
    }


def _origin(origin: Origin) -> dict[str, Any]:
    asked = {} if origin.exchanges is None else {"exchanges": exchanges_blank(origin.exchanges)}
    asked |= {} if origin.words is None else {"words": str(origin.words)}
    return origin.model_dump(mode="json", exclude={"exchanges", "words"}) | {"asked": asked}


def _level(trait_level: TraitLevel) -> dict[str, Any]:
    facets = {f.id: facet_blanks(trait_level, f) for f in FACETS[trait_level.trait]}
    return {
        "code": trait_level.code,
        "name": trait_level.name,
        "label": trait_level.label,
        "label_blanks": label_blanks(trait_level.trait),
        "blanks": level_blanks(trait_level),
        "facets": facets,
    }


def _prompt(prompt: PromptText) -> list[Sequence[str]]:
    """Role and text of each part of a template; empty where its text is not known."""
    if not prompt.text:
        return []
    try:
        template: Template = parse_template(prompt.text, prompt.task, prompt.fingerprint)
    except (PromptError, LookupError):  # of a release by a newer version, say
        return [("template", prompt.text)]
    return [(part.role, part.content) for part in template.parts]


def _group(state: str) -> str:
    if state == "passed":
        return "accepted"
    if state.startswith("gate:"):
        return "rejected by a gate"
    return "rejected by the checker" if state in REJECTED_BY_CHECK else "other"


def _people(dialogue: ShownDialogue) -> str:
    return _PEOPLE[dialogue.valid] if dialogue.votes else ""


def _snippet(dialogue: ShownDialogue) -> str:
    """The beginning of the first answer."""
    answers: Mapping[str, str] = {turn.role: turn.text for turn in reversed(dialogue.turns)}
    text = " ".join((answers.get("discloser") or dialogue.sentence or "").split())
    return text if len(text) <= SNIPPET else text[:SNIPPET].rsplit(" ", 1)[0] + "\u2026"
