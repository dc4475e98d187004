"""A persona is named the same way everywhere, and two ways that differ are one clear line."""

import pytest

from oceanchat.errors import InputError
from oceanchat.traits import TraitLevel, levels_named, traits_named
from preact.cli.personas import GivenPersona

HIGH_O, LOW_N = TraitLevel.parse("O+"), TraitLevel.parse("N-")
LEVELLED = GivenPersona(traits=traits_named("O"), levels=levels_named("high"))


def test_arguments_are_a_trait_level_or_a_mixture() -> None:
    assert GivenPersona(("o-high",)).read() == LEVELLED.read() == {HIGH_O: 1.0}
    assert GivenPersona(("O+=3", "n-low=1")).read() == {HIGH_O: 0.75, LOW_N: 0.25}
    assert GivenPersona(("high Openness", "N-")).read() == GivenPersona(text="O+ n-low").read()
    assert GivenPersona(("ALL",)).all_ten and GivenPersona().nothing


def test_ways_that_agree_are_taken() -> None:
    assert GivenPersona(("O+",), LEVELLED.traits, LEVELLED.levels, "o-high").read() == {HIGH_O: 1.0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (GivenPersona(), "no single trait-level is named; write one, such as n-high"),
        (GivenPersona(("O+",), text="N+"), "O+ and --persona 'N+' name different personas; leave one"),
        (LEVELLED._replace(named=("N-",)), "N- and --trait and --level name different personas"),
        (GivenPersona(traits=traits_named("O")), "--trait and --level name no single trait-level"),
        (GivenPersona(("extroversion",)), "'extroversion' is not known; did you mean E+ or E-?"),
        (GivenPersona(("O+=",)), "persona 'O+=' is not understood; write it like"),
        (GivenPersona(("O+=1", "N-")), "gives a share to some trait-levels only"),
    ],
)
def test_what_is_wrong_is_one_line(given: GivenPersona, message: str) -> None:
    with pytest.raises(InputError) as error:
        given.read()
    assert message in str(error.value) and "\n" not in str(error.value)
