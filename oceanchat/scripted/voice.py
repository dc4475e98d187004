"""Choose who speaks in a scripted conversation.

The people, things and days around the self-discloser are chosen once from the seed topic and facet, so a
dual-mode conversation stays with them from call to call. Knows topics, nothing of what is said.
"""

import random
from collections.abc import Mapping
from typing import NamedTuple

from oceanchat.scripted.lexica import FacetLevel
from oceanchat.scripted.topics import topic_of

_PEOPLE = (
    ("my sister", "she", "her", "her"), ("my brother", "he", "him", "his"),
    ("my cousin", "she", "her", "her"), ("my uncle", "he", "him", "his"),
    ("my aunt", "she", "her", "her"), ("a friend of mine", "she", "her", "her"),
    ("a friend from school", "he", "him", "his"), ("the woman next door", "she", "her", "her"),
    ("the man downstairs", "he", "him", "his"), ("my neighbor", "she", "her", "her"),
    ("my old roommate", "he", "him", "his"), ("a woman from work", "she", "her", "her"),
    ("a man from work", "he", "him", "his"), ("my grandmother", "she", "her", "her"),
    ("my father", "he", "him", "his"), ("my mother", "she", "her", "her"),
    ("a girl from my class", "she", "her", "her"), ("a guy from my class", "he", "him", "his"),
    ("my brother-in-law", "he", "him", "his"), ("my niece", "she", "her", "her"),
)  # fmt: skip
_THINGS = (
    "kettle", "lamp", "ladder", "bucket", "radio", "box", "chair", "clock", "bicycle", "suitcase", "mirror",
    "toaster", "typewriter", "basket", "toolbox", "folder", "tray", "vacuum cleaner", "sewing machine",
    "teapot", "camera", "guitar", "fan", "heater", "blanket", "frying pan", "rug", "stool",
    "telescope", "watering can",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEAK = 0.08
"""Share of conversations that show little."""


class ScriptedVoice(NamedTuple):
    """The self-discloser of one conversation."""

    facet_level: FacetLevel
    slots: Mapping[str, str]
    story: int
    """Which of the facet-level's stories is told, modulo their number."""
    weak: bool
    """Whether most answers show nothing."""


def voice_for(seed_topic: str, facet_level: FacetLevel, salt: str) -> ScriptedVoice:
    """The person that this seed topic, facet-level and salt always give."""
    rng = random.Random(f"{facet_level.key}\n{seed_topic}\n{salt}")
    topic = topic_of(seed_topic, rng.randrange(1000)).phrase
    people = [person for person in _PEOPLE if person[0].split()[-1] not in topic]
    friend, she, her, their = rng.choice(people)
    slots = {"topic": topic, "friend": friend, "she": she, "her": her, "their": their}
    slots["theirs"] = {"her": "hers"}.get(their, their)
    slots["thing"] = rng.choice([thing for thing in _THINGS if thing not in topic])
    slots["day"] = rng.choice(_DAYS)
    return ScriptedVoice(facet_level, slots, rng.randrange(1000), rng.random() < _WEAK)
