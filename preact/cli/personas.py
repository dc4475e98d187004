"""Name a persona, the same way everywhere.

As arguments (`n-high`, `O+ N-`, `O+=0.7 E-=0.3`), by --trait and --level, or by --persona.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import click

from oceanchat.cli.trait_levels import METAVAR, level_option, trait_option
from oceanchat.errors import ConfigError
from oceanchat.traits import Level, Trait, TraitLevel
from preact.persona import Persona, parse_persona, persona_of_parts


class GivenPersona(NamedTuple):
    """What a command line says of a persona, not yet read."""

    named: tuple[str, ...] = ()
    traits: tuple[Trait, ...] | None = None
    levels: tuple[Level, ...] | None = None
    text: str | None = None

    @property
    def nothing(self) -> bool:
        """Whether nobody is named."""
        return not any(self)

    @property
    def all_ten(self) -> bool:
        """Whether the arguments ask for every trait-level."""
        return [word.lower() for word in self.named] == ["all"]

    def read(self) -> Persona:
        """The persona. Raises ConfigError where none is named, or several that differ."""
        forms = {
            " ".join(self.named): persona_of_parts(self.named) if self.named else None,
            "--trait and --level": self._of_options(),
            f"--persona '{self.text}'": parse_persona(self.text) if self.text else None,
        }
        named = {form: persona for form, persona in forms.items() if persona is not None}
        if not named:
            raise ConfigError(
                "no single trait-level is named; write one, such as n-high or N+, or a mixture such as O+ N-"
            )
        (first, persona), *others = named.items()
        for form, other in others:
            if other != persona:
                raise ConfigError(f"{first} and {form} name different personas; leave one of them out")
        return persona

    def _of_options(self) -> Persona | None:
        if self.traits is None and self.levels is None:
            return None
        if not self.traits or not self.levels or len(self.traits) > 1 or len(self.levels) > 1:
            raise ConfigError(
                "--trait and --level name no single trait-level; write --trait N --level high, or n-high"
            )
        return {TraitLevel(self.traits[0], self.levels[0]): 1.0}


def persona_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """`[TRAIT-LEVEL]...`, --trait, --level and --persona; the command is given them as `given`."""

    @functools.wraps(command)
    def call(*positional: Any, named: Any, traits: Any, levels: Any, persona: Any, **flags: Any) -> Any:
        return command(*positional, given=GivenPersona(named, traits, levels, persona), **flags)

    for add in (
        click.option("--persona", metavar="TEXT", help='Mixture, such as "O+ N-" or "O+=0.7 E-=0.3".'),
        level_option,
        trait_option,
        click.argument("named", nargs=-1, metavar=METAVAR),
    ):
        call = add(call)
    return call
