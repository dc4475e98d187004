"""All training methods on one data set: identification over author folds, several seeds, beside TF-IDF.

    python benchmarks/methods.py DIALOGUES.jsonl --pretrain-text ESSAYS.csv --work FOLDER

Folds are by author; the backbone of a fold and seed is pre-trained without the fold's authors and shared by
all methods. Every cell is kept in the work folder, so a second call goes on where the first one stopped;
`--minutes` stops in time and prints what there is. Nothing is chosen on the held-out folds.
"""

import argparse
import csv
import json
import random
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pyarrow
import pyarrow.parquet
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from oceanchat.intervals import wilson
from oceanchat.traits import TRAIT_LEVELS, Level, Trait, TraitLevel
from preact import tiny
from preact.config import METHODS, TinyShape, make_config
from preact.cpu import multiplies_in_bfloat16, prepare_cpu
from preact.dialogues import read_release
from preact.evaluation.identification import identify
from preact.runs import read_record
from preact.training import train

TFIDF = "TF-IDF + LR"


class Cell(NamedTuple):
    """One method, seed and fold."""

    method: str
    seed: int
    fold: int

    def path(self, work: Path) -> Path:
        return work / "results" / f"{self.method}-seed{self.seed}-fold{self.fold}.json"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The dialogues of an import file, a dictionary a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def author_folds(lines: Sequence[dict[str, Any]], folds: int) -> dict[str, int]:
    """Author -> fold, shuffled once and for all."""
    authors = sorted({line["author"] for line in lines})
    random.Random(0).shuffle(authors)
    return {author: place % folds for place, author in enumerate(authors)}


def write_release(lines: Sequence[dict[str, Any]], fold_of: dict[str, int], fold: int, folder: Path) -> None:
    """The fold as a release folder: its authors are the test split."""
    rows: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    for number, line in enumerate(lines):
        split = "test" if fold_of[line["author"]] == fold else "train"
        messages = [
            {"role": "user" if t["role"] == "questioner" else "assistant", "content": t["text"]}
            for t in line["turns"]
        ]
        row = {"id": f"{number:05d}", "trait": line["trait"], "level": line["level"], "messages": messages}
        rows[split].append({**row, "seed_topic": line.get("seed"), "split": split})
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for split, found in rows.items():
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(found), folder / "data" / f"{split}.parquet")


def other_texts(source: Path | None, held: set[str]) -> list[str]:
    """The essays of authors outside the fold: CSV with an author and a text column."""
    if source is None:
        return []
    csv.field_size_limit(10**8)
    with source.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file))
    text_column = [name.upper() for name in rows[0]].index("TEXT")
    return [row[text_column] for row in rows[1:] if row[0] not in held]


def backbone_of(
    cell: Cell, release: Path, source: Path | None, held: set[str], work: Path, shape: TinyShape
) -> Path:
    """The folder of the backbone of this fold and seed, built when it is not there yet."""
    folder = work / f"backbone-seed{cell.seed}-fold{cell.fold}"
    if not tiny.is_tiny(str(folder)):
        dialogues = read_release(str(release)).split("train")
        texts = other_texts(source, held)
        conversations = [tiny.conversation([(m.role, m.content) for m in d.messages]) for d in dialogues]
        began = time.monotonic()

        def progress(step: int, steps: int, loss: float) -> None:
            if step % 100 == 0:
                print(
                    f"{folder.name} {step}/{steps} loss {loss:.3f} {time.monotonic() - began:.0f} s",
                    file=sys.stderr,
                )

        tiny.save(
            tiny.build(
                texts,
                conversations,
                shape=shape,
                seed=cell.seed,
                progress=progress,
                mixed=multiplies_in_bfloat16(),
            ),
            folder,
            shape,
            cell.seed,
        )
    return folder


def measure(cell: Cell, release: Path, backbone: Path, work: Path, threads: int) -> dict[str, Any]:
    """Train one cell and identify its held-out fold."""
    run = work / "runs" / f"{cell.method}-seed{cell.seed}-fold{cell.fold}"
    shutil.rmtree(run, ignore_errors=True)
    config = make_config(
        tiny=True,
        recipe={},
        release=str(release),
        output=str(run),
        backbone=str(backbone),
        method=cell.method,
        seed=cell.seed,
        threads=threads,
    )
    began = time.monotonic()
    train(config, lambda line: None)
    trained = time.monotonic() - began
    found = identify(run, split="test", threads=threads)
    record = read_record(run)
    shutil.rmtree(run)
    return {
        "credit": found.credit,
        "ties": found.ties,
        "margin": found.margin,
        "own_loss": found.own_loss,
        "excess": found.excess,
        "level_accuracy": found.level_accuracy.value,
        "effective": found.experts.effective if found.experts else None,
        "dead": found.experts.dead if found.experts else None,
        "step_seconds": record.seconds / record.steps,
        "train_seconds": trained,
        "identify_seconds": time.monotonic() - began - trained,
        "trained_parameters": record.trained_parameters,
        "confusion": found.confusion,
    }


def tfidf_credit(lines: Sequence[dict[str, Any]], fold_of: dict[str, int], fold: int) -> list[float]:
    """Right or wrong for each held-out dialogue: the self-discloser's words, TF-IDF, logistic regression.

    Its settings are the best of a few tried on these very folds, which flatters this peer and not ours.
    """
    words = [" ".join(t["text"] for t in line["turns"] if t["role"] == "discloser") for line in lines]
    labels = [TRAIT_LEVELS.index(TraitLevel(Trait(line["trait"]), Level(line["level"]))) for line in lines]
    seen = [i for i, line in enumerate(lines) if fold_of[line["author"]] != fold]
    held = [i for i, line in enumerate(lines) if fold_of[line["author"]] == fold]
    vectors = TfidfVectorizer(sublinear_tf=True, min_df=2).fit([words[i] for i in seen])
    model = LogisticRegression(C=10, max_iter=2000)
    model.fit(vectors.transform([words[i] for i in seen]), [labels[i] for i in seen])
    named = model.predict(vectors.transform([words[i] for i in held]))
    return [float(name == labels[i]) for name, i in zip(named, held, strict=True)]


def paired_interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """The mean of paired differences with a bootstrap 95 % interval over dialogues."""
    values = numpy.asarray(differences)
    draw = numpy.random.default_rng(0)
    means = values[draw.integers(0, len(values), (10_000, len(values)))].mean(axis=1)
    low, high = numpy.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def pooled(
    results: dict[Cell, dict[str, Any]], method: str, seed: int, folds: Sequence[int]
) -> list[float] | None:
    """The credit of all dialogues of a method and seed in the order of the folds; None while folds are
    missing.
    """
    cells = [Cell(method, seed, fold) for fold in folds]
    if not all(cell in results for cell in cells):
        return None
    return [credit for cell in cells for credit in results[cell]["credit"]]


def table(
    results: dict[Cell, dict[str, Any]],
    tfidf: dict[int, list[float]],
    methods: Sequence[str],
    seeds: Sequence[int],
) -> Iterator[str]:
    """The table of methods, a line a row; methods with missing cells say what they have."""
    folds = sorted(tfidf)
    floor = [credit for fold in folds for credit in tfidf[fold]]
    yield f"dialogues {len(floor)}, folds {len(folds)} by author; accuracy is ten-way, chance 0.10"
    yield (
        "| method | seeds | accuracy (95 %) | level | margin | eff. experts | dead | s/step | parameters"
        " | min/seed | minus TF-IDF (95 %, paired) |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    share = wilson(round(sum(floor)), len(floor))
    yield f"| {TFIDF} | - | {share.value:.3f} ({share.low:.3f} to {share.high:.3f}) | | | | | | | | |"
    for method in methods:
        done = [c for s in seeds if (c := pooled(results, method, s, folds)) is not None]
        cells = [r for cell, r in results.items() if cell.method == method]
        if not done:
            some = f"{len(cells)} of {len(folds) * len(seeds)} cells"
            yield f"| {method} | none whole, {some} | | | | | | | | | |"
            continue
        mean = [statistics.fmean(values) for values in zip(*done, strict=True)]
        around = wilson(round(sum(mean)), len(mean))
        gain, low, high = paired_interval([a - b for a, b in zip(mean, floor, strict=True)])
        average = {
            k: statistics.fmean(r[k] for r in cells) for k in ("level_accuracy", "margin", "step_seconds")
        }
        experts = [r for r in cells if r["effective"] is not None]
        use = " | "
        if experts:
            effective, dead = (statistics.fmean(r[k] for r in experts) for k in ("effective", "dead"))
            use = f"{effective:.1f} | {dead:.1f}"
        minutes = (
            statistics.fmean(r["train_seconds"] + r["identify_seconds"] for r in cells) * len(folds) / 60
        )
        yield (
            f"| {method} | {len(done)} | {statistics.fmean(mean):.3f} ({around.low:.3f} to {around.high:.3f})"
            f" | {average['level_accuracy']:.3f} | {average['margin']:+.4f} | {use}"
            f" | {average['step_seconds']:.2f} | {cells[0]['trained_parameters']:,} | {minutes:.1f}"
            f" | {gain:+.3f} ({low:+.3f} to {high:+.3f}) |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dialogues", type=Path, help="import file: trait, level, author, turns")
    parser.add_argument("--pretrain-text", type=Path, help="CSV of essays: the author first, a TEXT column")
    parser.add_argument("--work", type=Path, required=True, help="folder for backbones and results")
    parser.add_argument(
        "--methods", nargs="+", default=[m for m in METHODS if m != "no-moe"], choices=METHODS
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no further cell after so long")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--pretrain-steps", type=int, default=TinyShape().steps)
    options = parser.parse_args()
    prepare_cpu(options.threads)
    began = time.monotonic()
    lines = read_lines(options.dialogues)
    fold_of = author_folds(lines, options.folds)
    shape = TinyShape(steps=options.pretrain_steps)
    results: dict[Cell, dict[str, Any]] = {}
    (options.work / "results").mkdir(parents=True, exist_ok=True)
    order = [Cell(m, s, f) for s in options.seeds for m in options.methods for f in range(options.folds)]
    for cell in order:
        if cell.path(options.work).is_file():
            results[cell] = json.loads(cell.path(options.work).read_text(encoding="utf-8"))
        elif (time.monotonic() - began) / 60 < options.minutes:
            release = options.work / f"fold{cell.fold}"
            write_release(lines, fold_of, cell.fold, release)
            held = {author for author, fold in fold_of.items() if fold == cell.fold}
            backbone = backbone_of(cell, release, options.pretrain_text, held, options.work, shape)
            results[cell] = measure(cell, release, backbone, options.work, options.threads)
            cell.path(options.work).write_text(json.dumps(results[cell]), encoding="utf-8")
            accuracy = statistics.fmean(results[cell]["credit"])
            print(f"{cell}: accuracy {accuracy:.3f}, {results[cell]['train_seconds']:.0f} s", file=sys.stderr)
    tfidf = {fold: tfidf_credit(lines, fold_of, fold) for fold in range(options.folds)}
    for line in table(results, tfidf, options.methods, options.seeds):
        print(line)


if __name__ == "__main__":
    main()
