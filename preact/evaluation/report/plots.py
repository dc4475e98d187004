"""Draw plots as a paper prints them.

Sweeps, strengths, expert weights, confusion and leakage as PDF, SVG, PNG and CSV. Colors are Okabe and
Ito's, which color-blind readers tell apart, and heat maps run from light to dark. The table behind a plot is
written beside it. Drawing only: every number is passed in.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oceanchat.errors import EvaluationError
from oceanchat.traits import CODES, TRAITS, Trait
from preact.training.strengths import ALL, Dial, DialValue

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
Color = tuple[float, float, float]
"""Red, green and blue from 0 to 1."""
FORMATS = ("pdf", "svg", "png")

_STYLE: Any = {
    "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8,
    "legend.fontsize": 8, "axes.spines.top": False, "axes.spines.right": False, "pdf.fonttype": 42,
    "svg.fonttype": "none", "svg.hashsalt": "preact", "figure.dpi": 100, "savefig.dpi": 200,
}  # fmt: skip


class Panel(NamedTuple):
    """One panel of Figure 4."""

    title: str
    setting: str
    """What the horizontal axis varies, such as 'LoRA rank r'."""
    metric: str
    """What the vertical axis shows, with its unit."""
    points: tuple[tuple[float, float], ...]
    """(setting, metric), in any order."""


def draw_sweep(panels: Sequence[Panel], folder: Path, name: str = "sweep") -> list[Path]:
    """Figure 4: a panel per hyper-parameter, its settings evenly spaced, the best marked; the files."""
    if not panels or not all(panel.points for panel in panels):
        raise EvaluationError("the sweep has no finished points to plot; run `preact sweep` first")
    with _figure(2.6 * len(panels), 2.4) as figure:
        for number, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), number + 1)
            points = sorted(panel.points)
            positions, values = range(len(points)), [value for _, value in points]
            axes.plot(positions, values, marker="o", markersize=4, color=OKABE_ITO[0], linewidth=1.5)
            best = values.index(max(values))
            axes.plot([best], [values[best]], marker="o", markersize=8, fillstyle="none", color=OKABE_ITO[1])
            axes.set_xticks(list(positions), [f"{setting:g}" for setting, _ in points])
            axes.set_xlabel(panel.setting)
            axes.set_ylabel(panel.metric)
            axes.set_title(f"({'abcdefgh'[number % 8]}) {panel.title}")
            axes.margins(0.12, 0.2)
        rows = [
            [panel.title, panel.setting, panel.metric, *point]
            for panel in panels
            for point in sorted(panel.points)
        ]
        return _save(figure, folder, name, [["panel", "setting", "metric", "x", "y"], *rows])


def draw_dial(dial: Dial, folder: Path, name: str = "dial") -> list[Path]:
    """Margin and held-out loss of each trait-level over the strength, with 95 % intervals; the files."""
    table: list[list[Any]] = [["trait_level", "strength", "metric", "value", "low", "high"]]
    names = (("margin", "margin (nats per token)"), ("loss", "held-out loss (nats per token)"))
    with _figure(7.2, 3.0) as figure:
        for number, (metric, label) in enumerate(names):
            axes = figure.add_subplot(1, 2, number + 1)
            for curve, color in zip(dial.curves, _many_colors(len(dial.curves)), strict=True):
                strengths = [point.strength for point in curve.points]
                values: list[DialValue] = [getattr(point, metric) for point in curve.points]
                whole = curve.trait_level == ALL
                axes.plot(
                    strengths, [v.value for v in values], label=curve.trait_level,
                    color="black" if whole else color, linewidth=2.0 if whole else 1.0,
                )  # fmt: skip
                if all(v.low is not None and v.high is not None for v in values):
                    low, high = [v.low or 0.0 for v in values], [v.high or 0.0 for v in values]
                    axes.fill_between(
                        strengths, low, high, color="black" if whole else color, alpha=0.12, linewidth=0
                    )
                table += [
                    [curve.trait_level, s, metric, v.value, v.low, v.high]
                    for s, v in zip(strengths, values, strict=True)
                ]
            axes.axvline(1.0, color="grey", linewidth=0.6, linestyle=":")
            axes.set_xlabel("strength (1: as trained)")
            axes.set_ylabel(label)
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center")
        return _save(figure, folder, name, table)


def draw_experts(
    models: Mapping[str, Sequence[Sequence[float]]], folder: Path, name: str = "experts"
) -> list[Path]:
    """Figure 5: per model ten bars of length 1, divided in proportion to its expert weights (10 x N)."""
    if not models:
        raise EvaluationError("there are no expert weights to plot; name a run of method preact or no-psl")
    colors = _many_colors(max(len(row) for rows in models.values() for row in rows))
    with _figure(3.4 * len(models) + 0.4, 3.0) as figure:
        for number, (title, rows) in enumerate(models.items()):
            axes = figure.add_subplot(1, len(models), number + 1)
            for y, row in enumerate(rows):
                _draw_shares(axes, y, _normalized(row), colors)
            axes.set_yticks(range(len(rows)), CODES[: len(rows)])
            axes.invert_yaxis()
            axes.set_xlim(0, 1)
            axes.set_xlabel("share of expert weight (expert's number)")
            axes.set_title(f"({'abcdefgh'[number % 8]}) {title}")
        table = [
            [title, code, expert + 1, weight]
            for title, rows in models.items()
            for code, row in zip(CODES, rows, strict=False)
            for expert, weight in enumerate(_normalized(row))
        ]
        return _save(figure, folder, name, [["model", "trait_level", "expert", "share"], *table])


def _draw_shares(axes: Axes, y: int, shares: Sequence[float], colors: Sequence[Color]) -> None:
    """One bar of Figure 5; the wider parts show their expert's number."""
    left = 0.0
    for expert, (share, color) in enumerate(zip(shares, colors, strict=False), start=1):
        axes.barh(y, share, left=left, color=color, edgecolor="white", linewidth=0.3)
        if share >= 0.12:
            axes.text(
                left + share / 2, y, str(expert), ha="center", va="center", fontsize=6,
                color=_readable_on(color),
            )  # fmt: skip
        left += share


def draw_confusion(counts: Sequence[Sequence[float]], folder: Path, name: str = "confusion") -> list[Path]:
    """Trait identification: 10 x 10, rows the true trait-level, columns the one whose loss is lowest."""
    shares = [[n / (sum(row) or 1) for n in row] for row in counts]
    labels = [[f"{n:.0%}" if n else "" for n in row] for row in shares]
    with _figure(4.6, 4.2) as figure:
        _heat(figure, shares, labels, CODES, CODES, (0, 1), "share of the row's dialogues")
        figure.axes[0].set_xlabel("trait-level with the lowest loss")
        figure.axes[0].set_ylabel("true trait-level")
        return _save(figure, folder, name, _matrix("true", CODES, CODES, counts))


def draw_leakage(
    scores: Mapping[str, Mapping[Trait, float]], folder: Path, name: str = "leakage"
) -> list[Path]:
    """The 10 x 5 matrix: how each trait-level is judged on every trait, 1 to 5; blank if not asked."""
    codes = [code for code in (*CODES, "none") if code in scores]
    rows = [[scores[code].get(trait, math.nan) for trait in TRAITS] for code in codes]
    if not codes or all(math.isnan(value) for row in rows for value in row):
        raise EvaluationError("there are no scores to plot; judge an interview first")
    labels = [["" if math.isnan(value) else f"{value:.2f}" for value in row] for row in rows]
    columns = [trait.label for trait in TRAITS]
    with _figure(4.6, 0.32 * len(codes) + 1.3) as figure:
        _heat(figure, rows, labels, codes, columns, (1, 5), "judged score, 1 to 5")
        figure.axes[0].set_ylabel("asked for")
        return _save(figure, folder, name, _matrix("asked for", codes, columns, rows))


def _heat(
    figure: Figure, values: Sequence[Sequence[float]], labels: Sequence[Sequence[str]], rows: Sequence[str],
    columns: Sequence[str], limits: tuple[float, float], scale: str,
) -> None:  # fmt: skip
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap="cividis", vmin=limits[0], vmax=limits[1], aspect="auto")
    tilt = 30 if max(map(len, columns)) > 3 else 0
    axes.set_xticks(range(len(columns)), columns, rotation=tilt, ha="right" if tilt else "center")
    axes.set_yticks(range(len(rows)), rows)
    axes.spines[:].set_visible(False)
    middle = sum(limits) / 2
    for y, line in enumerate(labels):
        for x, label in enumerate(line):
            color = "white" if values[y][x] < middle else "black"
            axes.text(x, y, label, ha="center", va="center", fontsize=7, color=color)
    figure.colorbar(image, ax=axes, label=scale)


def _matrix(
    corner: str, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]]
) -> list[list[Any]]:
    return [[corner, *columns], *([row, *line] for row, line in zip(rows, values, strict=True))]


def _normalized(weights: Sequence[float]) -> list[float]:
    total = math.fsum(weights)
    return [weight / total for weight in weights] if total else list(weights)


def _many_colors(count: int) -> list[Color]:
    """Okabe and Ito's seven colors, then lighter and darker shades of the same hues."""
    base = [matplotlib.colors.to_rgb(color) for color in OKABE_ITO[:7]]
    shades = (0.0, 0.5, -0.4, 0.75, -0.65)
    return [_shaded(base[n % 7], shades[n // 7 % len(shades)]) for n in range(count)]


def _shaded(color: Color, shade: float) -> Color:
    toward = 1.0 if shade > 0 else 0.0
    r, g, b = (part + (toward - part) * abs(shade) for part in color)
    return r, g, b


def _readable_on(color: Color) -> str:
    r, g, b = color
    return "black" if 0.299 * r + 0.587 * g + 0.114 * b > 0.55 else "white"


@contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    """A figure of this size in inches, drawn without a window or global state."""
    with matplotlib.rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def _save(figure: Figure, folder: Path, name: str, table: Sequence[Sequence[Any]]) -> list[Path]:
    """Write PDF, SVG, PNG and CSV; without dates, so that equal data give equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    dates: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    files = [folder / f"{name}.{kind}" for kind in (*FORMATS, "csv")]
    for kind, file in zip(FORMATS, files, strict=False):
        figure.savefig(file, metadata=dates[kind])
    with files[-1].open("w", newline="", encoding="utf-8") as file_:
        csv.writer(file_, lineterminator="\n").writerows(table)
    return files
