"""How a run uses the CPU.

Threads, matrix units, and memory that the process keeps for itself. Training tensors are freed and asked for
at every step; returned to the system, each comes back through page faults, which cost up to half of a step on
small machines. It knows nothing of models.
"""

import ctypes
import sys
from typing import Any

import torch

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""glibc's M_TRIM_THRESHOLD and M_MMAP_MAX."""


def prepare_cpu(threads: int) -> None:
    """Use so many threads (0: torch's choice); under glibc the process also keeps its freed memory."""
    if threads:
        torch.set_num_threads(threads)
    if sys.platform.startswith("linux"):
        try:
            libc = ctypes.CDLL("libc.so.6")
            libc.mallopt(_MMAP_MAX, 0)
            libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        except (OSError, AttributeError):
            return


def multiplies_in_bfloat16() -> bool:
    """Whether this processor has matrix units for bfloat16 (AMX), several times faster than float32."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16"))
