"""Personas are read, refused and put into words."""

import pytest

from oceanchat.errors import ConfigError
from oceanchat.traits import TraitLevel
from preact.persona import parse_persona, persona_prompt, trait_level_prompt


def test_personas_are_shares() -> None:
    high, low = TraitLevel.parse("O+"), TraitLevel.parse("E-")
    assert parse_persona("O+ e-") == {high: 0.5, low: 0.5}
    assert parse_persona("O+=0.7, E-=0.3") == {high: pytest.approx(0.7), low: pytest.approx(0.3)}
    assert parse_persona("O+=3") == {high: 1.0}


@pytest.mark.parametrize("text", ["", "O", "O+ E-=0.3", "O+=0", "O+ O+", "X+", "O+=x", "O+=-1"])
def test_odd_personas_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="persona"):
        parse_persona(text)


def test_the_prompt_names_every_trait_level_of_a_persona_and_no_task() -> None:
    prompt = persona_prompt(parse_persona("O+ N-"))
    assert "high Openness and low Neuroticism" in prompt and "<task>" not in prompt
    assert "low Neuroticism" in trait_level_prompt(TraitLevel.parse("N-"))
