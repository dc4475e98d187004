"""A backbone and a release so small that a test can afford them."""

from functools import lru_cache
from pathlib import Path

import pyarrow
from pyarrow import parquet

from oceanchat.traits import TRAIT_LEVELS, Level, TraitLevel
from preact.backbones.backbone import Backbone
from preact.backbones.tiny import build
from preact.config import TinyShape
from preact.evaluation.judge.controls import controls
from preact.systems.statements import statements

SHAPE = TinyShape(
    vocabulary=400,
    hidden=32,
    layers=3,
    feed_forward=64,
    heads=2,
    positions=512,
    steps=2,
    batch=2,
    width=32,
    learning_rate=1e-3,
    dialogue_repeats=1,
    long_share=0.0,
)
"""Hardly trained, so that it still has something to say to a control vector."""
TEXTS = ("I like long walks and quiet evenings with a book. Yes, that is true of me. No, it is not.",) * 12
TEST_SHARE = 4


@lru_cache(maxsize=1)
def tiny_backbone() -> Backbone:
    """The same one for every test; nobody may change its weights."""
    return build(TEXTS, TEXTS, shape=SHAPE, seed=1, progress=lambda step, steps, loss: None)


def write_release(folder: Path) -> Path:
    """A release folder in the contract's layout; every fourth dialogue of a trait-level is for testing."""
    rows = [row for trait_level in TRAIT_LEVELS for row in _rows(trait_level)]
    (folder / "data").mkdir(parents=True)
    for split in ("train", "test"):
        own = [row for row in rows if row["split"] == split]
        parquet.write_table(pyarrow.Table.from_pylist(own), folder / "data" / f"{split}.parquet")
    return folder


def _rows(trait_level: TraitLevel) -> list[dict[str, object]]:
    kind = "high" if trait_level.level is Level.HIGH else "low"
    answered = [p for c in controls() if (c.kind, c.trait) == (kind, trait_level.trait) for p in c.pairs]
    pairs = [(pair.question, pair.answer) for pair in answered]
    wanted = (trait_level.trait, trait_level.level)
    own = [s.text for s in statements() if (s.trait, s.level) == wanted]
    pairs += [("What are you like?", text) for text in own]
    return [
        {
            "id": f"{trait_level.code}-{number}",
            "trait": trait_level.trait.value,
            "level": trait_level.level.value,
            "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}],
            "split": "test" if number % TEST_SHARE == TEST_SHARE - 1 else "train",
        }
        for number, (asked, answer) in enumerate(pairs)
    ]
