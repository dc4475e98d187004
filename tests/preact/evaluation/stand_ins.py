"""Stand-ins of known behavior, an inventory of ten items, and commands called as users call them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from click.testing import CliRunner

from oceanchat.errors import BuildStopped
from oceanchat.traits import TRAITS, Trait
from preact.cli.main import preact
from preact.evaluation.interview.inventories import Inventory, parse_inventory
from preact.evaluation.judge.verdicts import JudgeVerdict, Mode, Pair
from preact.systems.system import Conversation, SystemReply

TEN = "id,trait,reversed,question\n" + "".join(
    f"{t}{n},{t},{'yes' if n else 'no'},What of {t}{n}, you?\n" for t in "OCEAN" for n in (0, 1)
)


def small_inventory(items: int = 2) -> Inventory:
    """This many items per trait, every second reversed."""
    rows = [
        f"{t}{n},{t},{'yes' if n % 2 else 'no'},What of {t.label} {n}?" for t in TRAITS for n in range(items)
    ]
    return parse_inventory("small", ("id,trait,reversed,question\n" + "\n".join(rows)).encode())


class Asked(NamedTuple):
    """What a stand-in was asked."""

    code: str
    """The trait-level to play, or 'as I am'."""
    question: str
    run: int


class Parrot:
    """A system that says which trait-level and run it was asked for, and can stop after some answers."""

    backbone = "stand-in"

    def __init__(
        self,
        model: str = "Parrot",
        conditioned: bool = True,
        stop_after: int = 10**9,
        says: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self._facts = facts or {"kind": "stand-in"}
        self._says = says
        self.conditioned = conditioned
        self.batch_size = 3
        self.asked: list[Asked] = []
        self._stop_after = stop_after

    def provenance(self) -> Mapping[str, Any]:
        return self._facts

    async def answer(self, conversations: Sequence[Conversation]) -> list[SystemReply]:
        if len(self.asked) >= self._stop_after:
            raise BuildStopped("stopped on purpose")
        asked = [_asked(conversation) for conversation in conversations]
        self.asked += asked
        return [
            SystemReply(f"{one.code} run {one.run}" if self._says is None else self._says) for one in asked
        ]


def _asked(conversation: Conversation) -> Asked:
    codes = [trait_level.code for trait_level in conversation.persona or {}]
    return Asked(" ".join(codes) or "as I am", conversation.messages[-1].content, conversation.run)


class Reader:
    """A judge that gives the high level 5, the low level 1 and all else 3, less its shift."""

    def __init__(self, name: str = "reader", shift: float = 0.0, stop_after: int = 10**9) -> None:
        self.name = name
        self.concurrency = 2
        self.seen: list[tuple[Trait, tuple[Pair, ...], int]] = []
        self._shift = shift
        self._stop_after = stop_after

    def provenance(self, mode: Mode) -> Mapping[str, Any]:
        return {"kind": "stand-in", "shift": self._shift}

    async def rate(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> JudgeVerdict:
        if len(self.seen) >= self._stop_after:
            raise BuildStopped("stopped on purpose")
        self.seen.append((trait, tuple(pairs), sample))
        text = pairs[0].answer
        score = 5.0 if f"{trait}+" in text else 1.0 if f"{trait}-" in text else 3.0
        return JudgeVerdict(min(5.0, max(1.0, score - self._shift)), "scored", "because")


def call(*words: object) -> str:
    """Run one command; what it printed on stdout."""
    result = CliRunner().invoke(preact, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout
