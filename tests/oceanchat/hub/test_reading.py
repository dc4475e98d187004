"""Reading a dataset through the real client from a stand-in Hub on a socket."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oceanchat.hub.publishing import Publisher
from tests.oceanchat.hub.hub_process import GOOD, HubProcess

pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=:DeprecationWarning"
)  # huggingface_hub's own call
REPO = "ocean/chat"

LOAD = """
import sys
from datasets import load_dataset
from oceanchat.hub.reading import read_dataset
print([row["id"] for row in load_dataset("ocean/chat", revision="v1", split="train")])
print([row["text"] for row in load_dataset("ocean/chat", revision="v1", split="train", streaming=True)])
print([row["id"] for row in read_dataset("ocean/chat")])
"""
ABSENT = """
from oceanchat.errors import HubError
from oceanchat.hub.reading import read_dataset
try:
    list(read_dataset("ocean/absent"))
except HubError as error:
    print(error)
"""


def run_client(hub: HubProcess, home: Path, code: str) -> str:
    environment = os.environ | hub.environment(home)
    client = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120
    )
    assert client.returncode == 0, client.stderr
    return client.stdout


def test_a_published_tag_loads_whole_and_streaming(hub: HubProcess, folder: Path, tmp_path: Path) -> None:
    Publisher(REPO, endpoint=hub.endpoint, token=GOOD, pause=0.05).publish(folder, "v1", "release")
    assert run_client(hub, tmp_path, LOAD).splitlines() == ["['a', 'b']", "['first', 'second']", "['a', 'b']"]


def test_a_token_that_the_hub_repeats_is_masked(hub: HubProcess, tmp_path: Path) -> None:
    for status in (400, 500):
        echo = {"error": f"token {GOOD} is not what it was"}
        hub.faults({"match": "GET /", "kind": "status", "status": status, "content": echo, "times": 99})
        output = run_client(hub, tmp_path, ABSENT)
        assert "'ocean/absent'" in output and output.count("\n") == 1
        assert GOOD not in output


def test_a_dataset_that_is_not_there_is_one_line(hub: HubProcess, tmp_path: Path) -> None:
    output = run_client(hub, tmp_path, ABSENT)
    assert output.startswith("dataset 'ocean/absent' ")
    assert output.count("\n") == 1
