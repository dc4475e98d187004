"""P-React as a peft method.

`PreactConfig`, `PreactModel`, and the call that registers them. `get_peft_model`, `save_pretrained`,
`PeftModel.from_pretrained` and Trainer's checkpoints work as for any peft method, on quantized bases too. A
process that loads a run must `import preact.mixture.model` first, or peft raises KeyError 'PREACT'. It knows
nothing of data, losses or training loops.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from accelerate import init_empty_weights
from peft import LoraConfig
from peft.tuners.lora import LoraModel
from peft.tuners.lora.layer import LoraLayer
from peft.utils import register_peft_method
from peft.utils.peft_types import PeftType
from torch import Tensor, nn

from oceanchat.errors import ConfigError, TrainingError
from preact.mixture.layer import Gate, GatedLora
from preact.mixture.router import Router, UniformRouter, select

METHOD = "PREACT"
_NOT_OURS = (
    "use_dora", "lora_bias", "bias", "use_qalora", "use_bdlora", "alora_invocation_tokens", "arrow_config",
    "kasa_config", "monteclora_config", "velora_config", "target_parameters",
)  # fmt: skip
"""Options of LoRA that put another product in the place of the gated one."""


@dataclass
class PreactConfig(LoraConfig):  # type: ignore[misc]
    """LoRA's config with the experts and the router of section 4; `r` is the rank of all experts together."""

    num_experts: int = field(default=16, metadata={"help": "Experts N; each has rank r/N."})
    num_trait_levels: int = field(default=10, metadata={"help": "Rows of the personality matrix."})
    personality_size: int = field(default=64, metadata={"help": "d_P, the length of a personality vector."})
    router: Literal["learned", "uniform"] = field(
        default="learned", metadata={"help": "'uniform' is the ablation: every expert weighs 1/N."}
    )
    router_init: float = field(
        default=1.0, metadata={"help": "Deviation of the personality vectors at the start."}
    )

    def __post_init__(self) -> None:
        register()
        super().__post_init__()
        self.peft_type = PeftType(METHOD)
        if self.num_experts < 1 or self.r % self.num_experts:
            raise ConfigError(
                f"rank '{self.r}' cannot be shared by {self.num_experts} experts; choose a multiple of it"
            )
        if self.router not in ("learned", "uniform"):
            raise ConfigError(f"router '{self.router}' is not known; write learned or uniform")
        self._refuse_other_variants()

    def _refuse_other_variants(self) -> None:
        """Raises ConfigError for what would edit the backbone, pass by the gate or divide ranks otherwise."""
        given = [name for name in _NOT_OURS if getattr(self, name, None) not in (None, False, "none", {})]
        if given:
            raise ConfigError(f"{', '.join(given)} does not combine with P-React; leave it out")
        init = self.init_lora_weights
        if isinstance(init, str) and init.lower() not in ("gaussian", "orthogonal"):
            raise ConfigError(
                f"init_lora_weights '{init}' rewrites the backbone or the ranks; write gaussian or"
                " orthogonal, or leave it out"
            )
        uneven = [f"{name}: {rank}" for name, rank in self.rank_pattern.items() if rank % self.num_experts]
        if uneven:
            raise ConfigError(
                f"rank_pattern '{', '.join(uneven)}' cannot be shared by {self.num_experts} experts; choose"
                " multiples of it"
            )


class PreactModel(LoraModel):  # type: ignore[misc]
    """peft's LoRA model with a gate on every layer and a router beside them.

    `forward` and `generate` take `trait_ids` ((B,) a sequence, or (B, T) a token for packed rows) or
    `expert_weights` ((N,) or (B, N), for mixtures). Without either, a gated layer raises TrainingError; with
    the adapters disabled the backbone answers.
    """

    prefix = "lora_"
    uses_shared_state = True

    def inject_adapter(self, model: nn.Module, adapter_name: str, *args: Any, **kwargs: Any) -> None:
        """Add the gated layers and this adapter's router (here, because load_adapter calls no later hook)."""
        if "preact_router" not in self._modules:
            self.preact_router = nn.ModuleDict()
            self.gate = Gate()
            self.merged_weights: Tensor | None = None
        super().inject_adapter(model, adapter_name, *args, **kwargs)
        config = self.peft_config[adapter_name]
        with init_empty_weights() if kwargs.get("low_cpu_mem_usage") else nullcontext():
            router = _router(config)
        if not kwargs.get("low_cpu_mem_usage"):
            router.to(self._adapter_device(adapter_name))
        self.preact_router[adapter_name] = router
        router.requires_grad_(adapter_name in self.active_adapters and not config.inference_mode)
        if getattr(model, "is_activation_checkpointing", False):
            self.activation_checkpointing_enable()

    def _adapter_device(self, adapter_name: str) -> torch.device:
        layers = (m for m in self.model.modules() if isinstance(m, LoraLayer) and adapter_name in m.lora_A)
        device: torch.device = next(layers).lora_A[adapter_name].weight.device
        return device

    def _create_and_replace(
        self,
        lora_config: PreactConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super()._create_and_replace(lora_config, adapter_name, target, target_name, parent, *args, **kwargs)
        layer = getattr(parent, target_name)
        if adapter_name not in layer.lora_A or layer.lora_A[adapter_name].weight.dim() != 2:
            raise ConfigError(
                f"target module '{target_name}' is not a linear layer; leave it out of the target modules"
            )
        layer.lora_variant[adapter_name] = GatedLora(self.gate)

    def set_adapter(self, adapter_name: str | list[str], inference_mode: bool = False) -> None:
        super().set_adapter(adapter_name, inference_mode=inference_mode)
        active = [adapter_name] if isinstance(adapter_name, str) else adapter_name
        for name, router in self.preact_router.items():
            router.requires_grad_(name in active and not inference_mode)

    def delete_adapter(self, adapter_name: str) -> None:
        super().delete_adapter(adapter_name)
        del self.preact_router[adapter_name]

    def router_weights(self, adapter_name: str | None = None) -> Tensor:
        """The expert weights of all trait-levels, P x N, with gradients while training."""
        router: Tensor = self.preact_router[adapter_name or self.active_adapters[0]]()
        return router

    def _in_force(self, trait_ids: Tensor | None, expert_weights: Tensor | None) -> dict[str, Tensor]:
        if trait_ids is not None and expert_weights is not None:
            raise TrainingError("both trait_ids and expert_weights were passed; pass one of them")
        if expert_weights is not None:
            self._require_merged(expert_weights)
            return dict.fromkeys(self.active_adapters, expert_weights)
        if trait_ids is not None:
            selected = {name: select(self.preact_router[name](), trait_ids) for name in self.active_adapters}
            self._require_merged(selected[self.active_adapters[0]])
            return selected
        if self.merged_weights is not None:
            return dict.fromkeys(self.active_adapters, self.merged_weights)
        return dict(self.gate.weights)

    def _require_merged(self, weights: Tensor) -> None:
        """Raise TrainingError where other experts are asked for than those merged into the backbone."""
        merged = self.merged_weights
        if merged is not None and not torch.allclose(weights.detach(), merged.to(weights), atol=1e-6):
            raise TrainingError(
                "one trait-level is merged into this model, so it cannot answer as another; call"
                " unmerge_adapter first"
            )

    def forward(
        self, *args: Any, trait_ids: Tensor | None = None, expert_weights: Tensor | None = None, **kwargs: Any
    ) -> Any:
        """The backbone's forward under the given trait-levels; see the class."""
        with self.gate.open(self._in_force(trait_ids, expert_weights), repeats=self.gate.repeats):
            return self.model(*args, **kwargs)

    def generate(
        self, *args: Any, trait_ids: Tensor | None = None, expert_weights: Tensor | None = None, **kwargs: Any
    ) -> Any:
        """The backbone's generate under one trait-level a sequence; beams and several answers are fine."""
        if trait_ids is not None and trait_ids.dim() != 1:
            raise TrainingError(
                "generation takes one trait id per sequence; per-token ids are for packed training rows"
            )
        with self.gate.open(self._in_force(trait_ids, expert_weights), repeats=True):
            return self.model.generate(*args, **kwargs)

    def activation_checkpointing_enable(
        self, activation_checkpointing_kwargs: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Checkpoint the backbone's layers so that each recomputation sees its own forward pass's gate.

        Raises ConfigError for reentrant checkpointing, whose gradients would miss the router.
        """
        options = dict(activation_checkpointing_kwargs or {})
        if options.get("use_reentrant"):
            raise ConfigError(
                "gradient checkpointing with use_reentrant=True loses the router's gradient; leave it out"
            )
        options.update(use_reentrant=False, context_fn=self._checkpoint_contexts)
        self.model.activation_checkpointing_enable(options, **kwargs)

    def gradient_checkpointing_enable(
        self, gradient_checkpointing_kwargs: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """The older name of `activation_checkpointing_enable`."""
        self.activation_checkpointing_enable(gradient_checkpointing_kwargs, **kwargs)

    def _checkpoint_contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return self.gate.checkpoint_contexts()

    def _scope_of(self, expert_weights: Tensor | None, trait_id: int | None) -> AbstractContextManager[None]:
        """The scope in which one trait-level or mixture is in force; without either, merging refuses."""
        if expert_weights is None and trait_id is not None:
            expert_weights = self.router_weights().detach()[trait_id]
        if expert_weights is not None:
            self._require_merged(expert_weights)
        self.merged_weights = expert_weights
        return self.gate.open(self._in_force(None, expert_weights) if expert_weights is not None else {})

    def merge_adapter(
        self, *args: Any, expert_weights: Tensor | None = None, trait_id: int | None = None, **kwargs: Any
    ) -> None:
        """Fold one trait-level (or mixture) into the backbone's weights; TrainingError when none is named."""
        with self._scope_of(expert_weights, trait_id):
            super().merge_adapter(*args, **kwargs)

    def unmerge_adapter(self) -> None:
        """Take out what `merge_adapter` folded in."""
        with self._scope_of(self.merged_weights, None):
            super().unmerge_adapter()
        self.merged_weights = None

    def merge_and_unload(
        self, *args: Any, expert_weights: Tensor | None = None, trait_id: int | None = None, **kwargs: Any
    ) -> nn.Module:
        """The backbone with one trait-level (or mixture) folded in; TrainingError when none is named."""
        with self._scope_of(expert_weights, trait_id):
            merged: nn.Module = super().merge_and_unload(*args, **kwargs)
        return merged

    def add_weighted_adapter(self, *args: Any, **kwargs: Any) -> None:
        """Refused: it would ignore the experts. Mixtures are made of expert weights instead."""
        raise TrainingError(
            "add_weighted_adapter ignores the experts; mix trait-levels with a persona instead"
        )


def _router(config: PreactConfig) -> nn.Module:
    if config.router == "uniform":
        return UniformRouter(config.num_trait_levels, config.num_experts)
    return Router(config.num_trait_levels, config.personality_size, config.num_experts, config.router_init)


def register() -> None:
    """Make peft know P-React; safe to call any number of times, in any process.

    peft's list of methods is a closed enumeration, so the member is added to it at run time.
    """
    if METHOD not in PeftType._value2member_map_:
        member = str.__new__(PeftType, METHOD)
        member._name_ = METHOD
        member._value_ = METHOD
        PeftType._member_map_[METHOD] = member
        PeftType._value2member_map_[METHOD] = member
        PeftType._member_names_.append(METHOD)
        type.__setattr__(PeftType, METHOD, member)
        register_peft_method(name="preact", config_cls=PreactConfig, model_cls=PreactModel, prefix="lora_")


register()
