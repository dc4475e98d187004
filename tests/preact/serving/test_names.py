from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import ConfigError
from oceanchat.traits import TRAIT_LEVELS
from preact.methods import METHODS
from preact.persona import parse_persona
from preact.serving.names import STRONGEST, level_name, parse_name
from preact.serving.roster import Roster

WRONG = (
    "", "preact", "preact:", ":o-high", "preact:x-high", "preact:o-mid", "preact:o-high@", "preact:o-high@2",
    "preact:o-high@-1", "preact:o-high*nan", "preact:o-high,", "preact:o-high,o-high", "preact:o-high*0",
    "preact:o-high @1", "preact:o-high*1*2", "preact:o-high@1@1",
)  # fmt: skip


def test_a_trait_level_a_strength_and_a_mixture_are_read() -> None:
    assert parse_name("preact:o-high") == ("preact", parse_persona("O+"), 1.0)
    assert parse_name("lora:N-low@0.5") == ("lora", parse_persona("N-"), 0.5)
    assert parse_name("lora:o-high*0,n-low*2") == ("lora", parse_persona("N-"), 1.0)
    assert parse_name("a:b:o-high*7,e-low*3@0") == ("a:b", parse_persona("O+=0.7 E-=0.3"), 0.0)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_persona_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ConfigError, match="model '"):
        parse_name(name)


@given(
    st.dictionaries(st.sampled_from(TRAIT_LEVELS), st.integers(1, 999), min_size=1),
    st.integers(0, int(STRONGEST * 100)),
)
def test_every_persona_has_a_name(shares: dict[object, int], hundredths: int) -> None:
    levels = ",".join(f"{level_name(level)}*{share / 100}" for level, share in shares.items())  # type: ignore[arg-type]
    name = parse_name(f"run:{levels}@{hundredths / 100}")
    assert name.strength == hundredths / 100
    assert sum(name.persona.values()) == pytest.approx(1)
    total = sum(shares.values())
    assert dict(name.persona) == pytest.approx({level: share / total for level, share in shares.items()})


def test_a_model_that_a_prompt_describes_says_that_its_shares_are_not_said(tmp_path: Path) -> None:
    runs: Any = {name: SimpleNamespace(folder=tmp_path, method=METHODS[name]) for name in ("lora", "preact")}
    roster = Roster(runs)
    prompted = roster.describe("lora:o-high*0.9,e-low*0,n-low*0.1")
    assert "high Openness and low Neuroticism (run" in prompted and "prompt says no shares" in prompted
    assert "shares" not in roster.describe("preact:o-high*0.9,n-low*0.1")
    assert "shares" not in roster.describe("lora:o-high,n-low")


@given(st.text(max_size=60))
def test_any_text_is_a_persona_or_one_clear_error(text: str) -> None:
    try:
        assert sum(parse_name(text).persona.values()) == pytest.approx(1)
    except ConfigError as error:
        assert str(error).startswith("model '")
