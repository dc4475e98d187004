"""The entrance exam of judges: what a sound judge shows, and which frauds do not pass."""

import asyncio
import csv
import dataclasses
import itertools
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from oceanchat.corpus.essays import open_corpus
from oceanchat.errors import BuildStopped, EvaluationError
from oceanchat.traits import TRAITS, Level, Trait, TraitLevel
from preact.dialogues.release import read_release
from preact.evaluation.clear_answers import clear_answers
from preact.evaluation.comparison.assembly import Assembly
from preact.evaluation.comparison.comparing import compare
from preact.evaluation.comparison.diagnosis import concerns
from preact.evaluation.comparison.trait_scores import load_scored
from preact.evaluation.interview.interviewing import hold_interview
from preact.evaluation.judge.exam import ExamMaterial, copy_exam, examine_judge
from preact.evaluation.judge.exam_figures import RATINGS, exam_json, exam_lines, read_exam
from preact.evaluation.judge.judging import judge_interview, judging_folder
from preact.evaluation.judge.verdicts import Judge, JudgeVerdict, Mode, Pair
from preact.evaluation.report.report import write_report
from tests.preact.evaluation.stand_ins import Parrot, call, small_inventory

COLUMNS = {Trait.E: "cEXT", Trait.N: "cNEU", Trait.A: "cAGR", Trait.C: "cCON", Trait.O: "cOPN"}


class Examinee:
    """A judge that scores by a rule of its own, and can stop after some verdicts."""

    concurrency = 4

    def __init__(self, stop_after: int = 10**9) -> None:
        self.name = type(self).__name__.lower()
        self.seen: list[tuple[Trait, tuple[Pair, ...], int]] = []
        self._stop_after = stop_after

    def provenance(self, mode: Mode) -> Mapping[str, Any]:
        return {"kind": "stand-in"}

    async def rate(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> JudgeVerdict:
        if len(self.seen) >= self._stop_after:
            raise BuildStopped("stopped on purpose")
        self.seen.append((trait, tuple(pairs), sample))
        score = self.score(trait, [pair.answer for pair in pairs])
        return JudgeVerdict(score, "no-ground" if score is None else "scored")

    def score(self, trait: Trait, answers: Sequence[str]) -> float | None:
        raise NotImplementedError


class Sound(Examinee):
    """Knows sentences that speak for a level, whatever comes after them."""

    def score(self, trait: Trait, answers: Sequence[str]) -> float | None:
        signs = [
            1 if level is Level.HIGH else -1
            for level in Level
            for answer in answers
            if TraitLevel(trait, level).label in answer
            or any(
                answer.startswith(c.answer) for c in clear_answers() if (c.trait, c.level) == (trait, level)
            )
        ]
        return 3.0 + 2 * statistics.fmean(signs) if signs else None


class WordCounter(Examinee):
    """Counts words that only clear answers of one level hold."""

    def score(self, trait: Trait, answers: Sequence[str]) -> float | None:
        words = {
            level: {
                w for c in clear_answers() if (c.trait, c.level) == (trait, level) for w in c.answer.split()
            }
            for level in Level
        }
        shown = [word for answer in answers for word in answer.split()]
        high = sum(word in words[Level.HIGH] - words[Level.LOW] for word in shown)
        low = sum(word in words[Level.LOW] - words[Level.HIGH] for word in shown)
        return 3.0 + 2 * (high - low) / (high + low) if high + low else None


class LengthLover(Examinee):
    """Takes long answers for high levels."""

    def score(self, trait: Trait, answers: Sequence[str]) -> float | None:
        return max(1.0, min(5.0, statistics.fmean(len(answer.split()) for answer in answers) / 10))


@pytest.fixture(scope="module")
def essays(tmp_path_factory: pytest.TempPathFactory) -> str:
    """32 essays, one for each combination of levels, that say their levels outright."""
    path = tmp_path_factory.mktemp("corpus") / "essays.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["#AUTHID", "TEXT", *COLUMNS.values()])
        writer.writeheader()
        for number, levels in enumerate(itertools.product(Level, repeat=5)):
            labels = dict(zip(TRAITS, levels, strict=True))
            text = ", ".join(TraitLevel(trait, level).label for trait, level in labels.items())
            row = {COLUMNS[trait]: "y" if level is Level.HIGH else "n" for trait, level in labels.items()}
            writer.writerow({"#AUTHID": number, "TEXT": f"I wonder what I am like today: {text}.", **row})
    return str(path)


@pytest.fixture
def material(release_folder: Path, essays: str) -> ExamMaterial:
    return ExamMaterial(read_release(str(release_folder)), open_corpus(essays), 20, 32)


async def test_a_sound_judge_names_trait_levels_follows_authors_and_agrees_with_itself(
    tmp_path: Path, material: ExamMaterial
) -> None:
    judge = Sound()
    exam = await examine_judge(judge, tmp_path / "exam", material)
    assert (exam.named.value, exam.trait_named.value, exam.level_named.value) == (1.0, 1.0, 1.0)
    assert all(r.value == pytest.approx(1.0) for r in exam.essays.values()) and exam.essays_rated == 32
    assert exam.retest.value == pytest.approx(1.0) and exam.retest_difference == 0.0
    assert exam.controls.warnings == () and exam.controls.length_effect == exam.controls.shuffled == 0.0
    assert len(judge.seen) == 20 * 5 + 20 + 32 * 5 + 55
    [unread] = exam.warnings
    assert unread.startswith("no people's verdict that they are valid is on file for 20 of the 20 dialogues")
    assert "names the trait-level in 1.00" in exam_lines(exam)[0]


async def test_a_judge_that_counts_words_is_caught(tmp_path: Path, material: ExamMaterial) -> None:
    exam = await examine_judge(WordCounter(), tmp_path / "exam", material)
    assert exam.controls.shuffled == 1.0 and min(exam.controls.gaps.values()) > 1
    assert any("the judge counts words: 100%" in words for words in exam.controls.warnings)


async def test_a_judge_that_likes_long_answers_is_caught(tmp_path: Path, material: ExamMaterial) -> None:
    exam = await examine_judge(LengthLover(), tmp_path / "exam", material)
    assert exam.controls.length_effect > 0.5
    assert any("the judge likes longer answers" in words for words in exam.controls.warnings)
    assert any("does not tell clear high answers" in words for words in exam.controls.warnings)
    assert any("not shown to name traits" in words for words in exam.warnings)
    assert any(
        "of no trait its scores are shown to follow what 32 authors" in words for words in exam.warnings
    )


async def test_every_figure_comes_from_the_stored_verdicts(tmp_path: Path, material: ExamMaterial) -> None:
    folder = tmp_path / "exam"
    exam = await examine_judge(WordCounter(), folder, material)
    assert read_exam(folder) == exam
    rows = [json.loads(line) for line in (folder / RATINGS).read_text().splitlines()]
    own = [r for r in rows if r["part"] == "dialogue" and r["repeat"] == 0 and r["trait"] == r["label"][0]]
    sides = [
        0.5 if r["score"] in (None, 3.0) else float((r["score"] > 3) == (r["label"][1] == "+")) for r in own
    ]
    assert exam.level_named.value == pytest.approx(statistics.fmean(sides)) and len(own) == 20
    written = json.loads(json.dumps(exam_json(exam)))
    assert written["level_named"]["value"] == exam.level_named.value and written["dialogues"]["count"] == 20


async def test_a_stopped_exam_goes_on_and_is_no_exam_before_its_end(
    tmp_path: Path, material: ExamMaterial
) -> None:
    first, second = Sound(stop_after=50), Sound()
    with pytest.raises(BuildStopped):
        await examine_judge(first, tmp_path / "exam", material)
    assert read_exam(tmp_path / "exam") is None
    await examine_judge(second, tmp_path / "exam", material)
    assert len(first.seen) + len(second.seen) == 20 * 5 + 20 + 32 * 5 + 55


async def test_another_exam_in_the_same_folder_is_refused(tmp_path: Path, material: ExamMaterial) -> None:
    await examine_judge(Sound(), tmp_path / "exam", material._replace(essays=None))
    with pytest.raises(EvaluationError, match="holds another exam: its essays was"):
        await examine_judge(Sound(), tmp_path / "exam", material)


async def test_an_exam_of_nothing_or_of_unlabeled_essays_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="an exam needs dialogues or essays"):
        await examine_judge(Sound(), tmp_path / "a", ExamMaterial())
    (tmp_path / "plain.csv").write_text(
        "text\n" + "I only write down what comes to my mind right now here.\n"
    )
    with pytest.raises(EvaluationError, match="no essay with its author's own labels"):
        await examine_judge(
            Sound(), tmp_path / "b", ExamMaterial(None, open_corpus(str(tmp_path / "plain.csv")))
        )


async def test_item_mode_shows_every_answer_alone(tmp_path: Path, release_folder: Path) -> None:
    judge = Sound()
    material = ExamMaterial(read_release(str(release_folder)), None, 10)
    exam = await examine_judge(judge, tmp_path / "exam", material, mode="item")
    assert all(len(pairs) == 1 for _, pairs, _ in judge.seen) and len(judge.seen) == 10 * 2 * 6 + 165
    assert exam.dialogues == 10 and exam.named.value == 1.0


async def test_an_unexamined_judge_is_said_to_be_so_until_its_exam_lies_beside_it(
    tmp_path: Path, material: ExamMaterial
) -> None:
    judge: Judge = Sound()
    interview = await hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=1)
    await judge_interview(interview, judge)
    assert any("it is unexamined" in words for words in concerns([load_scored(tmp_path / "a", None)]))
    await examine_judge(judge, tmp_path / "exam", material)
    copy_exam(tmp_path / "exam", judging_folder(interview.folder, judge.name, "batch"))
    entry = load_scored(tmp_path / "a", None)
    assert not any("it is unexamined" in words for words in concerns([entry]))
    assert any("no people's verdict" in words for words in concerns([entry]))
    assert entry.judging.exam is not None and entry.judging.exam.named.value == 1.0
    other = await hold_interview(Parrot("b"), small_inventory(), tmp_path / "b", runs=1)
    await judge_interview(other, judge)
    both = [load_scored(tmp_path / "b", None), entry]
    assert not any("it is unexamined" in words for words in concerns(both))
    assembly = Assembly(both, compare([scored.row() for scored in both]))
    assert all(f"judge {judge.name} (batch)" in line for line in assembly.judge)
    page = write_report(both, assembly.comparison, tmp_path / "out").markdown.read_text()
    assert "unexamined" not in page and f"judge {judge.name} (batch) asked again" in page


async def test_dialogues_that_people_found_valid_are_preferred(
    tmp_path: Path, material: ExamMaterial
) -> None:
    assert material.dialogues is not None
    known = [dataclasses.replace(d, validated=d.id.endswith("-1")) for d in material.dialogues.dialogues]
    release = dataclasses.replace(material.dialogues, dialogues=tuple(known))
    exam = await examine_judge(Sound(), tmp_path / "exam", ExamMaterial(release, None, 20))
    source = exam.header.dialogues
    assert source is not None and (source.count, source.validated) == (10, 10)
    assert not any("found valid" in words for words in exam.warnings)


async def test_an_exam_on_scripted_dialogues_says_so(tmp_path: Path, material: ExamMaterial) -> None:
    assert material.dialogues is not None
    scripted = material._replace(dialogues=dataclasses.replace(material.dialogues, scripted=True))
    exam = await examine_judge(Sound(), tmp_path / "exam", scripted)
    assert any("were written by the scripted model" in words for words in exam.warnings)


async def test_the_command_examines_once_and_prints_it_with_every_table(
    tmp_path: Path, release_folder: Path, essays: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        await hold_interview(Parrot(name), small_inventory(), tmp_path / name, runs=1)
    shown = await asyncio.to_thread(
        call, "judge", "a", "b", "--exam", release_folder, "--exam-essays", essays, "--exam-size", 10
    )
    assert "exam of judge scripted (batch), 10 dialogues of ocean-chat-9.9.9" in shown
    table = await asyncio.to_thread(call, "compare", "a", "b")
    assert "names the trait-level in" in table, table
    assert "essays of essays.csv" in table and "against the authors' own labels" in table, table
    assert "unexamined" not in table
    report = await asyncio.to_thread(call, "report", "a", "b", "--output", "out")
    assert "names the trait-level in" in Path(report.split()[0]).read_text()
