"""The plots: every format, the same bytes each time, all ten trait-levels on them."""

from pathlib import Path

import pytest

from oceanchat.plots import plot_table_six, plot_topics
from oceanchat.statistics.table_six import table_six
from oceanchat.topics.topic_model import TopicShare
from tests.oceanchat.release.factories import make_dialogues

TOPICS = [
    TopicShare("boat, tide, gull", ("boat", "tide", "gull"), 60, 0.6, {"O": 0.4, "N": 0.2}),
    TopicShare("soup, pan, oven", ("soup", "pan", "oven"), 40, 0.4, {"C": 0.1, "E": 0.3}),
]
BEGINNINGS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_equal_figures_give_equal_bytes(tmp_path: Path, ending: str) -> None:
    rows = table_six(make_dialogues(2))
    for number in (1, 2):
        plot_topics(TOPICS, tmp_path / f"topics{number}{ending}")
        plot_table_six(rows, tmp_path / f"six{number}{ending}")
    for name in ("topics", "six"):
        first, second = ((tmp_path / f"{name}{number}{ending}").read_bytes() for number in (1, 2))
        assert first == second
        assert first.startswith(BEGINNINGS[ending])


def test_labels_and_shares_are_written_out(tmp_path: Path) -> None:
    plot_topics(TOPICS, tmp_path / "topics.svg")
    drawn = (tmp_path / "topics.svg").read_text()
    for text in ("boat, tide, gull", "60.0%", "Neuroticism", "share of dialogues"):
        assert f"<!-- {text}" in drawn
