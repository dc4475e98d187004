"""All methods before the sceptic's exam: identification, leakage, dose-response, damage, behaviour.

    python benchmarks/exam.py DIALOGUES.jsonl --work FOLDER [--pretrain-text ESSAYS.csv] [--backbone smollm2]

The first fold's authors are held out. Every step is the command a user would type; runs that are finished and
parts that are stored are not made again, so an interrupted benchmark goes on where it stopped. `--quick` asks
a small part of everything; `--methods` and `--untrained` take fewer rows. On a CPU the backbone is the tiny
one.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from author_folds import author_folds, read_lines, write_release
from rows import row_of

METHODS = ("preact", "no-psl", "lora-sep", "auxiliary", "no-router", "lora", "lora-short")
PREACT = (sys.executable, "-c", "from preact.cli.main import main; main()")
VECTORS = {"controllm": "controllm", "persona-vectors": "persona"}
"""Row -> method of `preact control-vectors`."""
PROMPT = "prompt"
COLUMNS = (
    ("accuracy", "of ten", ".3f"),
    ("accuracy_length_out", "length out", ".3f"),
    ("trait_given_level", "trait given level", ".3f"),
    ("level_given_trait", "level given trait", ".3f"),
    ("level_given_trait_length_out", "level given trait, length out", ".3f"),
    ("leakage_length_out", "leakage ratio", ".2f"),
    ("rise", "dose: rise per unit of strength, nats", "+.4f"),
    ("lasting", "after 20 exchanges", "+.3f"),
    ("neutral", "damage: impersonal text, nats", "+.4f"),
    ("capability", "damage: plain questions", "+.3f"),
    ("met", "predictions met", ".3f"),
    ("moved", "choice moved as predicted", ".3f"),
)
PEERS = (("tfidf", "TF-IDF"), ("tfidf_length", "TF-IDF + length"), ("length", "length alone"))


def names(text: str) -> list[str]:
    """Rows, separated by commas."""
    return [name for name in text.split(",") if name]


def preact(*words: object) -> None:
    """Run one command; its seconds go to stderr. Ends the benchmark when the command fails."""
    began = time.monotonic()
    done = subprocess.run(
        [*PREACT, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit((done.stderr.strip() or "no message").splitlines()[-1])
    print(f"{words[0]} {words[1]}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def essays_of(source: Path, held_out: set[str], target: Path) -> Path:
    """The essays of other authors than those held out as one text file."""
    csv.field_size_limit(10**8)
    with source.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file))
    column = [name.upper() for name in rows[0]].index("TEXT")
    target.write_text("\n\n".join(row[column] for row in rows[1:] if row[0] not in held_out))
    return target


def systems(options: argparse.Namespace) -> list[str]:
    """Every row's system, trained or built where it is not there yet."""
    work: Path = options.work
    release, runs = work / "release", work / "runs"
    lines = read_lines(options.dialogues)
    fold_of = author_folds(lines, options.folds)
    if not release.is_dir():
        write_release(lines, fold_of, 0, release)
    common = ("--epochs", options.epochs, "--threads", options.threads)
    backbone = options.backbone
    for method in options.methods:
        run = runs / method
        if _finished(run):
            continue
        words: list[object] = ["train", release, "--output", run, *row_of(method).options, *common]
        if backbone != "tiny":
            words += ["--backbone", backbone]
        elif method != options.methods[0]:
            words += ["--backbone", runs / options.methods[0] / "backbone"]
        else:
            words += ["--pretrain-steps", options.pretrain_steps]
            if options.pretrain_text:
                held_out = {author for author, fold in fold_of.items() if fold == 0}
                words += ["--pretrain-text", essays_of(options.pretrain_text, held_out, work / "essays.txt")]
        preact(*words)
    first = runs / options.methods[0]
    rows = [str(runs / method) for method in options.methods]
    for name in options.untrained:
        if name == PROMPT:
            rows.append(f"prompted:{first}")
            continue
        folder = runs / name
        if not (folder / "control.json").is_file():
            preact("control-vectors", first, "--method", VECTORS[name], "--output", folder)
        rows.append(f"control:{folder}")
    return rows


def _finished(run: Path) -> bool:
    record = run / "run.json"
    return record.is_file() and json.loads(record.read_text())["state"] == "finished"


def table(figures: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The table, a line a system and one for each classifier on words and length."""
    yield "| system | " + " | ".join(title for _, title, _ in COLUMNS) + " |"
    yield "|" + "---|" * (len(COLUMNS) + 1)
    first = next(iter(figures.values()))
    for peer, title in PEERS:
        if f"{peer}_accuracy" in first:
            yield _line(title, [_cell(first.get(f"{peer}_{name}"), form) for name, _, form in COLUMNS])
    for system, own in figures.items():
        yield _line(system, [_cell(own.get(name), form) for name, _, form in COLUMNS])


def _cell(figure: Mapping[str, Any] | None, form: str) -> str:
    if figure is None:
        return ""
    if figure["value"] is None:
        return "not shown"
    if figure["low"] is None:
        return format(figure["value"], form)
    return f"{figure['value']:{form}} ({figure['low']:{form}} to {figure['high']:{form}})"


def _line(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    """Parse, train, examine, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dialogues", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--backbone", default="tiny")
    parser.add_argument("--methods", type=names, default=list(METHODS))
    parser.add_argument("--untrained", type=names, default=[PROMPT, *VECTORS])
    parser.add_argument("--pretrain-text", type=Path)
    parser.add_argument("--pretrain-steps", type=int, default=300)
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rows = systems(options)
    output = options.work / ("exam-quick" if options.quick else "exam")
    words = ["--data", options.work / "release", "--split", "test", "--threads", options.threads]
    preact("exam", *rows, *words, *(["--quick"] if options.quick else []), "--output", output)
    figures = json.loads((output / "figures.json").read_text())
    for line in table(figures):
        print(line)
    print(f"the page: {output / 'exam.md'}")


if __name__ == "__main__":
    main()
