"""Look at Python, packages, processors and disk.

Nothing heavy is imported: versions come from the packages' own records, the GPU from its driver's command.
"""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from oceanchat.doctor.findings import Finding, Named, lacking
from oceanchat.extras import EXTRAS
from oceanchat.invocation import install_command

TESTED = (3, 11)
"""The version of Python that the tests run on."""
LITTLE = 2 * 10**9
"""Bytes of free disk below which it is said: a tiny run and a store take about half of it."""
_GPU_QUERY = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")


def look_at_machine(named: Named, folder: Path) -> Iterator[Finding]:
    """Python, ocean-chat, every extra, the GPU and the disk below `folder`."""
    yield _python()
    yield Finding("ocean-chat", "ok", _version("ocean-chat") or "from a folder, not installed")
    for extra in EXTRAS:
        yield _extra(extra, extra in named.extras)
    yield _gpu()
    yield _disk(folder)


def _python() -> Finding:
    shown = platform.python_version()
    if sys.version_info[:2] == TESTED:
        return Finding("Python", "ok", shown)
    return Finding("Python", "note", f"{shown}; tested on {'.'.join(map(str, TESTED))} alone")


def _extra(extra: str, named: bool) -> Finding:
    versions = {package: _version(package) for package in EXTRAS[extra]}
    absent = [package for package, number in versions.items() if number is None]
    if absent:
        text = f"lacks {', '.join(absent)}; run: {install_command(extra)}"
        return lacking(named, f"extra {extra}", text)
    return Finding(f"extra {extra}", "ok", ", ".join(f"{name} {number}" for name, number in versions.items()))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _gpu() -> Finding:
    """The GPUs that the driver lists, and whether torch can use them."""
    try:
        listed = subprocess.run(_GPU_QUERY, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return Finding("GPU", "note", "none seen; training runs on the CPU")
    cards = [line.strip() for line in listed.splitlines() if line.strip()]
    if not cards:
        return Finding("GPU", "note", "none seen; training runs on the CPU")
    if "+cpu" in (_version("torch") or ""):
        text = f"{'; '.join(cards)}, but torch is a CPU build; install one for CUDA"
        return Finding("GPU", "note", text)
    return Finding("GPU", "ok", "; ".join(cards))


def _disk(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", "note", f"cannot be measured: {error.strerror}")
    text = f"{free / 10**9:,.1f} GB free"
    return Finding("disk", "note" if free < LITTLE else "ok", text)
