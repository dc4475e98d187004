"""A backbone so small that a test can afford it, trained on a few lines."""

from functools import lru_cache

from preact.config import TinyShape
from preact.tiny import Backbone, build

SHAPE = TinyShape(
    vocabulary=400, hidden=32, layers=3, feed_forward=64, heads=2, positions=512, steps=2, batch=2, width=32
)
TEXTS = ("I like long walks and quiet evenings with a book. Yes, that is true of me. No, it is not.",) * 12


@lru_cache(maxsize=1)
def tiny_backbone() -> Backbone:
    """The same one for every test; nobody may change its weights."""
    return build(TEXTS, TEXTS, shape=SHAPE, seed=1, progress=lambda step, steps, loss: None)
