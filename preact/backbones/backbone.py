"""Load a backbone by folder or Hub id.

Its weights and tokenizer, in a number format, quantized on request. The only place that asks transformers for
a model; its many exceptions leave here as TrainingError. It knows nothing of adapters, releases or runs.
"""

import importlib.util
import warnings
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.utils import logging

from oceanchat.errors import TrainingError


class Backbone(NamedTuple):
    """A causal language model and its tokenizer."""

    model: Any
    tokenizer: Any


def load(
    name: str,
    *,
    precision: Literal["float32", "bfloat16"],
    quantise: Literal["none", "4bit", "8bit"] = "none",
) -> Backbone:
    """The model and tokenizer of a folder or Hub id, in evaluation mode.

    Raises TrainingError when there is no such model, it is not a causal language model, its tokenizer gives
    no offsets, or quantizing is not possible here.
    """
    if not Path(name).exists() and name.count("/") != 1:
        raise TrainingError(
            f"backbone '{name}' is neither a folder nor a Hub id OWNER/NAME; write tiny for the embedded one"
        )
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    dtype = getattr(torch, precision)
    options: dict[str, Any] = {"dtype": dtype}
    if quantise != "none":
        options["quantization_config"] = _quantization(quantise, dtype)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            model = AutoModelForCausalLM.from_pretrained(name, **options)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TrainingError(
            f"backbone '{name}' cannot be loaded: {reason}; check the name and that it is complete"
        ) from None
    if not tokenizer.is_fast:
        raise TrainingError(
            f"backbone '{name}' has a tokenizer without offsets; choose one with a fast tokenizer"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Backbone(model.eval(), tokenizer)


def _quantization(bits: Literal["4bit", "8bit"], dtype: torch.dtype) -> Any:
    if importlib.util.find_spec("bitsandbytes") is None:
        raise TrainingError(
            f"--quantize {bits} needs bitsandbytes; pip install bitsandbytes, or leave the option out"
        )
    if bits == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    # FSDP shards the quantized weights only when they are stored as the type they are computed in.
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        bnb_4bit_quant_storage=dtype,
    )


def count_parameters(model: Any) -> int:
    """The number of parameters, tied ones once."""
    return sum(p.numel() for p in model.parameters())
