"""Load a backbone by folder, file or name.

Its weights and tokenizer, in a number format, quantized on request. The only place that asks transformers for
a model; its many exceptions leave here as TrainingError, and no code that comes with a model is run. It knows
nothing of adapters, releases or runs.
"""

import importlib.util
import struct
import warnings
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from typing import Any, Literal, NamedTuple

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.utils import logging

from oceanchat.errors import TrainingError
from oceanchat.extras import missing_package
from preact.backbones.sources import Source, locate

_UNLOADABLE = (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError)


class Backbone(NamedTuple):
    """A causal language model and its tokenizer."""

    model: Any
    tokenizer: Any


def load(
    name: str,
    *,
    precision: Literal["float32", "bfloat16"],
    quantise: Literal["none", "4bit", "8bit"] = "none",
    spread: bool = False,
) -> Backbone:
    """The model and tokenizer of a folder, .gguf file, Hub id or 'smollm2', in evaluation mode.

    With `spread` it lies on the accelerators, on the second where the first is full, ready to answer;
    otherwise on the CPU, where it is not quantized. Raises TrainingError when there is no such model, it is
    not a causal language model, it needs code of its own, its tokenizer gives no offsets, or quantizing is
    not possible here.
    """
    source = locate(name)
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    options: dict[str, Any] = {"gguf_file": source.gguf} if source.gguf else {}
    placement = _placement(source, precision, quantise, spread)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.path, trust_remote_code=False, **options)
        # What reads .gguf files draws a bar of its own.
        with warnings.catch_warnings(), redirect_stderr(StringIO()) if source.gguf else nullcontext():
            warnings.simplefilter("ignore", FutureWarning)
            model = AutoModelForCausalLM.from_pretrained(
                source.path,
                trust_remote_code=False,
                use_safetensors=True,
                **options,
                **placement,
            )
    except (*_UNLOADABLE, struct.error) as error:  # the last for a .gguf file cut short
        raise TrainingError(_unloadable(name, error)) from None
    if not tokenizer.is_fast:
        raise TrainingError(
            f"backbone '{name}' has a tokenizer without offsets; choose one with a fast tokenizer"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if source.gguf:
        _forget_gguf(model)
    if quantise == "4bit":
        _keep_trainable(model)
    return Backbone(model.eval(), tokenizer)


def _placement(source: Source, precision: str, quantise: str, spread: bool) -> dict[str, Any]:
    """Options that say in which numbers and where the weights are held."""
    dtype = getattr(torch, precision)
    options: dict[str, Any] = {"dtype": dtype}
    if quantise != "none":
        if source.gguf:
            raise TrainingError(
                f"backbone '{source.text}' is a .gguf file, which --quantize does not read; name the folder"
                " of the model it was made from, or leave --quantize out"
            )
        options["quantization_config"] = _quantization(quantise, dtype)
    if spread and torch.cuda.is_available() and quantise == "none":
        options["device_map"] = "sequential"
    return options


def _unloadable(name: str, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "trust_remote_code" in str(error):
        return f"backbone '{name}' needs code of its own, which is never run here; choose another backbone"
    if "gguf" in reason and isinstance(error, ImportError):
        return f"backbone '{name}' cannot be loaded: {missing_package('gguf', 'train')}"
    return f"backbone '{name}' cannot be loaded: {reason}; check the name and that it is complete"


def _forget_gguf(model: Any) -> None:
    """Make a model of dequantized weights one like any other, which can be saved."""
    # peft would look for a config.json under this name, and warn at every save that there is none.
    model.name_or_path = model.config.name_or_path = ""
    del model.config.quantization_config
    for name in ("hf_quantizer", "is_quantized", "quantization_method"):
        model.__dict__.pop(name, None)


def _keep_trainable(model: Any) -> None:
    """Keep bitsandbytes from repacking 4-bit weights on CPUs with AVX512-BF16.

    Left alone it does so at the first forward in evaluation, and what goes through repacked weights has no
    gradient: later steps train on a part of it, without an error.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _quantization(bits: str, dtype: torch.dtype) -> Any:
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
