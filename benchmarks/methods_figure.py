"""Draw the table of methods from its cells.

    python benchmarks/methods_figure.py benchmarks/cells docs/images/methods.png

One dot a training seed (its five folds pooled), a bar for the mean of the seeds. Nothing is measured here.
"""

import json
import re
import statistics
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib
from matplotlib import pyplot

from preact.methods import METHODS

CHANCE = 0.1


def credit_by_seed(folder: Path) -> dict[str, dict[int, list[float]]]:
    """Method -> seed -> right (1) or wrong (0) for each held-out dialogue of all folds."""
    credit: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.glob("*.json")):
        match = re.fullmatch(r"(.+)-seed(\d+)-fold\d+", path.stem)
        if match:
            own = json.loads(path.read_text(encoding="utf-8"))["credit"]
            credit[match[1]][int(match[2])].extend(own)
    return credit


def main(folder: str, output: str) -> None:
    matplotlib.use("Agg")
    credit = credit_by_seed(Path(folder))
    methods = [name for name in METHODS if name in credit]
    accuracy = {name: [statistics.fmean(own) for own in credit[name].values()] for name in methods}
    methods.sort(key=lambda name: statistics.fmean(accuracy[name]))
    figure, axes = pyplot.subplots(figsize=(7, 2.8), layout="constrained")
    axes.barh(methods, [statistics.fmean(accuracy[name]) for name in methods], color="#b8c9e0", height=0.6)
    for name in methods:
        axes.plot(accuracy[name], [name] * len(accuracy[name]), "o", color="#26456e", markersize=4)
    axes.axvline(CHANCE, color="#666666", linestyle="--", linewidth=1)
    axes.text(CHANCE + 0.005, len(methods) - 0.45, "chance", color="#666666", fontsize=8)
    axes.set_xlim(0, 1)
    axes.set_xlabel("held-out dialogues whose trait-level has the lowest loss, of ten (tiny backbone)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(output, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
