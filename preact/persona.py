"""Personas: trait-levels with shares.

How users write them, and the prompt that portrays them. The prompt is what `lora` switches trait-levels by
and what prompt-only baselines use: our words for the paper's Table 12, from the template `persona` that
ships, or from `persona_short`, since a small model cannot find one word among 540 tokens. Nothing here knows
of models.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from oceanchat.errors import ConfigError, EvaluationError, InputError
from oceanchat.prompts import open_prompts, persona_text
from oceanchat.traits import TraitLevel
from preact.methods import PromptStyle

Persona = Mapping[TraitLevel, float]
"""Trait-levels and their shares, which sum to 1."""

TEMPLATES: Mapping[PromptStyle, str] = {"full": "persona", "short": "persona_short"}
_PART = re.compile(r"([^=*]+)(?:[=*]([0-9]*\.?[0-9]+))?")


def parse_persona(text: str) -> Persona:
    """Read 'N+', 'n-high', 'O+ N-' or 'O+=0.7 E-=0.3' as shares that sum to 1; see `persona_of_parts`."""
    return persona_of_parts(text.replace(",", " ").split())


def persona_of_parts(parts: Sequence[str]) -> Persona:
    """Trait-levels, each with a share or none, as shares that sum to 1; without numbers they are equal.

    A part may hold several, as in a served model's name: 'o-high*0.7,e-low*0.3'.
    A trait-level whose share is 0 is left out. Raises ConfigError for unknown trait-levels, numbers given for
    some only, a trait-level named twice, no weight, or a share beyond all numbers.
    """
    text = " ".join(parts)
    parts = [piece.strip() for part in parts for piece in part.split(",") if piece.strip()]
    matches = [match for part in parts if (match := _PART.fullmatch(part))]
    if not parts or len(matches) < len(parts):
        raise ConfigError(f'persona \'{text}\' is not understood; write it like "O+ N-" or "O+=0.7 E-=0.3"')
    if len({match.group(2) is None for match in matches}) > 1:
        raise ConfigError(
            f"persona '{text}' gives a share to some trait-levels only; give one to all or to none"
        )
    shares: dict[TraitLevel, float] = {}
    for match in matches:
        try:
            trait_level = TraitLevel.parse(match.group(1))
        except InputError as error:
            raise ConfigError(f"persona '{text}' is not understood: {error}") from None
        if trait_level in shares:
            raise ConfigError(f"persona '{text}' names {trait_level.code} twice; name each trait-level once")
        shares[trait_level] = 1.0 if match.group(2) is None else float(match.group(2))
    total = sum(shares.values())
    if total <= 0:
        raise ConfigError(
            f"persona '{text}' gives no trait-level any weight; let the shares sum to more than 0"
        )
    if total == math.inf:
        raise ConfigError(f"persona '{text[:100]}' has a share too large to count with; write lower shares")
    return normalised(shares)


def normalised(shares: Persona) -> Persona:
    """Shares that sum to 1, without the trait-levels that have none, which no prompt may name."""
    total = sum(shares.values())
    return {trait_level: share / total for trait_level, share in shares.items() if share > 0}


def persona_label(persona: Persona) -> str:
    """Its trait-levels in words, such as 'high Openness and low Neuroticism', without their shares."""
    return " and ".join(trait_level.label for trait_level in persona)


def unsaid_shares(persona: Persona) -> str:
    """What a prompt cannot say of a persona, in a sentence; empty where its shares are equal."""
    equal = max(persona.values()) - min(persona.values()) < 1e-9
    return "" if equal else "the method's prompt says no shares: it asks for each trait-level alike"


def persona_prompt(persona: Persona, prompts: Path | None = None, style: PromptStyle = "full") -> str:
    """The system text that portrays a persona, without the line that names the task; shares are not said."""
    description = " ".join(trait_level.description for trait_level in persona) if style == "short" else ""
    return persona_text(open_prompts(prompts), persona_label(persona), description)


def trait_level_prompt(trait_level: TraitLevel, style: PromptStyle = "full") -> str:
    """The system text for one trait-level."""
    return persona_prompt({trait_level: 1.0}, style=style)


def short_title(title: str, style: PromptStyle) -> str:
    """A method's name in tables, which says where its prompt is the short one."""
    return f"{title} (short prompt)" if style == "short" else title


def require_prompted(system: str, style: PromptStyle) -> None:
    """Raises EvaluationError where the short prompt is asked for and the system has none, or its own."""
    if style == "short" and not system.startswith("prompted:"):
        raise EvaluationError(
            f"system '{system}' takes no --prompt short: a run keeps the prompt it was trained with, and"
            " others have none; name prompted:MODEL, or leave --prompt out"
        )


def prompt_facts(prompts: Path | None, style: PromptStyle) -> dict[str, str]:
    """Which prompt it is, as part of what decides a system's answers."""
    return {"prompt": open_prompts(prompts)[TEMPLATES[style]].fingerprint, "prompt_style": style}
