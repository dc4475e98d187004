"""Count the calls that are of use.

A run that cannot succeed is stopped before it is paid for: calls are counted by role and task, rows by role
and step, and where too few are of use the run stops with what was last replied and the way out. A stop keeps
new requests from being sent; answers on record are still replayed. Knows nothing of prompts or terminals.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from oceanchat.errors import TEMPORARY, BuildStopped, CallFailed
from oceanchat.llm.chat import ChatAnswer
from oceanchat.llm.parsing import checked_text

RoleName = Literal["labeler", "writer", "checker"]
FIRST_CALLS = 20
"""So many calls of a role without one of use stop the run."""
MANY_CALLS, LEAST_SHARE = 100, 0.02
"""After so many calls at least this share must be of use."""
REFUSALS = {"not-found": 1, "bad-request": 3, "unprocessable": 3, "too-long": 3}
"""Reasons that lie in the model, its context or its parameters: so many refusals stop a role that was never
answered."""
BREAKDOWNS = {"server-error": 5}
"""The same of reasons that lie in the server, which has been asked again for each."""

LIMITS = REFUSALS | BREAKDOWNS
_PROBLEMS = {
    "not-found": "the endpoint refuses it",
    "bad-request": "the endpoint refuses it",
    "unprocessable": "the endpoint refuses it",
    "unparseable": "its replies cannot be read",
    "empty": "its replies are empty",
    "refused": "it declines to answer",
    "length": "its replies are cut off at their limit of tokens",
    "too-long": "its context is too short for the request",
    "content-filter": "its content filter holds them back",
}
RETRY = " (`oceanchat retry` asks the refused ones again)"
"""For whoever reaches the server."""
_TOKENS = {
    "label": "--label-tokens",
    "label_many": "--label-tokens",
    "write": "--dialogue-tokens",
    "check": "--check-tokens",
}


_FALLS_BACK_ON = {"label_many": "label"}
"""A task whose unread replies cost no more than another task's calls, and that task."""
_LIMITS_OF_MANY = {reason: number for reason, number in LIMITS.items() if reason != "too-long"}
"""Limits of such a task: what is too long for it may fit the other."""


class RowStep(NamedTuple):
    """A step that rows get through or not, and when too few do."""

    rows: str
    """The rows, such as 'dialogues by X'."""
    passes: str
    """What those that get through do, such as 'pass the gates'."""
    way_out: str
    """What to do where too few get through."""
    first: int = FIRST_CALLS
    """So many rows without one that gets through stop the run."""
    many: int | None = MANY_CALLS
    """From so many rows on LEAST_SHARE must get through; None: one is enough."""


class Uselessness(NamedTuple):
    """Why a call or a row was of no use."""

    reason: str
    """A short stable word, such as 'unparseable'."""
    quote: str
    """What was replied, or what the endpoint said."""


@dataclass
class UseCount:
    """Calls of one task or rows of one step, by whether they were of use."""

    useful: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Useless ones by reason."""
    quote: str = ""
    """What was said to the last useless one."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.useful + self.reasons.total()

    def add(self, useless: Uselessness | None) -> None:
        """Count one more, of use or `useless`."""
        if useless is None:
            self.useful += 1
        else:
            self.reasons[useless.reason] += 1
            self.quote = useless.quote

    def is_hopeless(self, first: int, many: int | None, limits: Mapping[str, int] = LIMITS) -> bool:
        """Whether too few were of use, `limits` of one reason being enough where none was."""
        if not self.useful:
            refused = any(self.reasons[reason] >= number for reason, number in limits.items())
            return refused or self.total >= first
        return many is not None and self.total >= many and self.useful < LEAST_SHARE * self.total

    @property
    def reason(self) -> str:
        """The most frequent reason."""
        return self.reasons.most_common(1)[0][0]


@dataclass
class Usefulness:
    """The calls and rows of one run that were of use; calls `stop` where there are too few."""

    stop: Callable[[BuildStopped], None]
    _calls: dict[tuple[RoleName, str], UseCount] = field(default_factory=dict)
    _rows: dict[tuple[RoleName, str], UseCount] = field(default_factory=dict)

    def count_call(self, role: RoleName, model: str, task: str, useless: Uselessness | None) -> None:
        """Count one call of a role for `task`, of use or `useless`."""
        count = self._calls.setdefault((role, task), UseCount())
        count.add(useless)
        fallback = self._calls.get((role, _FALLS_BACK_ON.get(task, "")), UseCount())
        limits = _LIMITS_OF_MANY if task in _FALLS_BACK_ON else LIMITS
        hopeless = count.is_hopeless(FIRST_CALLS, MANY_CALLS, limits)
        if useless is not None and not fallback.useful and hopeless:
            calls = f"of {count.total} '{task}' calls of the {role} '{model}' {count.useful or 'none'}"
            problem = _PROBLEMS.get(count.reason, f"'{count.reason}'")
            way_out = _way_out(role, task, count.reason)
            self._stop(f"{calls} had a reply of use: {problem}: {count.quote.rstrip('.')}; {way_out}")

    def take_back(self, role: RoleName, task: str) -> None:
        """A call counted as of use turned out not to be: its reply was read."""
        self._calls[(role, task)].useful -= 1

    def count_row(self, role: RoleName, step: RowStep, useless: Uselessness | None) -> None:
        """Count one row that got through a step, or did not."""
        count = self._rows.setdefault((role, step.rows), UseCount())
        count.add(useless)
        if useless is not None and count.is_hopeless(step.first, step.many):
            rows = f"of {count.total} {step.rows} {count.useful or 'none'} {step.passes}"
            self._stop(f"{rows}, mostly '{count.reason}' ({count.quote}); {step.way_out}")

    def _stop(self, message: str) -> None:
        self.stop(BuildStopped(f"{message}; everything answered is kept"))


def _way_out(role: RoleName, task: str, reason: str) -> str:
    if reason in ("length", "empty"):
        return raise_limits([task])
    if reason == "too-long":
        lower = "--sentences-per-call" if task == "label_many" else _TOKENS.get(task, "--turn-tokens")
        return (
            f"start its server with a longer context (vLLM's --max-model-len), lower {lower}, or name another"
            f" model with --{role}{RETRY}"
        )
    if reason in REFUSALS:
        more = "" if reason == "not-found" else ", or send what it asks for with --extra-body"
        which = f"--{role}, or --model where that names all three"
        return f"correct {which}{more}{RETRY}"
    if reason in TEMPORARY:
        return "lower --concurrency, raise --timeout or try again later"
    return f"name another model with --{role}"


def raise_limits(tasks: Iterable[str]) -> str:
    """What to do where the replies to these tasks are cut off or empty."""
    options = " and ".join(dict.fromkeys(_TOKENS.get(task, "--turn-tokens") for task in tasks))
    return f"raise {options}, or set --reasoning-effort low where the model reasons before it answers"


def why_useless(answer: ChatAnswer) -> Uselessness:
    """Why no stage could use `answer`: 'refused', 'length', 'empty', or 'unparseable' where it is complete
    but says nothing clear."""
    text = " ".join(answer.text.split())
    quote = f'"{text[:160]}"' if text else "no text"
    try:
        checked_text(answer)
    except CallFailed as failure:
        return Uselessness(failure.reason, quote)
    return Uselessness("unparseable" if text else "empty", quote)
