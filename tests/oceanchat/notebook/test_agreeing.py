"""Agreement on DataFrames equals agreement on files."""

from pathlib import Path

import pandas as pd
import pytest

import oceanchat as oc
from oceanchat.statistics.agreement import agreement
from oceanchat.statistics.label_file import read_labels

ITEMS = ("x", "xy", "xyz", "yz")
VOTES = [(item, who, int(who in item), "ab"[len(item) % 2]) for item in ITEMS for who in "xyz"]
LABELS = pd.DataFrame(VOTES, columns=["item", "annotator", "value", "level"])


def test_a_frame_says_what_its_file_says(tmp_path: Path) -> None:
    LABELS.to_csv(tmp_path / "labels.csv", index=False)
    figures = agreement(read_labels(tmp_path / "labels.csv")).figures()
    frame = oc.agreement(LABELS)
    assert list(frame.columns) == ["value", "low", "high", "note"]
    assert frame["value"].to_dict() == {name: figure.value for name, figure in figures.items()}


def test_figures_are_taken_apart_by_any_column() -> None:
    frame = oc.agreement(LABELS, by="level")
    assert frame.loc["a"].equals(oc.agreement(LABELS[LABELS["level"] == "a"]))
    assert list(frame.index.names) == ["level", "figure"]


def test_rows_that_do_not_count_are_left_out_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    more = LABELS.assign(purpose="label")
    repeats = more.assign(purpose="repeat", value=0)
    whole = pd.concat([more, repeats, more.head(1).assign(item="new", value=None)])
    assert oc.agreement(whole).equals(oc.agreement(LABELS))
    assert "left out: 12 'repeat'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "by", "message"),
    [
        (LABELS.drop(columns="value"), None, "DataFrame of labels lacks the column 'value'"),
        (pd.concat([LABELS, LABELS]), None, "has two labels of annotator 'x' on item 'x'"),
        (LABELS.assign(value=None), None, "DataFrame of labels has no label"),
        (LABELS.assign(item=None), None, "row 1 has no item or no annotator"),
        (LABELS, "country", "lacks the column 'country'; by is one of item, annotator, value, level"),
        ("labels.csv", None, "labels 'labels.csv' are no DataFrame; give store.labels"),
        (LABELS.assign(level=None), "level", "has no value in the column 'level'"),
    ],
)
def test_labels_that_cannot_be_read_are_one_line(labels: pd.DataFrame, by: str | None, message: str) -> None:
    with pytest.raises(oc.OceanChatError, match=message) as caught:
        oc.agreement(labels, by)
    assert "\n" not in str(caught.value)
