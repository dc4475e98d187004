"""Refuse launcher settings that would change training unseen.

`torchrun` and `accelerate launch` are here to start processes: the recipe says in which numbers weights are,
and `--fsdp` how they are shared. accelerate hands wishes of its own on in the environment, often from a
config file that nobody thinks of.
"""

from collections.abc import Mapping

from oceanchat.errors import ConfigError

_SHARDING = {"ACCELERATE_USE_FSDP": "--use_fsdp", "ACCELERATE_USE_DEEPSPEED": "--use_deepspeed"}
_PRECISION = "ACCELERATE_MIXED_PRECISION"


def check_launcher(environment: Mapping[str, str]) -> None:
    """Raises ConfigError where the launcher asks for what only the recipe may decide."""
    for name, flag in _SHARDING.items():
        if environment.get(name, "").lower() in ("1", "true", "yes"):
            raise ConfigError(
                f"accelerate launch was given {flag}, on its command line or in its config; leave it out"
                " there, and give preact train --fsdp to share the weights"
            )
    precision = environment.get(_PRECISION, "no")
    if precision.lower() not in ("", "no"):
        raise ConfigError(
            f"accelerate launch has mixed precision '{precision}', on its command line or in its config;"
            " give it --mixed_precision no, and choose with preact train --precision"
        )
