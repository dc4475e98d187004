"""The prompt that portrays a trait-level: what `lora` switches trait-levels by, and prompt-only baselines
use.

Our words for the paper's Table 12, from the template `persona` that ships. It knows nothing of models.
"""

from pathlib import Path

from oceanchat.prompts import open_prompts
from oceanchat.traits import TraitLevel


def persona_prompt(persona: str, prompts: Path | None = None) -> str:
    """The system text for a persona such as 'high Openness', without the line that names the task."""
    filled = open_prompts(prompts)["persona"].fill(persona=persona)
    text = "\n\n".join(message.content for message in filled)
    return text.removeprefix("<task>persona</task>").strip()


def trait_level_prompt(trait_level: TraitLevel) -> str:
    """The system text for one trait-level."""
    return persona_prompt(trait_level.label)
