"""The card's code loads the release as it says, and its example is one of the rows."""

import ast
import re
from typing import Any

import pandas
import pytest

from oceanchat.release.card.page import render_card
from oceanchat.release.card.use import citation, example
from oceanchat.release.folder import Release


def code_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_code_for_datasets_and_pandas_loads_what_is_there(release: Release) -> None:
    loading, training, frames = code_blocks(render_card(release.manifest, release.quality))
    ast.parse(training)
    names: dict[str, Any] = {"PATH": str(release.folder)}
    exec(loading, names)
    exec(frames, names)
    rows, frame = names["rows"], names["frame"]
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["id"]) == rows["id"] and len(frame) == sum(
        release.manifest.counts.splits["train"].values()
    )
    assert {message["role"] for message in rows[0]["messages"]} == {"user", "assistant"}


def test_the_example_is_a_row_word_for_word(release: Release) -> None:
    text = example(release.manifest, release.quality)
    row = min(release.rows, key=lambda row: row.id)
    assert f"`{row.id}`" in text
    shown = " ".join(text.split())
    for message in row.messages:
        assert " ".join(message.content.split()) in shown


def test_there_is_no_example_where_every_row_may_name_somebody(release: Release) -> None:
    assert example(release.manifest, {**release.quality, "example": None}) == ""


def test_the_paper_and_the_tag_are_named(release: Release) -> None:
    text = citation(release.manifest, release.quality)
    assert release.manifest.tag in text and "@inproceedings{dan-etal-2025-p-react," in text


@pytest.mark.parametrize("content", ["``` ends here", "<script>alert(1)</script>", "x " * 300])
def test_no_dialogue_breaks_out_of_the_example(release: Release, content: str) -> None:
    row = {"id": "a", "trait_level": "O+", "messages": [{"role": "user", "content": content}]}
    text = example(release.manifest, {**release.quality, "example": row})
    fence = re.search(r"^(`+)text$", text, re.MULTILINE)
    assert fence is not None and text.endswith(f"\n{fence[1]}\n") and text.count(fence[1]) == 2
    assert max(map(len, text.splitlines())) <= 110
