"""The table of training methods.

A row says what sets P-React, a baseline or an ablation apart. Everything that treats methods differently
reads this table. It knows nothing of models or of recipes.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

MethodName = Literal["preact", "lora", "lora-sep", "auxiliary", "no-psl", "no-router", "no-moe"]


PromptStyle = Literal["full", "short"]
"""The persona prompt: 'full' describes both ends of all five traits, 'short' the trait-levels asked for."""


class Method(NamedTuple):
    """What one method trains, and how it tells trait-levels apart."""

    title: str
    """As the paper's tables call it."""
    router: Literal["learned", "uniform"] | None
    """How expert weights come about; None is plain LoRA, without experts."""
    expert_loss: Literal["specialization", "balance"] | None
    """The loss on the expert weights (equation 6): PSL, or Switch's auxiliary loss over sequences."""
    prompted: bool
    """Whether the trait-level is named in a prompt."""
    adapters: Literal["one", "ten"]
    """One for all trait-levels, or one for each."""

    @property
    def has_experts(self) -> bool:
        """Whether experts under a gate are trained; plain LoRA otherwise."""
        return self.router is not None


# fmt: off
METHODS: Mapping[MethodName, Method] = {
    #                   title         router     expert loss       prompted  adapters
    "preact":    Method("P-React",    "learned", "specialization", False,    "one"),
    "lora":      Method("LoRA",       None,      None,             True,     "one"),
    "lora-sep":  Method("LoRA (Sep)", None,      None,             False,    "ten"),
    "auxiliary": Method("Auxiliary",  "learned", "balance",        False,    "one"),
    "no-psl":    Method("w/o PSL",    "learned", None,             False,    "one"),
    "no-router": Method("w/o Router", "uniform", "specialization", False,    "one"),
    "no-moe":    Method("w/o MoE",    None,      None,             True,     "one"),
}
# fmt: on
"""In the order users read them; `no-moe` is `lora` under its name in the ablations."""
