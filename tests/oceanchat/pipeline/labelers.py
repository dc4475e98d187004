"""Numbered sentences, and a labeler that asks a given model about them."""

from oceanchat.pipeline.labeling import Labeler
from oceanchat.prompts import open_prompts
from oceanchat.records import Sentence
from oceanchat.traits import Trait
from tests.oceanchat.pipeline.listed_replies import Replies


def sentence(number: int, text: str = "", essay: str = "") -> Sentence:
    """A sentence that its own number is read from, in an essay of its own unless one is named."""
    return Sentence(
        id=f"s{number}",
        essay_id=essay or f"e{number}",
        author="a",
        start=0,
        end=9,
        text=text or f"w{number} v{number}",
    )


def labeler(model: Replies, per_call: int = 1) -> Labeler:
    """A labeler for Openness with the shipped prompts."""
    prompts = open_prompts()
    return Labeler(
        model,
        prompts["label" if per_call == 1 else "label_many"],
        Trait.O,
        "O+",
        max_attempts=3,
        sentences_per_call=per_call,
        alone=prompts["label"],
    )
