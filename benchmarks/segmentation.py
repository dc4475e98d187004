"""Sentence boundaries against a gold file: stock Punkt, pySBD and ours, in one run.

    python benchmarks/segmentation.py GOLD.jsonl

GOLD.jsonl holds one document a line with `paragraphs`, each a list of sentences. The sentences of a paragraph
are joined by one space; scored are the boundaries inside paragraphs. Time is the best of several rounds.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pysbd
from nltk.tokenize import punkt

from oceanchat.corpus.segmentation import segment

Splitter = Callable[[str], set[int]]
"""Text -> where its sentences start, the first one left out."""


class Paragraph(NamedTuple):
    """A text and where its sentences start, the first one left out."""

    text: str
    starts: set[int]


class Score(NamedTuple):
    """What one splitter did on all paragraphs."""

    precision: float
    recall: float
    f1: float
    seconds: float


def read_gold(path: Path) -> list[Paragraph]:
    """The paragraphs of a gold file."""
    paragraphs = []
    for line in path.read_text("utf-8").splitlines():
        for sentences in json.loads(line)["paragraphs"]:
            starts, at = set(), 0
            for sentence in sentences[:-1]:
                at += len(sentence) + 1
                starts.add(at)
            paragraphs.append(Paragraph(" ".join(sentences), starts))
    return paragraphs


def stock_punkt() -> tuple[str, Splitter]:
    """nltk's English Punkt where its model is on this machine, otherwise nltk's code without parameters."""
    try:
        tokenizer, name = punkt.PunktTokenizer("english"), "Punkt, stock English"
    except LookupError:
        tokenizer, name = punkt.PunktSentenceTokenizer(), "Punkt, no parameters (stock model not here)"
    return name, lambda text: {start for start, _ in list(tokenizer.span_tokenize(text))[1:]}


def pysbd_english() -> Splitter:
    """pySBD as its documentation sets it up for text that must keep its offsets."""
    segmenter = pysbd.Segmenter(language="en", clean=False, char_span=True)

    def split(text: str) -> set[int]:
        spans = segmenter.segment(text)
        return {span.start + len(span.sent) - len(span.sent.lstrip()) for span in spans[1:]}

    return split


def ours(text: str) -> set[int]:
    """The starts of OCEAN-Chat's sentences."""
    return {span.start for span in segment(text)[1:]}


def measure(split: Splitter, paragraphs: list[Paragraph], rounds: int) -> Score:
    """Precision, recall and F1 of the boundaries, and the seconds of the fastest round."""
    fastest = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        splits = [split(paragraph.text) for paragraph in paragraphs]
        fastest = min(fastest, time.perf_counter() - begun)
    right = sum(len(starts & paragraph.starts) for starts, paragraph in zip(splits, paragraphs, strict=True))
    precision = right / max(1, sum(map(len, splits)))
    recall = right / max(1, sum(len(paragraph.starts) for paragraph in paragraphs))
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return Score(precision, recall, f1, fastest)


def main() -> None:
    """Measure the three side by side and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gold", type=Path, metavar="GOLD.jsonl")
    parser.add_argument("--rounds", type=int, default=5, help="rounds over the file for the time (default 5)")
    options = parser.parse_args()
    paragraphs = read_gold(options.gold)
    boundaries = sum(len(paragraph.starts) for paragraph in paragraphs)
    print(
        f"{len(paragraphs)} paragraphs, {boundaries} boundaries inside them; best of {options.rounds} rounds"
    )
    stock_name, stock = stock_punkt()
    splitters = {stock_name: stock, "pySBD": pysbd_english(), "OCEAN-Chat": ours}
    scores = {name: measure(split, paragraphs, options.rounds) for name, split in splitters.items()}
    slowest = scores["pySBD"].seconds
    print(f"{'':44}{'precision':>10}{'recall':>9}{'F1':>9}{'seconds':>10}{'pySBD / it':>12}")
    for name, score in scores.items():
        print(
            f"{name:44}{score.precision:10.4f}{score.recall:9.4f}{score.f1:9.4f}{score.seconds:10.3f}"
            f"{slowest / score.seconds:11.1f}x"
        )


if __name__ == "__main__":
    main()
