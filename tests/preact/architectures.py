"""Tiny language models of many architectures, with random weights, always the same ones."""

from collections.abc import Callable
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    FalconConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    GptOssConfig,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    OPTConfig,
    Phi3Config,
    PhiConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

WINDOW = 6
"""Tokens that attention looks back where it is a sliding window: fewer than the tests' dialogues have."""

_SHAPE: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_LLAMA = {**_SHAPE, "intermediate_size": 48, "num_key_value_heads": 2}
_WINDOWS = {"sliding_window": WINDOW}
_MIXED = {**_WINDOWS, "layer_types": ["sliding_attention", "full_attention"]}

CONFIGS: dict[str, Callable[[], PreTrainedConfig]] = {
    "llama": lambda: LlamaConfig(**_LLAMA),
    "qwen2": lambda: Qwen2Config(**_LLAMA),
    "qwen2-window": lambda: Qwen2Config(**_LLAMA, use_sliding_window=True, max_window_layers=1, **_WINDOWS),
    "qwen3": lambda: Qwen3Config(**_LLAMA, head_dim=8),
    "mistral-window": lambda: MistralConfig(**_LLAMA, **_WINDOWS),
    "gemma2": lambda: Gemma2Config(**_LLAMA, head_dim=8, **_MIXED),
    "gemma3": lambda: Gemma3TextConfig(**_LLAMA, head_dim=8, **_MIXED),
    "phi3": lambda: Phi3Config(**_LLAMA),
    "phi": lambda: PhiConfig(**_LLAMA),
    "gpt-neox": lambda: GPTNeoXConfig(**_SHAPE, intermediate_size=48),
    "mixtral": lambda: MixtralConfig(**_LLAMA, num_local_experts=4, num_experts_per_tok=2),
    "falcon": lambda: FalconConfig(**_SHAPE, ffn_hidden_size=48, alibi=False),
    "falcon-alibi": lambda: FalconConfig(**_SHAPE, ffn_hidden_size=48, alibi=True),
    "opt": lambda: OPTConfig(**_SHAPE, ffn_dim=48, word_embed_proj_dim=32),
    "gpt2": lambda: GPT2Config(vocab_size=97, n_embd=32, n_layer=2, n_head=4, n_positions=128, pad_token_id=0,
                               bos_token_id=1, eos_token_id=2),
    "bloom": lambda: BloomConfig(vocab_size=97, hidden_size=32, n_layer=2, n_head=4, pad_token_id=0,
                                 bos_token_id=1, eos_token_id=2),
    "gpt-oss": lambda: GptOssConfig(**_LLAMA, head_dim=8, num_local_experts=4, **_MIXED),
}  # fmt: skip


def tiny(architecture: str, vocabulary: int = 97) -> Any:
    """A model of two layers; dropout is off."""
    torch.manual_seed(0)
    config = CONFIGS[architecture]()
    config.vocab_size = vocabulary
    for name in ("hidden_dropout", "attention_dropout", "attn_pdrop", "resid_pdrop", "embd_pdrop", "dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                # Larger than at the start of training, so that attention chooses among what it sees.
                parameter.mul_(5)
    return model
