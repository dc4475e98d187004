"""What the kernel knows of this process.

The memory that it holds, and how long it waited for a processor. Only Linux says so; elsewhere both are 0.
It knows nothing of training.
"""

import os
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc/self")


def held_memory() -> int:
    """Bytes of memory that this process holds now, its files aside that are mapped but not read."""
    with suppress(OSError):
        return int((_PROC / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def waited_for_processors() -> float:
    """Seconds that the threads living now have been ready to run while others had the processors, summed."""
    nanoseconds = 0
    for thread in _PROC.glob("task/*/schedstat"):
        with suppress(OSError):  # a thread may end meanwhile
            nanoseconds += int(thread.read_text().split()[1])
    return nanoseconds / 1e9
