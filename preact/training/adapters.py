"""The adapter each method adds to a backbone.

Gated experts or plain LoRA, by peft. It knows the methods and their configs; it knows nothing of data, losses
or run folders.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from safetensors import SafetensorError

from oceanchat.errors import TrainingError
from preact.backbones.modules import OTHER_SENSES, find_targets, has_other_senses
from preact.config import TrainConfig
from preact.methods import METHODS
from preact.mixture.model import PreactConfig
from preact.training.sharding import is_sharded


def adapt(model: Any, config: TrainConfig) -> Any:
    """The backbone with a fresh adapter in the recipe's target modules, ready to train.

    Raises TrainingError for target modules that match nothing.
    """
    recipe = config.recipe
    targets = find_targets(model, recipe.target_modules)
    options: dict[str, Any] = {
        "task_type": "CAUSAL_LM",
        "r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": recipe.dropout,
        "target_modules": list(targets.counts),
        "exclude_modules": OTHER_SENSES if has_other_senses(model) else None,
    }
    if recipe.quantise != "none" and not is_sharded(model):
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    router = METHODS[config.method].router
    if router is not None:
        options.update(
            num_experts=recipe.experts,
            personality_size=recipe.personality_size,
            router_init=recipe.router_init,
            router=router,
        )
    with peft_noise_silenced():
        return get_peft_model(model, PreactConfig(**options) if router else LoraConfig(**options))


def load_adapters(model: Any, folders: dict[str, Path]) -> Any:
    """The backbone with saved adapters, by name, frozen; the first is active.

    Raises TrainingError for a damaged one.
    """
    adapted: Any = None
    for name, folder in folders.items():
        if not (folder / "adapter_model.safetensors").is_file():
            raise TrainingError(
                f"adapter '{folder}' has no adapter_model.safetensors (pickled weights are not read); restore"
                " it, or train again"
            )
        try:
            with peft_noise_silenced():
                if adapted is None:
                    adapted = PeftModel.from_pretrained(model, str(folder), adapter_name=name)
                else:
                    adapted.load_adapter(str(folder), adapter_name=name)
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise TrainingError(
                f"adapter '{folder}' cannot be loaded ({reason}); restore it, or train again"
            ) from None
    return adapted.eval()


@contextmanager
def peft_noise_silenced() -> Iterator[None]:
    """Silence two warnings: peft uses a deprecated name of transformers and sets what GPT-2 needs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*fan_in_fan_out.*", category=UserWarning)
        yield
