"""How full calls about several things become.

A pilot of one dialogue checks it in a call that holds four, and labels a block of sentences for the sake of
one of the topics in it. A build fills both, so its forecast counts calls as the build makes them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from oceanchat.pipeline.seed_topics import BLOCK, CHOSEN_PER_BLOCK

NEARLY_NONE = 0.5
"""A round for so few missing dialogues, in the mean, is as often not made as made."""
MAX_ROUNDS = 200
"""Where hardly anything passes, rounds are counted no further."""


class Rounds(NamedTuple):
    """How a build asks for its dialogues: in rounds, each of which ends with a check that may not be full."""

    room: int
    """Dialogues that one check call may hold."""
    first: int | None
    """Topics in the first round at most, the next may take twice as many; None: all that are missing."""
    checked: float = 1.0
    """Share of the topics of which a dialogue comes to the checker."""
    passed: float = 1.0
    """Share of the topics of which a dialogue passes."""

    def checks(self, missing: int) -> float:
        """Check calls that so many missing dialogues of one trait-level take."""
        left, most, calls = float(missing), float(self.first or math.inf), 0.0
        for _ in range(MAX_ROUNDS):
            if left < NEARLY_NONE:
                break
            topics = min(math.ceil(left), most)
            calls += max(1.0, math.ceil(topics * self.checked / self.room))
            left -= topics * self.passed
            most *= 2
        else:
            calls += left * self.checked / self.passed / self.room
        return calls

    def held(self, missing: int) -> float:
        """Dialogues in each of these calls, in the mean."""
        calls = self.checks(missing)
        return missing / self.passed * self.checked / calls if calls else float(self.room)


class Filling(NamedTuple):
    """How many calls a build makes for each of its pilot's, and how much larger they are."""

    calls: float = 1.0
    """Calls of the build for one of the pilot, about as many things."""
    fewest: float = 1.0
    """The same where every call of the build is full."""
    most: float = 1.0
    """The same where the corpus, or the model, gives no more than the pilot took."""
    prompt: float = 1.0
    """Prompt tokens of a call of the build for one of a call of the pilot."""
    completion: float = 1.0
    """The same of completion tokens."""
    pilot: float = 1.0
    """Things in a call of the pilot, in the mean."""
    build: float = 1.0
    """Things in a call of the build."""


AS_IN_THE_PILOT = Filling()


class PilotChecks(NamedTuple):
    """The checks of a pilot."""

    calls: int
    checked: int
    """Dialogues that they gave a verdict on."""
    passed: tuple[int, ...]
    """Dialogues of each trait-level that passed."""
    tried: int
    """Calls in which a dialogue was checked once more, to try the models: 0 or 1."""
    instructions: float
    """Words of a prompt around its dialogues."""
    dialogue: float
    """Words of a dialogue, in the mean."""


def checks_filling(pilot: PilotChecks, rounds: Rounds, missing: Sequence[int]) -> Filling:
    """Of check calls, where so many dialogues are `missing` of each trait-level."""
    needed = sum(map(rounds.checks, missing))
    if not (pilot.calls and pilot.checked and needed):
        return AS_IN_THE_PILOT
    # Calls beyond those planned were about what others had left unread: the build will make them too.
    calls = min(float(pilot.calls), sum(map(rounds.checks, pilot.passed)) + pilot.tried)
    held = min(pilot.checked / calls, float(rounds.room))
    shown = min((pilot.checked + pilot.tried) / calls, float(rounds.room))
    build = max(held, sum(rounds.held(count) * rounds.checks(count) for count in missing) / needed)
    words = pilot.instructions + pilot.dialogue * shown
    prompt = (pilot.instructions + pilot.dialogue * max(build, shown)) / words
    return Filling(
        calls=held / build,
        fewest=held / max(build, rounds.room),
        most=held / build,
        prompt=prompt,
        completion=max(1.0, build / shown),
        pilot=held,
        build=build,
    )


def labels_filling(chosen: int, usable: int) -> Filling:
    """Of label calls that brought so many sentences that a build could make topics of, where a pilot has
    `chosen` so many of them."""
    if not 0 < chosen < usable:
        return AS_IN_THE_PILOT
    return Filling(calls=chosen / usable, fewest=chosen / usable, pilot=chosen, build=usable)


def usable_topics(labeled: int, fitting: int, sentences_per_call: int) -> int:
    """How many of the sentences that would do as topics a build takes of those labeled so far: of each
    block CHOSEN_PER_BLOCK at most."""
    block = max(1, BLOCK // sentences_per_call) * sentences_per_call
    return min(fitting, math.ceil(labeled / block) * CHOSEN_PER_BLOCK)
