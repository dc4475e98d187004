"""Figures: that every format is written, holds what it should, and is the same for the same numbers."""

import csv
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.colors import to_rgb

from oceanchat.errors import EvaluationError
from oceanchat.traits import CODES, TRAITS
from preact.evaluation.report.plots import (
    OKABE_ITO,
    Panel,
    draw_confusion,
    draw_experts,
    draw_leakage,
    draw_sweep,
)

PANELS = [
    Panel("rank", "LoRA rank r", "Overall (points)", ((64, 3.4), (16, 3.1), (256, 3.7))),
    Panel("experts", "experts N", "Overall (points)", ((1, 3.2), (16, 3.7))),
]


def texts(svg: Path) -> set[str]:
    return {"".join(e.itertext()).strip() for e in ElementTree.parse(svg).iter() if e.tag.endswith("}text")}


def rows(file: Path) -> list[list[str]]:
    with file.open(newline="") as opened:
        return list(csv.reader(opened))


def test_a_sweep_is_written_as_pdf_svg_png_and_csv_with_readable_labels(tmp_path: Path) -> None:
    files = draw_sweep(PANELS, tmp_path)
    assert [file.suffix for file in files] == [".pdf", ".svg", ".png", ".csv"]
    assert files[0].read_bytes().startswith(b"%PDF") and files[2].read_bytes().startswith(b"\x89PNG")
    assert {"LoRA rank r", "Overall (points)", "(a) rank", "(b) experts", "256"} <= texts(files[1])
    assert rows(files[3])[1:4] == [["rank", "LoRA rank r", "Overall (points)", x, y] for x, y in
                                   (("16", "3.1"), ("64", "3.4"), ("256", "3.7"))]  # fmt: skip


def test_equal_numbers_give_equal_files(tmp_path: Path) -> None:
    first, second = draw_sweep(PANELS, tmp_path / "a"), draw_sweep(PANELS, tmp_path / "b")
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_expert_bars_are_normalised_to_one_and_named_in_paper_order(tmp_path: Path) -> None:
    one_hot = [[1.0 if expert == row else 0.0 for expert in range(16)] for row in range(10)]
    files = draw_experts({"w/ PSL": one_hot, "w/o PSL": [[0.5] * 16] * 10}, tmp_path)
    assert {"(a) w/ PSL", "(b) w/o PSL", "O+", "N-"} <= texts(files[1])
    shares = [float(row[3]) for row in rows(files[3])[1:] if row[:2] == ["w/o PSL", "A-"]]
    assert sum(shares) == pytest.approx(1) and len(shares) == 16


def test_the_confusion_keeps_counts_in_its_table_and_shows_shares(tmp_path: Path) -> None:
    counts = [[3 if x == y else int(x == 0) for x in range(10)] for y in range(10)]
    files = draw_confusion(counts, tmp_path)
    assert rows(files[3])[0] == ["true", *CODES] and rows(files[3])[2][:3] == ["C+", "1", "3"]
    assert {"75%", "25%", "100%"} <= texts(files[1])


def test_leakage_leaves_blank_what_was_not_asked(tmp_path: Path) -> None:
    scores = {code: {trait: 4.25 if code[0] == trait else math.nan for trait in TRAITS} for code in CODES}
    files = draw_leakage(scores, tmp_path)
    shown = texts(files[1])
    assert "4.25" in shown and "nan" not in shown and "Conscientiousness" in shown
    assert len(rows(files[3])) == 11


def test_nothing_to_plot_is_said(tmp_path: Path) -> None:
    for draw in (
        lambda: draw_sweep([], tmp_path),
        lambda: draw_experts({}, tmp_path),
        lambda: draw_leakage({}, tmp_path),
    ):
        with pytest.raises(EvaluationError, match="to plot"):
            draw()


def test_the_palette_stays_apart_for_readers_without_red_green_vision() -> None:
    """Deuteranopia after Vienot, Brettel and Mollon (1999), in linear light."""

    def seen(colour: str) -> tuple[float, float]:
        r, g, b = (part**2.2 for part in to_rgb(colour))
        return 0.29275 * r + 0.70725 * g, -0.02234 * r + 0.02234 * g + b

    points = [seen(colour) for colour in OKABE_ITO]
    assert min(math.dist(a, b) for n, a in enumerate(points) for b in points[:n]) > 0.05
