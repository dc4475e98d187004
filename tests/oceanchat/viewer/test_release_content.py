"""What a page shows of a release: its rows and its own figures, or one line on what is wrong with it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import ReleaseError
from oceanchat.release.writer import ReleaseConfig, write_release
from oceanchat.viewer.page import page_html
from oceanchat.viewer.release_content import release_content
from tests.oceanchat.release.factories import make_dialogue, make_dialogues, make_store

SAMPLE = Path(__file__).parents[3] / "releases" / "ocean-chat-0.1.0-scripted"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release whose seed topics are hashed."""
    parent = tmp_path_factory.mktemp("release")
    dialogues = [*make_dialogues(2), make_dialogue(9, "C-", state="off-trait", detail="saw E+")]
    config = ReleaseConfig(version="1.0.0", license="mit", seed_topics="hash", output=parent)
    return write_release(config, make_store(parent / "store.db", dialogues)).folder


def test_released_and_rejected_rows_are_shown_without_what_the_release_withholds(folder: Path) -> None:
    content = release_content(folder)
    assert content.title == "ocean-chat-1.0.0-scripted" and "Scripted" in content.cautions[0]
    assert content.summary[0] == ("20 of 21", "dialogues released as data")
    [rejected] = [shown for shown in content.dialogues if shown.state != "passed"]
    assert (rejected.state, rejected.detail, rejected.split) == ("off-trait", "saw E+", "")
    assert {shown.sentence for shown in content.dialogues} == {None}
    assert {shown.split for shown in content.dialogues} <= {"train", "validation", "test", ""}


def test_the_sample_release_has_every_section() -> None:
    content = release_content(SAMPLE)
    assert [section.id for section in content.sections] == [
        "funnel",
        "lengths",
        "agreement",
        "costs",
        "recipe",
    ]
    assert content.sections[2].lead == ["Nobody has validated these dialogues."]
    assert [row[0] for row in content.sections[3].tables[0].rows] == ["label_many", "write", "check"]
    assert {prompt.task for prompt in content.prompts} >= {"write", "check"} and "Table 6" in page_html(
        content
    )


@pytest.mark.parametrize(
    "change",
    [{"rows": None}, {"funnel": {"O+": 3}}, {"prompts": {"write": {}}}, {"costs": [{}]}, {"length_auc": []}],
    ids=lambda change: next(iter(change)),
)
def test_a_damaged_release_is_one_line(folder: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    damaged = Path(shutil.copytree(folder, tmp_path / "damaged"))
    quality = json.loads((damaged / "quality.json").read_text()) | change
    (damaged / "quality.json").write_text(json.dumps(quality))
    with pytest.raises(ReleaseError, match="not as it was written"):
        release_content(damaged)
