"""What cards and servers say of the strengths that were tested."""

from pathlib import Path

import pytest

from oceanchat.errors import TrainingError
from preact.training.strengths import (
    ALL,
    Dial,
    DialCurve,
    DialPoint,
    DialValue,
    read_dial,
    strengths_line,
    untested,
    write_dial,
)

POINTS = tuple(
    DialPoint(strength=s, margin=DialValue(value=s / 10, low=-0.1, high=0.2), loss=DialValue(value=2.0))
    for s in (0.0, 0.5, 1.0)
)
CURVES = tuple(
    DialCurve(trait_level=code, dialogues=4, authors=3, shape="monotone: rises", points=POINTS)
    for code in ("N+", ALL)
)
TESTED = Dial(release="some", fingerprint="f", split="test", dialogues=4, curves=CURVES)


def test_what_is_stored_is_read_back_and_what_is_damaged_is_named(tmp_path: Path) -> None:
    assert read_dial(tmp_path) is None
    path = write_dial(tmp_path, TESTED)
    assert read_dial(tmp_path) == TESTED and list(tmp_path.iterdir()) == [path]
    for damage in ("{", "[]", '{"release": "some"}', "\ud800".encode("utf-8", "surrogatepass")):
        path.write_bytes(damage if isinstance(damage, bytes) else damage.encode())
        with pytest.raises(TrainingError, match=r"dial\.json' cannot be read"):
            read_dial(tmp_path)


def test_a_card_s_line_gives_the_range_and_the_trait_level_s_own_curve() -> None:
    line = strengths_line(TESTED, ("N+",))
    assert "0 to 1 on 4 dialogues (split test)" in line
    assert "at 0.5 +0.0500 (-0.1000 to +0.2000)" in line and line.endswith("(monotone: rises)")
    assert "mixtures were not tested" in strengths_line(TESTED, ("N+", "O+"))
    assert strengths_line(TESTED, ("O+",)).endswith("none of them of O+")
    assert "Strengths tested: none" in strengths_line(None, ("N+",))
    assert "trained on" in strengths_line(TESTED.model_copy(update={"seen": True}), ("N+",))


def test_a_strength_outside_of_the_strengths_line_is_pointed_out() -> None:
    assert untested(TESTED, 1.0) == untested(TESTED, 0.3) == untested(None, 1.0) == ""
    assert untested(TESTED, 1.2) == "strength 1.2 is outside of the tested range, 0 to 1"
    assert "never tested" in untested(None, 0.5)
