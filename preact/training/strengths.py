"""The strengths at which a run was tested.

`dial.json` in the run folder holds the curves of `preact dial`: how far each trait-level is told from the
others, and what it costs, by strength. It reads, writes and quotes them; it measures nothing.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oceanchat.errors import TrainingError
from oceanchat.nesting import parse_json
from oceanchat.whole_files import whole_file

DIAL = "dial.json"
ALL = "all"
"""The curve over all ten trait-levels."""


class DialValue(BaseModel):
    """A mean with its 95 % interval; without ends where there is nothing to draw it from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float | None = None
    high: float | None = None


class DialPoint(BaseModel):
    """A trait-level at one strength."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strength: float
    """What the adapter's effect is multiplied by; 0 is the backbone, 1 as trained."""
    margin: DialValue
    """The best other trait-level's loss less the own one's, all at this strength, nats per token."""
    loss: DialValue
    """Loss of its held-out dialogues, nats per token."""


class DialCurve(BaseModel):
    """A trait-level over the strengths."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trait_level: str
    """Its code, or ALL."""
    dialogues: int
    authors: int
    """Different authors, by whom intervals are drawn; unknown ones count one a dialogue."""
    shape: str
    """What becomes of the margin as the strength grows, in words."""
    points: tuple[DialPoint, ...]
    """In order of strength."""


class Dial(BaseModel):
    """What `preact dial` measured of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    fingerprint: str
    """sha256 of the release's dialogues."""
    split: str
    seen: bool = False
    """Whether the run was trained on some of these dialogues."""
    dialogues: int
    curves: tuple[DialCurve, ...] = Field(min_length=1)
    """Those of the trait-levels that have dialogues, then that over ALL."""

    @property
    def strengths(self) -> tuple[float, ...]:
        """The strengths tested, in order."""
        return tuple(point.strength for point in self.curves[0].points)

    def curve(self, code: str) -> DialCurve | None:
        """The curve of a trait-level's code, or of ALL."""
        return next((curve for curve in self.curves if curve.trait_level == code), None)


def write_dial(folder: Path, dial: Dial) -> Path:
    """Store the curves in the run folder, in place of earlier ones. Raises OSError."""
    path = folder / DIAL
    with whole_file(path) as file:
        file.write((dial.model_dump_json(indent=2) + "\n").encode())
    return path


def read_dial(folder: Path) -> Dial | None:
    """The curves of a run folder; None where it was never dialled. Raises TrainingError for damaged ones."""
    path = folder / DIAL
    if not path.exists():
        return None
    try:
        loaded: Any = parse_json(path.read_text(encoding="utf-8"))
        return Dial.model_validate(loaded)
    except (OSError, ValueError, ValidationError):
        raise TrainingError(
            f"file '{path}' cannot be read; remove it, or run `preact dial` on '{folder}' again"
        ) from None


def untested(dial: Dial | None, strength: float) -> str:
    """Why a strength is not covered by what was tested, in a sentence; empty where it is."""
    if dial is None:
        return (
            ""
            if strength in (0.0, 1.0)
            else f"strength {strength:g} was never tested: `preact dial` tests a run"
        )
    low, high = dial.strengths[0], dial.strengths[-1]
    if low <= strength <= high:
        return ""
    return f"strength {strength:g} is outside of the tested range, {low:g} to {high:g}"


def strengths_line(dial: Dial | None, codes: tuple[str, ...]) -> str:
    """The tested strengths of a persona of these trait-levels, as a line of a card."""
    if dial is None:
        return "Strengths tested: none; `preact dial` measures them on the training run"
    low, high = dial.strengths[0], dial.strengths[-1]
    what = f"{dial.dialogues} dialogues (split {dial.split}{', trained on' if dial.seen else ''})"
    line = f"Strengths tested: {low:g} to {high:g} on {what}"
    curve = dial.curve(codes[0] if len(codes) == 1 else ALL)
    if curve is None:
        return f"{line}, none of them of {codes[0]}"
    shown = "; ".join(
        f"at {point.strength:g} {point.margin.value:+.4f}{_interval(point.margin)}" for point in curve.points
    )
    whose = "" if len(codes) == 1 else " over all ten trait-levels; mixtures were not tested"
    return f"{line}; identification margin in nats per token{whose}: {shown} ({curve.shape})"


def _interval(value: DialValue) -> str:
    return "" if value.low is None or value.high is None else f" ({value.low:+.4f} to {value.high:+.4f})"
