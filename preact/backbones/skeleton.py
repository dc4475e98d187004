"""Make a backbone without its weights.

They stand on torch's meta device, where a tensor has a shape and no content, quantized layers included; what
no file holds (the frequencies of rotary positions) is computed at once. It knows nothing of files.
"""

from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.quantizers import AutoHfQuantizer


def skeleton(config: Any, dtype: torch.dtype, quantization: Any = None) -> Any:
    """The causal language model of a transformers config, in evaluation mode, its weights on 'meta'.

    `quantization` is bitsandbytes' 4-bit config: the layers that it quantizes are Linear4bit, their weights
    as they are before that. Raises ValueError for a config that is of no causal language model.
    """
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype, trust_remote_code=False)
    if quantization is not None:
        quantizer = AutoHfQuantizer.from_config(quantization, pre_quantized=False)
        quantizer.preprocess_model(model=model, dtype=dtype, device_map=None)
        quantizer.postprocess_model(model)
        model.hf_quantizer = quantizer  # Trainer asks it whether such a model can be trained
    _compute_buffers(model)
    return model.eval()


def _compute_buffers(model: Any) -> None:
    """Give the buffers that are saved in no file their values, on the CPU."""
    unsaved = [
        (module, name)
        for module in model.modules()
        for name in module._non_persistent_buffers_set
        if module._buffers[name] is not None
    ]
    for module, name in unsaved:
        module._buffers[name] = torch.empty_like(module._buffers[name], device="cpu")
    # transformers computes them where it initializes weights; what is marked it passes over.
    parameters = list(model.parameters())
    for parameter in parameters:
        parameter._is_hf_initialized = True
    model.initialize_weights()
    for parameter in parameters:
        del parameter._is_hf_initialized
