"""What systems of one table do not share is named, with who has what."""

from pathlib import Path
from typing import Any

from preact.evaluation.comparison.alikeness import differences_in_setup
from preact.evaluation.comparison.diagnosis import concerns
from preact.evaluation.comparison.trait_scores import ScoredInterview
from preact.evaluation.interview.interviewing import hold_interview
from preact.evaluation.judge.judging import judge_interview
from tests.preact.evaluation.stand_ins import Parrot, Reader, small_inventory

ALIKE = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 256}
BACKBONE = {"weights_sha256": "a" * 64, "config_sha256": "c" * 64, "dtype": "float32", "quantisation": "none"}


async def interviewed(folder: Path, name: str, **facts: Any) -> ScoredInterview:
    system = Parrot(name, facts={"kind": "stand-in", **ALIKE, "backbone_used": BACKBONE, **facts})
    interview = await hold_interview(system, small_inventory(), folder / name, runs=1)
    return ScoredInterview(interview, await judge_interview(interview, Reader()))


async def test_systems_set_up_alike_raise_no_concern(tmp_path: Path) -> None:
    assert differences_in_setup([await interviewed(tmp_path, name) for name in "ab"]) == []


async def test_other_decoding_and_another_backbone_of_the_same_name_are_named(tmp_path: Path) -> None:
    other = {"backbone_used": {**BACKBONE, "weights_sha256": "b" * 64, "quantisation": "4bit"}}
    scored = [
        await interviewed(tmp_path, "a"),
        await interviewed(tmp_path, "b", temperature=0.0, **other),
        await interviewed(tmp_path, "c", backbone_used=None),
    ]
    sentences = differences_in_setup(scored)
    assert sentences[0] == (
        "answers were not drawn alike: temperature is 0.7 (stand-in a, stand-in c) and 0.0 (stand-in b)"
    )
    assert "weights_sha256 is aaaaaaaaaaaa… (a) and bbbbbbbbbbbb… (b) and not recorded (c)" in sentences[1]
    assert any(
        line.endswith("quantisation is none (a) and 4bit (b) and not recorded (c)") for line in sentences
    )
    assert set(sentences) <= set(concerns(scored))


async def test_other_backbones_may_differ_in_what_they_are(tmp_path: Path) -> None:
    one = await interviewed(tmp_path, "a")
    other = await interviewed(tmp_path, "b", backbone_used={**BACKBONE, "weights_sha256": "b" * 64})
    header = other.interview.header.model_copy(update={"backbone": "another"})
    moved = ScoredInterview(other.interview._replace(header=header), other.judging)
    assert differences_in_setup([one, moved]) == []
