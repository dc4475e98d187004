"""Python, packages, GPU and disk are looked at without loading any of them."""

import os
import stat
from pathlib import Path

import pytest

from oceanchat.doctor import machine
from oceanchat.doctor.findings import Finding, Named
from oceanchat.doctor.machine import look_at_machine
from oceanchat.extras import EXTRAS
from oceanchat.invocation import install_command


def findings(named: Named, folder: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in look_at_machine(named, folder)}


def test_everything_is_looked_at(tmp_path: Path) -> None:
    seen = findings(Named(), tmp_path)
    assert list(seen) == ["Python", "ocean-chat", *(f"extra {extra}" for extra in EXTRAS), "GPU", "disk"]
    assert "GB free" in seen["disk"].text and "krippendorff " in seen["extra agreement"].text


def test_only_an_extra_that_was_named_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "EXTRAS", {"small": ("no-such-package",)})
    assert findings(Named(), tmp_path)["extra small"].state == "note"
    named = findings(Named(extras=("small",)), tmp_path)["extra small"]
    assert named.state == "missing"
    assert named.text == f"lacks no-such-package; run: {install_command('small')}"


def test_the_driver_says_which_gpus_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'NVIDIA H100, 81559 MiB'\n")
    driver.chmod(driver.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert findings(Named(), tmp_path)["GPU"].text.startswith("NVIDIA H100, 81559 MiB")
    driver.write_text("#!/bin/sh\nexit 9\n")
    assert findings(Named(), tmp_path)["GPU"].text == "none seen; training runs on the CPU"


def test_a_folder_that_is_gone_is_no_traceback(tmp_path: Path) -> None:
    assert findings(Named(), tmp_path / "gone")["disk"].state == "note"
