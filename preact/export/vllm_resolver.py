"""Fold personas on demand inside vLLM.

vLLM finds it by the entry point `vllm.general_plugins` and asks it for models it does not know: a name that
reads as a persona becomes an adapter. Written to vLLM's published interface and tested against an imitation
of it: no vLLM has run it here.

    PREACT_VLLM_RUNS          run folders, with ':' between them; without it the plug-in does nothing
    PREACT_VLLM_CACHE         the folder that adapters are written to, needed with it
    PREACT_VLLM_RANK          cut adapters to this rank; as trained if left out
    PREACT_VLLM_MAX_ADAPTERS  how many adapters the folder may hold; 100 if left out
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from vllm.lora.request import LoRARequest
from vllm.lora.resolver import LoRAResolver, LoRAResolverRegistry

from oceanchat.errors import ConfigError, OceanChatError
from preact.export.on_demand import AdapterCache

RUNS, CACHE = "PREACT_VLLM_RUNS", "PREACT_VLLM_CACHE"
RANK, MAX_ADAPTERS = "PREACT_VLLM_RANK", "PREACT_VLLM_MAX_ADAPTERS"

_log = logging.getLogger(__name__)


class PersonaResolver(LoRAResolver):  # type: ignore[misc]
    """Hands vLLM the adapter of a persona that a model name describes."""

    def __init__(self, adapters: AdapterCache) -> None:
        self._adapters = adapters

    async def resolve_lora(self, base_model_name: str, lora_name: str) -> LoRARequest | None:
        """The adapter, or None, with the reason in the log, for names, backbones and runs that give none.

        Nothing is raised: vLLM would fail the request and ask no other resolver.
        """
        try:
            folder = await asyncio.to_thread(self._adapters.adapter, lora_name, base_model_name)
        except (OceanChatError, OSError) as error:
            _log.warning("no adapter for model '%s': %s", lora_name[:100], error)
            return None
        return LoRARequest(lora_name=lora_name, lora_int_id=_number(lora_name), lora_path=str(folder))


def register() -> None:
    """Make vLLM ask for personas, where the environment names runs; called in each of vLLM's processes.

    Raises ConfigError or TrainingError, which end vLLM's start, for settings that cannot work.
    """
    if os.environ.get(RUNS):
        LoRAResolverRegistry.register_resolver("P-React personas", PersonaResolver(open_cache(os.environ)))


def open_cache(environment: Mapping[str, str]) -> AdapterCache:
    """The adapters that the environment names. Raises as `register` does."""
    if not environment.get(CACHE):
        raise ConfigError(f"{CACHE} is not set; name a folder that adapters may be written to")
    runs = [Path(run) for run in environment[RUNS].split(os.pathsep) if run]
    rank = _positive(environment, RANK)
    return AdapterCache(runs, Path(environment[CACHE]), rank, _positive(environment, MAX_ADAPTERS) or 100)


def _positive(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    if text and not (text.isdecimal() and int(text) >= 1):
        raise ConfigError(f"{name} '{text}' is no whole number from 1; write one, or leave it out")
    return int(text) if text else None


def _number(name: str) -> int:
    """A number for an adapter, from 1 to 2**62: the same in every process, which Python's own hash is not."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 2 | 1
