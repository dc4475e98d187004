"""Personas are read, refused and put into words."""

import pytest

from oceanchat.errors import ConfigError, EvaluationError
from oceanchat.traits import TRAIT_LEVELS, TraitLevel
from preact.persona import (
    parse_persona,
    persona_of_parts,
    persona_prompt,
    require_prompted,
    trait_level_prompt,
    unsaid_shares,
)


def test_personas_are_shares() -> None:
    high, low = TraitLevel.parse("O+"), TraitLevel.parse("E-")
    assert parse_persona("O+ e-") == {high: 0.5, low: 0.5}
    assert parse_persona("O+=0.7, E-=0.3") == {high: pytest.approx(0.7), low: pytest.approx(0.3)}
    for served in (["o-high*0.7,e-low*0.3"], ["o-high*0.7,", "e-low*0.3"]):
        assert persona_of_parts(served) == parse_persona("O+=0.7 E-=0.3")
    assert parse_persona("O+=3") == parse_persona("E-=0 O+=3") == {high: 1.0}


@pytest.mark.parametrize(
    "text", ["", "O", "O+ E-=0.3", "O+=0", "O+ O+", "X+", "O+=x", "O+=-1", "O+=" + "9" * 400]
)
def test_odd_personas_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="persona"):
        parse_persona(text)


def test_shares_that_a_prompt_cannot_say_are_said() -> None:
    assert "no shares" in unsaid_shares(parse_persona("O+=0.7 N-=0.3"))
    assert unsaid_shares(parse_persona("O+=0.2 N-=0.2 E+=0.2")) == unsaid_shares(parse_persona("O+")) == ""


def test_the_prompt_names_every_trait_level_of_a_persona_and_no_task() -> None:
    prompt = persona_prompt(parse_persona("O+ N-"))
    assert "high Openness and low Neuroticism" in prompt and "<task>" not in prompt
    assert "low Neuroticism" in trait_level_prompt(TraitLevel.parse("N-"))


def test_the_short_prompt_describes_only_what_is_asked_for_and_names_no_tag() -> None:
    for trait_level in TRAIT_LEVELS:
        whole, short = (trait_level_prompt(trait_level, style) for style in ("full", "short"))
        assert trait_level.label in short and trait_level.description in short
        assert not any(other.description in short for other in TRAIT_LEVELS if other != trait_level)
        assert len(short.split()) < 70 < 250 < len(whole.split())
        assert "tag" not in whole.lower().split() and "<" not in short
    both = persona_prompt(parse_persona("O+ N-"), style="short")
    assert all(TraitLevel.parse(code).description in both for code in ("O+", "N-"))


def test_the_short_prompt_of_what_has_none_is_refused() -> None:
    require_prompted("prompted:tiny", "short")
    require_prompted("runs/lora", "full")
    for system in ("runs/lora", "backbone:tiny", "control:vectors"):
        with pytest.raises(EvaluationError, match=f"'{system}' takes no --prompt short"):
            require_prompted(system, "short")
