"""All training methods on one data set: identification over author folds, several seeds, beside TF-IDF.

    python benchmarks/methods.py DIALOGUES.jsonl --pretrain-text ESSAYS.csv --work FOLDER

Folds are by author; the backbone of a fold and seed is pre-trained without the fold's authors and shared by
all methods. Every cell is kept in the work folder, so a second call goes on where the first one stopped;
`--minutes` stops in time and prints what there is. Nothing is chosen on the held-out folds. Intervals of
differences draw authors, paired by dialogue, seeds averaged. `benchmarks/cells/` holds the cells of the table
in docs/benchmarks.md; copied to FOLDER/results they are not run again.

    python benchmarks/methods.py DIALOGUES.jsonl --work FOLDER --backbone smollm2

trains on a real backbone instead, one fold held out, as a queue of `preact` commands, six at a time on a GPU,
with the persona prompt, ControlLM and persona vectors beside the trained methods. LoRA and the prompt are
rows under both persona prompts (`lora-short`, `prompt-short`), and `--sweep-lora` adds LoRA at four more
learning rates (`lora@1e-3`), so that nobody calls them straw men. On a CPU take a part of it:
`--seeds 1 --methods preact,no-psl --each 10`.
"""

import argparse
import csv
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from author_folds import author_folds, read_lines, write_release
from real_backbone import UNTRAINED, on_real_backbone
from rows import default_rows, is_row, row_of, sweep_rows
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from oceanchat.prompts import Message
from oceanchat.statistics.intervals import wilson
from oceanchat.traits import TRAIT_LEVELS, Level, Trait, TraitLevel
from preact.backbones import tiny
from preact.backbones.cpu import multiplies_in_bfloat16, prepare_cpu
from preact.config import TinyShape, make_config
from preact.dialogues.release import TrainingDialogue, read_release
from preact.evaluation.identification import identify
from preact.evaluation.loss_figures import named_right
from preact.evaluation.text_peers import peer_losses
from preact.training.runs import read_record
from preact.training.train import train

UNTUNED, TUNED = "TF-IDF + LR", "tuned TF-IDF + LR"
WITH_LENGTH, LENGTH = "TF-IDF + length", "length alone"


class Cell(NamedTuple):
    """One method, seed and fold."""

    method: str
    seed: int
    fold: int

    def path(self, work: Path) -> Path:
        return work / "results" / f"{self.method}-seed{self.seed}-fold{self.fold}.json"


def other_texts(source: Path | None, held_out: set[str]) -> list[str]:
    """The essays of authors outside the fold: CSV with an author and a text column."""
    if source is None:
        return []
    csv.field_size_limit(10**8)
    with source.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file))
    text_column = [name.upper() for name in rows[0]].index("TEXT")
    return [row[text_column] for row in rows[1:] if row[0] not in held_out]


def backbone_of(
    cell: Cell,
    seed: int,
    release: Path,
    source: Path | None,
    held_out: set[str],
    work: Path,
    shape: TinyShape,
) -> Path:
    """The folder of the backbone of this fold and pre-training seed, built when it is not there yet."""
    folder = work / f"backbone-seed{seed}-fold{cell.fold}"
    if not tiny.is_tiny(str(folder)):
        dialogues = read_release(str(release)).split("train")
        texts = other_texts(source, held_out)
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
                seed=seed,
                progress=progress,
                mixed=multiplies_in_bfloat16(),
            ),
            folder,
            shape,
            seed,
        )
    return folder


def measure(cell: Cell, release: Path, backbone: Path, work: Path, threads: int) -> dict[str, Any]:
    """Train one cell and identify its held-out fold."""
    run = work / "runs" / f"{cell.method}-seed{cell.seed}-fold{cell.fold}"
    shutil.rmtree(run, ignore_errors=True)
    row = row_of(cell.method)
    config = make_config(
        tiny=True,
        recipe={"learning_rate": float(row.rate) if row.rate else None},
        release=str(release),
        output=str(run),
        backbone=str(backbone),
        method=row.method,
        prompt="short" if row.short else "full",
        seed=cell.seed,
        threads=threads,
    )
    began = time.monotonic()
    train(config, lambda line: None)
    trained = time.monotonic() - began
    identified = identify(run, split="test", threads=threads, plain=True)
    record = read_record(run)
    shutil.rmtree(run)
    return {
        "credit": identified.credit,
        "ties": identified.named.ties,
        "margin": identified.margin,
        "own_loss": identified.own_loss,
        "excess": identified.excess,
        "level_accuracy": identified.named.level_given_trait.value,
        "effective": identified.experts.effective if identified.experts else None,
        "dead": identified.experts.dead if identified.experts else None,
        "step_seconds": record.seconds / record.steps,
        "train_seconds": trained,
        "identify_seconds": time.monotonic() - began - trained,
        "trained_parameters": record.trained_parameters,
        "confusion": identified.named.confusion,
    }


def tfidf_credit(
    lines: Sequence[dict[str, Any]], fold_of: dict[str, int], fold: int
) -> dict[str, list[float]]:
    """Right or wrong for each held-out dialogue, by peer: the self-discloser's words, TF-IDF, logistic
    regression.

    The settings of the tuned peer are the best of a few tried on these very folds, which flatters it and not
    ours.
    """
    words = [" ".join(t["text"] for t in line["turns"] if t["role"] == "discloser") for line in lines]
    labels = [TRAIT_LEVELS.index(TraitLevel(Trait(line["trait"]), Level(line["level"]))) for line in lines]
    seen = [i for i, line in enumerate(lines) if fold_of[line["author"]] != fold]
    held_out = [i for i, line in enumerate(lines) if fold_of[line["author"]] == fold]
    peers = {
        UNTUNED: make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=2000)),
        TUNED: make_pipeline(
            TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=10, max_iter=2000)
        ),
    }
    credit = {}
    for name, model in peers.items():
        model.fit([words[i] for i in seen], [labels[i] for i in seen])
        named = model.predict([words[i] for i in held_out])
        credit[name] = [float(label == labels[i]) for label, i in zip(named, held_out, strict=True)]
    dialogues = [as_dialogue(number, line) for number, line in enumerate(lines)]
    asked = [dialogues[i] for i in held_out]
    losses = peer_losses([dialogues[i] for i in seen], asked)
    credit[WITH_LENGTH] = named_right(losses["tfidf_length"], asked).credit
    credit[LENGTH] = named_right(losses["length"], asked).credit
    return credit


def as_dialogue(number: int, line: dict[str, Any]) -> TrainingDialogue:
    """A line of the import file as the trainer would read it."""
    messages = tuple(
        Message("user" if turn["role"] == "questioner" else "assistant", turn["text"])
        for turn in line["turns"]
    )
    trait_level = TraitLevel(Trait(line["trait"]), Level(line["level"]))
    return TrainingDialogue(str(number), trait_level, messages, "", "", line["author"])


def paired_interval(differences: Sequence[float], authors: Sequence[str]) -> str:
    """The mean of paired differences with a bootstrap 95 % interval that draws authors, not dialogues."""
    positions: dict[str, list[int]] = {}
    for position, author in enumerate(authors):
        positions.setdefault(author, []).append(position)
    sums = numpy.array([sum(differences[i] for i in own) for own in positions.values()])
    sizes = numpy.array([len(own) for own in positions.values()])
    chosen = numpy.random.default_rng(0).integers(0, len(sums), (10_000, len(sums)))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    low, high = numpy.quantile(means, [0.025, 0.975])
    return f"{statistics.fmean(differences):+.3f} ({low:+.3f} to {high:+.3f})"


NO_SEED = 0
"""The seed of peers that have none."""


class Credits(NamedTuple):
    """The credit of every dialogue by method and seed, in the order of the folds."""

    by_seed: dict[str, dict[int, list[float]]]
    """Whole seeds only."""
    authors: list[str]

    def mean(self, method: str, seeds: Sequence[int] | None = None) -> list[float]:
        """The credit of every dialogue, averaged over these seeds, or over all there are."""
        own = self.by_seed[method]
        return [statistics.fmean(values) for values in zip(*(own[s] for s in seeds or own), strict=True)]

    def against(self, method: str, other: str) -> str:
        """The paired difference of two methods over the seeds both have; empty where there are none."""
        ours, theirs = self.by_seed.get(method, {}), self.by_seed.get(other, {})
        shared = sorted(ours.keys() & theirs.keys())
        if method == other or not ours or not theirs or not (shared or NO_SEED in {**ours, **theirs}):
            return ""
        pairs = zip(self.mean(method, shared), self.mean(other, shared), strict=True)
        return paired_interval([a - b for a, b in pairs], self.authors)


def pooled(
    results: dict[Cell, dict[str, Any]], methods: Sequence[str], folds: int, authors: list[str]
) -> Credits:
    """Pool the folds of every method and seed that has all of them."""
    by_seed: dict[str, dict[int, list[float]]] = {}
    for method in methods:
        for seed in sorted({cell.seed for cell in results}):
            cells = [Cell(method, seed, fold) for fold in range(folds)]
            if all(cell in results for cell in cells):
                credit = [value for cell in cells for value in results[cell]["credit"]]
                by_seed.setdefault(method, {})[seed] = credit
    return Credits(by_seed, authors)


def table(
    results: dict[Cell, dict[str, Any]], credits: Credits, methods: Sequence[str], folds: int
) -> Iterator[str]:
    """The table of methods, one line per row; methods without a whole seed say what they have."""
    yield f"dialogues {len(credits.authors)}, folds {folds} by author; accuracy is ten-way, chance 0.10"
    yield (
        "| method | accuracy (95 %) | each seed | minus TF-IDF (95 %, paired) | minus tuned TF-IDF"
        " | preact minus it | level | margin | eff. experts | dead | ties | s/step | min/seed | parameters |"
    )
    yield "|" + "---|" * 14
    for method in (UNTUNED, TUNED, WITH_LENGTH, LENGTH, *methods):
        cells = [r for cell, r in results.items() if cell.method == method]
        if method not in credits.by_seed:
            yield f"| {method} | no whole seed, {len(cells)} cells |" + " |" * 12
            continue
        own = credits.mean(method)
        around = wilson(round(sum(own)), len(own))
        row = [method, f"{statistics.fmean(own):.3f} ({around.low:.3f} to {around.high:.3f})"]
        row.append(", ".join(f"{statistics.fmean(c):.3f}" for c in credits.by_seed[method].values()))
        row += [credits.against(*pair) for pair in ((method, UNTUNED), (method, TUNED), ("preact", method))]
        yield "| " + " | ".join([*row, *(figures(cells, folds) if cells else [""] * 8)]) + " |"


def figures(cells: Sequence[dict[str, Any]], folds: int) -> list[str]:
    """Level accuracy, margin, expert use, ties, times and size of a method: means over its cells, for times
    medians.
    """

    def over(average: Callable[[list[float]], float], name: str, pattern: str) -> str:
        values = [cell[name] for cell in cells if cell[name] is not None]
        return format(average(values), pattern) if values else ""

    names = (
        ("level_accuracy", ".3f"),
        ("margin", "+.4f"),
        ("effective", ".1f"),
        ("dead", ".1f"),
        ("ties", ".0f"),
    )
    means = [over(statistics.fmean, name, pattern) for name, pattern in names]
    minutes = statistics.median(c["train_seconds"] + c["identify_seconds"] for c in cells) * folds / 60
    step = over(statistics.median, "step_seconds", ".2f")
    return [*means, step, f"{minutes:.1f}", f"{cells[0]['trained_parameters']:,}"]


def parsed() -> argparse.Namespace:
    """The options, with the defaults of the backbone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dialogues", type=Path, help="import file: trait, level, author, turns")
    parser.add_argument("--pretrain-text", type=Path, help="CSV of essays: the author first, a TEXT column")
    parser.add_argument("--work", type=Path, required=True, help="folder for backbones and results")
    parser.add_argument("--methods", nargs="+", default=[], help="names, separated by spaces or commas")
    parser.add_argument("--sweep-lora", action="store_true", help="LoRA at four more learning rates too")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument(
        "--backbone-seed",
        type=int,
        default=0,
        metavar="N",
        help="one backbone a fold for all seeds; 0: one each",
    )
    parser.add_argument("--folds", type=int, help="default 5; 3 on a real backbone, one of them held out")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no further cell after so long")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--pretrain-steps", type=int, default=TinyShape().steps)
    parser.add_argument("--backbone", help="a real backbone, such as smollm2, a folder or OWNER/NAME")
    parser.add_argument("--at-once", type=int, default=0, help="commands side by side; 6 on a GPU, else 1")
    parser.add_argument("--each", type=int, default=0, help="at most so many dialogues a trait-level")
    parser.add_argument(
        "--train-options", default="", help="more options of `preact train`, such as '--rank 64'"
    )
    options = parser.parse_args()
    kind = "real" if options.backbone else "tiny"
    known, untrained = default_rows(kind), UNTRAINED if options.backbone else ()
    named = [name for word in options.methods for name in word.split(",") if name]
    if unknown := sorted(name for name in named if not is_row(name, untrained)):
        parser.error(f"unknown methods {', '.join(unknown)}; choose among {', '.join(known)}")
    options.methods = (named or known) + (sweep_rows(kind) if options.sweep_lora else [])
    options.folds = options.folds or (3 if options.backbone else 5)
    return options


def main() -> None:
    options = parsed()
    if options.backbone:
        for row in on_real_backbone(options, paired_interval):
            print(row)
        return
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
            held_out = {author for author, fold in fold_of.items() if fold == cell.fold}
            seed = options.backbone_seed or cell.seed
            backbone = backbone_of(cell, seed, release, options.pretrain_text, held_out, options.work, shape)
            results[cell] = measure(cell, release, backbone, options.work, options.threads)
            cell.path(options.work).write_text(json.dumps(results[cell]), encoding="utf-8")
            accuracy = statistics.fmean(results[cell]["credit"])
            print(f"{cell}: accuracy {accuracy:.3f}, {results[cell]['train_seconds']:.0f} s", file=sys.stderr)
    authors = [
        line["author"] for fold in range(options.folds) for line in lines if fold_of[line["author"]] == fold
    ]
    credits = pooled(results, options.methods, options.folds, authors)
    for fold in range(options.folds):
        for name, credit in tfidf_credit(lines, fold_of, fold).items():
            credits.by_seed.setdefault(name, {NO_SEED: []})[NO_SEED].extend(credit)
    for row in table(results, credits, options.methods, options.folds):
        print(row)


if __name__ == "__main__":
    main()
