"""Starts the stand-in Hub in a process of its own, hands it faults and reads its state."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

GOOD, READ_ONLY = "hf_good", "hf_readonly"


class HubProcess:
    """A running stand-in."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def environment(self, home: Path, token: str = GOOD) -> dict[str, str]:
        """What a real client needs to meet this Hub instead of the real one."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home),
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
        }

    def faults(self, *faults: dict[str, Any]) -> None:
        """Replace the faults to come."""
        urlopen(Request(f"{self.endpoint}/_stub/faults", json.dumps(faults).encode(), method="POST")).close()

    def state(self) -> dict[str, Any]:
        """What it holds: repos (commits, tags), files of each head by sha256, and the requests seen."""
        with urlopen(f"{self.endpoint}/_stub/state") as answer:
            state: dict[str, Any] = json.load(answer)
        return state


@contextmanager
def running_hub() -> Iterator[HubProcess]:
    """A fresh, empty Hub on a free port."""
    stub = Path(__file__).with_name("hub_stub.py")
    process = subprocess.Popen([sys.executable, str(stub)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield HubProcess(process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
