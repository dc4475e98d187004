"""Choose the modules of a backbone to adapt.

The paper adapts query, key, value and the feed-forward network (section 5.3); every architecture calls them
by names of its own and some fuse several into one. It knows modules by their names; it knows nothing of
adapters.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import nn
from transformers.pytorch_utils import Conv1D

from oceanchat.errors import TrainingError

QUERY_KEY_VALUE = (
    "q_proj", "k_proj", "v_proj",
    "qkv_proj", "query_key_value", "Wqkv", "qkv", "c_attn",
    "q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj",
)  # fmt: skip
FEED_FORWARD = (
    "gate_proj", "up_proj", "down_proj", "gate_up_proj",
    "fc1", "fc2", "fc_in", "fc_out", "dense_h_to_4h", "dense_4h_to_h",
    "c_fc", "mlp.c_proj", "w1", "w2", "w3",
)  # fmt: skip
"""What transformers calls them; 'mlp.c_proj' because GPT-2's attention has another c_proj."""
OTHER_SENSES = r".*(vision|visual|audio).*"
"""The parts of a backbone that see and hear, which stay as they are."""


class Targets(NamedTuple):
    """The modules that an adapter goes into."""

    counts: dict[str, int]
    """Name (or end of a name) -> how many modules it matches."""
    untouched: int = 0
    """Parameters of feed-forward experts that are no linear modules, and so stay as they are."""

    @property
    def text(self) -> str:
        """What is adapted, how many times, for people."""
        by_count: dict[int, list[str]] = {}
        for name, count in self.counts.items():
            by_count.setdefault(count, []).append(name)
        parts = [f"{', '.join(names)} ({count} each)" for count, names in by_count.items()]
        rest = f"; the feed-forward experts ({self.untouched:,} parameters) stay as they are"
        return " and ".join(parts) + (rest if self.untouched else "")


def find_targets(model: nn.Module, names: Sequence[str]) -> Targets:
    """The modules of these names, or, without names, query, key, value and the feed-forward network.

    Raises TrainingError for a name that no linear module has, and where none is known for the architecture.
    """
    modules = [name for name in linear_modules(model) if not _other_sense(name)]
    counts = {name: _count(modules, name) for name in names or (*QUERY_KEY_VALUE, *FEED_FORWARD)}
    missing = [name for name, count in counts.items() if not count]
    if not names:
        counts = {name: count for name, count in counts.items() if count}
    if (names and missing) or not counts:
        wrong = f"target modules '{', '.join(missing)}'" if names else "the modules adapted by default"
        present = ", ".join(sorted({name.rpartition(".")[2] for name in modules}))
        raise TrainingError(
            f"{wrong} match nothing in the backbone; its linear modules are {present}: name some with"
            " --target-modules"
        )
    return Targets(counts, _fused_experts(model))


def linear_modules(model: nn.Module) -> list[str]:
    """The full names of the modules that an adapter can go into."""
    return [name for name, module in model.named_modules() if _is_linear(module)]


def has_other_senses(model: nn.Module) -> bool:
    """Whether the backbone sees or hears as well."""
    return any(_other_sense(name) for name in linear_modules(model))


def _is_linear(module: Any) -> bool:
    return isinstance(module, nn.Linear | Conv1D)


def _other_sense(name: str) -> bool:
    return any(sense in name for sense in ("vision", "visual", "audio"))


def _count(modules: Sequence[str], name: str) -> int:
    """As peft matches: the whole name, or its last parts."""
    return sum(module == name or module.endswith(f".{name}") for module in modules)


def _fused_experts(model: nn.Module) -> int:
    """Parameters of the feed-forward network that stand in one tensor for several experts."""
    return sum(
        parameter.numel()
        for name, parameter in model.named_parameters()
        if parameter.dim() == 3 and name.rpartition(".")[2] in FEED_FORWARD
    )
