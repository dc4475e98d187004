"""A stand-in Hub on a socket, and a folder to publish on it."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.oceanchat.hub.hub_process import HubProcess, running_hub

CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train.parquet
---
# Data
"""


@pytest.fixture
def hub() -> Iterator[HubProcess]:
    with running_hub() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    release = tmp_path / "release"
    (release / "data").mkdir(parents=True)
    (release / "README.md").write_text(CARD)
    (release / "manifest.json").write_text("{}\n")
    rows = {"id": ["a", "b"], "text": ["first", "second"]}
    pq.write_table(pa.table(rows), release / "data" / "train.parquet")
    pq.write_table(pa.table(rows), release / "data" / "test.parquet")
    return release
