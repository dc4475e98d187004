"""What makes a local model portray a persona.

Whether by expert weights, by an adapter of its own, by a system text or by control vectors: generating and
scoring see a model, a tokenizer and a scope. It knows no method.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from preact.config import Recipe
from preact.persona import Persona


class Portrayal(NamedTuple):
    """What a scope asks of prompts and calls."""

    system: str = ""
    """A system text, empty where none is needed."""
    arguments: Mapping[str, Tensor] = {}
    """Keyword arguments of the model's forward and generate."""


class LocalModel(Protocol):
    """A causal language model on this machine that can portray personas."""

    @property
    def model(self) -> Any:
        """In evaluation mode, on the device where it runs."""

    @property
    def tokenizer(self) -> Any:
        """With a chat template."""

    @property
    def recipe(self) -> Recipe:
        """Its lengths, in tokens, and whether rows are packed."""

    @property
    def title(self) -> str:
        """The method as the paper's tables call it."""

    @property
    def backbone(self) -> str:
        """The folder or Hub id of its backbone."""

    @property
    def conditioned(self) -> bool:
        """Whether it portrays anybody."""

    def provenance(self) -> Mapping[str, Any]:
        """What it is, as plain JSON data."""

    def portraying(self, persona: Persona | None) -> AbstractContextManager[Portrayal]:
        """The scope in which the model portrays the persona, or answers as its backbone for None."""
