"""The lines of a run's metrics file."""

import json
from pathlib import Path

from preact.training.metrics import METRICS, read_metrics


def test_metrics_cut_short_by_a_crash_are_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / METRICS
    path.write_text(json.dumps({"step": 1}) + '\n{"step": 2, "lo')
    assert read_metrics(path) == [{"step": 1}]
    assert read_metrics(tmp_path / "none.jsonl") == []
