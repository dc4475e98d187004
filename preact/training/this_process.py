"""What the kernel knows of this process.

The memory that it holds, and how long others kept it waiting for a processor. Only Linux says so; elsewhere
both are 0. It knows nothing of training.
"""

import os
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc/self")
_SHARE = Path("/sys/fs/cgroup/cpu.max")


def held_memory() -> int:
    """Bytes of memory that this process holds now, its files aside that are mapped but not read."""
    with suppress(OSError, ValueError, IndexError):
        return int((_PROC / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def waited_for_processors(computing: int = 1) -> float:
    """Seconds that the threads living now have been ready to run while others had the processors, summed.

    0 where more threads are `computing` than there are processors for: they keep each other waiting.
    """
    if computing > _processors():
        return 0.0
    nanoseconds = 0
    for thread in _PROC.glob("task/*/schedstat"):
        with suppress(OSError, ValueError, IndexError):  # a thread may end meanwhile
            nanoseconds += int(thread.read_text().split()[1])
    return nanoseconds / 1e9


def _processors() -> float:
    """Processors that this process may use at once, by its affinity and by the limit of its container."""
    allowed = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    with suppress(OSError, ValueError):  # no container, or one without a limit: "max"
        quota, period = _SHARE.read_text().split()
        allowed = min(allowed, int(quota) / int(period))
    return allowed
