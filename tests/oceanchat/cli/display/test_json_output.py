"""One JSON value, whole figures, and null where there is none."""

import json
import math
from pathlib import Path

import pytest

from oceanchat.cli.display.json_output import print_json


def test_figures_stay_whole_and_what_is_no_number_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(
        {"third": 1 / 3, "none": math.nan, "deep": [{"endless": -math.inf}], "at": Path("a/b"), 1: (2,)}
    )
    out = capsys.readouterr().out
    assert "NaN" not in out and "Infinity" not in out and out.count("\n") == 1
    assert json.loads(out) == {
        "third": 1 / 3,
        "none": None,
        "deep": [{"endless": None}],
        "at": "a/b",
        "1": [2],
    }
