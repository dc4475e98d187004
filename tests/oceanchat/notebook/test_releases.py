"""A release as a DataFrame has the rows that `datasets` loads."""

from pathlib import Path

import pytest

import oceanchat as oc
from tests.test_architecture import ROOT

SAMPLE = ROOT / "releases" / "ocean-chat-0.1.0-scripted"


def test_all_splits_are_in_one_frame() -> None:
    rows = oc.load_release(SAMPLE)
    assert set(rows["split"]) == {"train", "validation", "test"} and rows["id"].is_unique
    first = rows.iloc[0]
    assert first["messages"][0]["role"] == "user" and first["provenance"]["writer"] == "scripted"
    assert first["trait_level"] == first["trait"] + {"high": "+", "low": "-"}[first["level"]]


def test_a_folder_that_is_no_release_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(oc.OceanChatError, match="is not a release"):
        oc.load_release(tmp_path)
