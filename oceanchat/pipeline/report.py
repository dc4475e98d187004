"""Report what a build produced, and check sums."""

from typing import Any, NamedTuple

from oceanchat.errors import OceanChatError
from oceanchat.llm.usage import Usage
from oceanchat.records import REJECTED_BY_CHECK, Funnel
from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import wilson
from oceanchat.store.corpora import StoredCorpus
from oceanchat.traits import TraitLevel


class Outcome(NamedTuple):
    """The result of one trait-level's build."""

    trait_level: TraitLevel
    requested: int
    """Dialogues asked for now; the store may hold more from an earlier build."""
    funnel: Funnel
    replaced: int = 0
    """Dialogues of an earlier build, made with other options, that this one no longer holds."""

    @property
    def passed(self) -> int:
        """Dialogues that passed everything."""
        return self.funnel.dialogues.get("passed", 0)

    @property
    def written(self) -> int:
        """All dialogues written."""
        return sum(self.funnel.dialogues.values())

    @property
    def checked(self) -> int:
        """Dialogues the checker gave a verdict on."""
        return sum(self.funnel.dialogues.get(state, 0) for state in ("passed", *REJECTED_BY_CHECK))


class BuildReport(NamedTuple):
    """The results of all trait-levels of a build."""

    corpus: StoredCorpus
    outcomes: tuple[Outcome, ...]
    usage: Usage
    seconds: float
    notes: tuple[str, ...] = ()
    """What the user should know of the endpoint, one line each."""

    @property
    def pass_rate(self) -> Figure:
        """Share of checked dialogues that passed, with Wilson's 95 % interval."""
        return wilson(sum(o.passed for o in self.outcomes), sum(o.checked for o in self.outcomes))

    @property
    def short(self) -> tuple[Outcome, ...]:
        """The trait-levels for which the corpus did not give enough."""
        return tuple(o for o in self.outcomes if o.passed < o.requested)

    def record(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        written = sum(o.written for o in self.outcomes)
        passed = sum(o.passed for o in self.outcomes)
        return {
            "calls": self.usage.as_json(),
            "dialogues": {
                "requested": sum(o.requested for o in self.outcomes),
                "passed": passed,
                "rejected": written - passed,
            },
            "pass_rate": self.pass_rate.bounds(),
            "funnel": {o.trait_level.code: o.funnel.record() for o in self.outcomes},
            "seconds": self.seconds,
        }


def check_sums(trait_level: TraitLevel, funnel: Funnel, candidates: int | None = None) -> None:
    """Check that every row of one step is accounted for in the next.

    `candidates` is how many were labeled, where it is known. Raises OceanChatError if rows went missing.
    """
    labeled = sum(funnel.candidates.values())
    pairs = {
        "candidates labeled and candidates by state": (
            labeled if candidates is None else candidates,
            labeled,
        ),
        "selected candidates and seed topics": (
            funnel.candidates.get("selected", 0),
            sum(funnel.seeds.values()),
        ),
        "written seed topics and dialogues": (funnel.seeds.get("written", 0), sum(funnel.dialogues.values())),
    }
    for pair, (left, right) in pairs.items():
        if left != right:
            raise OceanChatError(
                f"rows of '{trait_level.code}' do not add up: {pair} are {left} and {right};"
                " please report this with `oceanchat status --json`"
            )
