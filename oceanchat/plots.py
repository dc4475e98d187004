"""The two plots of a dataset.

Table 6 beside the paper's, and the topics its dialogues are about (Figure 2). The only user of matplotlib
in oceanchat. Colors are those of Okabe and Ito, which color-blind readers can tell apart; equal figures
give equal bytes.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("Agg")
from matplotlib.figure import Figure

from oceanchat.errors import ConfigError
from oceanchat.statistics.table_six import PAPER, SummaryRow
from oceanchat.traits import TRAITS, Trait
from oceanchat.whole_files import whole_file

if TYPE_CHECKING:
    from oceanchat.topics.topic_model import TopicShare

TRAIT_COLORS: dict[Trait, str] = {
    Trait.O: "#0072B2",
    Trait.C: "#E69F00",
    Trait.E: "#009E73",
    Trait.A: "#CC79A7",
    Trait.N: "#D55E00",
}
_UNDATED: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""Ending -> what is left out, since neither a date nor a version may enter the file."""
_INK, _FAINT = "#222222", "#9A9A9A"


def plot_topics(topics: "Sequence[TopicShare]", path: Path, labeler: str | None = None) -> None:
    """Draw the share of dialogues in each topic, divided by trait; written as the file's ending says.

    The model that named the topics, if one did, is written below them.
    """
    rows = list(reversed(topics))
    figure = Figure(figsize=(7.2, 0.9 + 0.36 * len(rows)), layout="constrained")
    axes = figure.subplots()
    left = [0.0] * len(rows)
    for trait in TRAITS:
        widths = [100 * row.by_trait.get(trait.value, 0.0) for row in rows]
        axes.barh(
            range(len(rows)),
            widths,
            left=left,
            height=0.72,
            color=TRAIT_COLORS[trait],
            label=trait.label,
            edgecolor="white",
            linewidth=0.6,
        )
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for height, (row, end) in enumerate(zip(rows, left, strict=True)):
        axes.text(end + 0.3, height, f"{row.share:.1%}", va="center", fontsize=8.5, color=_INK)
    axes.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=9.5, color=_INK)
    axes.set_xlim(0, max(left, default=1.0) * 1.1)
    named = f"; topics labeled by {labeler.replace('$', '')}" if labeler else ""
    axes.set_xlabel(f"share of dialogues (%){named}", fontsize=9.5, color=_INK)
    axes.legend(
        frameon=False,
        fontsize=8.5,
        ncols=len(TRAITS),
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.2,
        handlelength=1,
        columnspacing=1.2,
    )
    _quiet(axes, "x")
    axes.tick_params(axis="y", length=0)
    _save(figure, path)


def plot_table_six(rows: Sequence[SummaryRow], path: Path) -> None:
    """Draw average turns and words per turn of each trait-level beside the paper's Table 6."""
    lines = [row for row in rows if row.trait_level != "Avg"]
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    heights = list(range(len(lines)))[::-1]
    for axes, name, title in zip(
        panels, ("turns", "words_a_turn"), ("average turns", "words per turn"), strict=True
    ):
        ours = [float(getattr(row, name)) for row in lines]
        paper = [float(getattr(PAPER[row.trait_level], name)) for row in lines]
        both = list(zip(ours, paper, strict=True))
        axes.hlines(
            heights, list(map(min, both)), list(map(max, both)), color="#D0D0D0", linewidth=2, zorder=1
        )
        axes.scatter(
            paper,
            heights,
            s=34,
            facecolors="white",
            edgecolors=_FAINT,
            linewidths=1.5,
            label="paper",
            zorder=2,
        )
        axes.scatter(ours, heights, s=38, color=TRAIT_COLORS[Trait.O], label="these dialogues", zorder=3)
        axes.set_title(title, fontsize=10, loc="left", color=_INK)
        axes.set_xlim(0, max([*ours, *paper]) * 1.08)
        _quiet(axes, "x")
    panels[0].set_yticks(heights, [row.trait_level.replace("-", "\u2212") for row in lines], fontsize=9.5)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
    panels[1].legend(frameon=False, fontsize=8.5, loc="lower right")
    _save(figure, path)


def _quiet(axes: Any, grid: str) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    axes.grid(axis=grid, color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=_INK)


def _save(figure: Figure, path: Path) -> None:
    ending = path.suffix.lower()
    if ending not in _UNDATED:
        raise ConfigError(f"plot '{path}' must end in {', '.join(_UNDATED)}")
    image = io.BytesIO()  # matplotlib's PDF writer fails in other ways than OSError where a disk is full
    with matplotlib.rc_context({"svg.hashsalt": "ocean-chat"}):
        figure.savefig(image, format=ending[1:], dpi=150, metadata=_UNDATED[ending])
    try:
        with whole_file(path) as file:
            file.write(image.getbuffer())
    except OSError as error:
        raise ConfigError(f"plot '{path}' cannot be written: {error.strerror or error}") from None
