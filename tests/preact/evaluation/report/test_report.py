"""The report: what stands on top and what stands beside."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from oceanchat.traits import Trait
from preact.evaluation.comparison.basis import basis
from preact.evaluation.comparison.comparing import compare
from preact.evaluation.comparison.diagnosis import concerns
from preact.evaluation.comparison.trait_scores import ScoredInterview, load_scored
from preact.evaluation.interview.interviewing import hold_interview
from preact.evaluation.judge.judging import judge_interview
from preact.evaluation.judge.verdicts import Judge, JudgeVerdict, Mode, Pair, VerdictState
from preact.evaluation.report.report import write_report
from tests.preact.evaluation.stand_ins import Parrot, Reader, small_inventory

P_REACT = {"kind": "run", "method": "preact"}
"""What a trained run records of its method, whatever its label."""


class Stubborn:
    """A judge that gives one verdict whatever it is shown."""

    concurrency = 8

    def __init__(self, name: str, score: float | None, state: VerdictState) -> None:
        self.name = name
        self._verdict = JudgeVerdict(score, state)

    def provenance(self, mode: Mode) -> Mapping[str, Any]:
        return {"kind": "stand-in"}

    async def rate(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> JudgeVerdict:
        return self._verdict


async def judged(
    folder: Path, system: Parrot, judge: Judge, scope: Literal["own", "all"] = "own"
) -> ScoredInterview:
    interview = await hold_interview(system, small_inventory(), folder, scope=scope, runs=2)
    return ScoredInterview(interview, await judge_interview(interview, judge))


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        (Stubborn("always-3", 3.0, "scored"), "every score is 3.00; a judge that always says the same"),
        (Stubborn("always-3", 3.0, "scored"), "does not tell clear high answers from clear low ones"),
        (Stubborn("babbler", None, "unreadable"), "20 of 20 replies held no score that can be read"),
        (Stubborn("prude", None, "refused"), "20 of 20 batches were refused by the judge"),
        (Stubborn("scripted", 4.0, "scored"), "it is scripted"),
        (Stubborn("scripted-http", 4.0, "scored"), "it is scripted"),
    ],
)
async def test_a_useless_judge_is_named_at_the_top(tmp_path: Path, judge: Stubborn, words: str) -> None:
    entry = await judged(tmp_path / "a", Parrot(), judge)
    text = write_report([entry], compare([entry.row()]), tmp_path / "out").markdown.read_text()
    top = text[text.index("Read this first") : text.index("## Results")]
    assert words in top.replace("\\", "")


async def test_judge_and_system_taught_by_one_release_are_an_alarm(tmp_path: Path) -> None:
    entry = await judged(tmp_path / "a", Parrot(), Stubborn("classifier:ocean", 4.0, "scored"))
    judge = entry.judging.header.model_copy(update={"provenance": {"release_fingerprint": "abc"}})
    for trained_on, alarm in (("abc", True), ("def", False)):
        system = {"release": {"fingerprint": trained_on}}
        header = entry.interview.header.model_copy(update={"system": system})
        both = ScoredInterview(entry.interview._replace(header=header), entry.judging._replace(header=judge))
        words = concerns([both])
        assert any("taught by the release that the system was trained on" in word for word in words) is alarm
        assert any("it is a classifier, it counts words" in word for word in words)
    subset = {"release": {"fingerprint": "def", "sketch": ["11", "22"]}}
    header = entry.interview.header.model_copy(update={"system": subset})
    wider = judge.model_copy(
        update={"provenance": {"release_fingerprint": "abc", "sketch": ["11", "33", "44"]}}
    )
    both = ScoredInterview(entry.interview._replace(header=header), entry.judging._replace(header=wider))
    assert any("about 50% of the dialogues the system was trained on" in word for word in concerns([both]))
    scripted = judge.model_copy(update={"judge": "scripted", "provenance": {}})
    system = {"release": {"fingerprint": "abc", "scripted": True}}
    header = entry.interview.header.model_copy(update={"system": system})
    both = ScoredInterview(entry.interview._replace(header=header), entry.judging._replace(header=scripted))
    assert any("has its words from the lines of which" in word for word in concerns([both]))


async def test_a_system_that_speaks_as_a_machine_is_named_at_the_top(tmp_path: Path) -> None:
    entry = await judged(tmp_path / "a", Parrot(says="As an AI, I have no moods."), Reader())
    assert any("40 of 40 answers step out of the part" in words for words in concerns([entry]))
    text = write_report([entry], compare([entry.row()]), tmp_path / "out").markdown.read_text()
    lines = [line for line in text.splitlines() if line.startswith("| step out of the part")]
    assert len(lines) == 1 and "40 of 40 (100.0%)" in lines[0] and "Fluency is not known" in text


async def test_the_report_holds_tests_agreement_leakage_shift_and_provenance(tmp_path: Path) -> None:
    ours = await judged(tmp_path / "ours", Parrot("Ours", facts=P_REACT), Reader(), scope="all")
    plain = await judged(tmp_path / "plain", Parrot("Backbone", conditioned=False), Reader())
    await judge_interview(ours.interview, Reader("second", shift=0.25))
    ours = load_scored(tmp_path / "ours", "reader")
    table = compare([ours.row(), plain.row()], ["stand-in Backbone"])
    files = write_report([ours, plain], table, tmp_path / "out")
    text = files.markdown.read_text().replace("\\", "")
    for part in (
        "reader and second", "Leakage to other traits", "Shift from the unconditioned backbone",
        ours.interview.header.inventory_sha256, "Table 2, Llama2-13B P-React", "neither side varied",
        "not comparable, another backbone (stand-in)", "paper, Table 2 | Llama2-7B | P-React | 3.72 | 0.041",
        "not of training with another seed",
    ):  # fmt: skip
        assert part in text, part
    assert "<svg" in files.html.read_text() and (tmp_path / "out/figures/leakage-ours.csv").exists()


async def test_above_the_table_stands_whose_scores_it_shows_of_how_many_answers_and_what_failed(
    tmp_path: Path,
) -> None:
    careful, careless = Reader(), Stubborn("always-3", 3.0, "scored")
    entries = [await judged(tmp_path / name, Parrot(name), careful) for name in ("a", "b")]
    text = write_report(entries, compare([e.row() for e in entries]), tmp_path / "out").markdown.read_text()
    top = text.replace("\\", "")[: text.index("| Backbone")]
    assert "judge reader in mode batch, which saw three or four answers at a time" in top
    assert "stand-in b: 40 answers in 2 runs to 10 questions, judged in 20 batches" in top
    entry = await judged(tmp_path / "c", Parrot("c"), careless)
    assert "controls failed: 1, each named in a warning on judge always-3" in basis([entry])
    assert sum("does not tell clear high answers" in words for words in concerns([entry])) == 1


async def test_the_controls_of_one_judge_are_one_column_for_all_interviews(tmp_path: Path) -> None:
    entries = [await judged(tmp_path / name, Parrot(name), Reader()) for name in ("a", "b")]
    for entry in entries:
        await judge_interview(entry.interview, Stubborn("another", 3.0, "scored"))
    text = write_report(entries, compare([e.row() for e in entries]), tmp_path / "out").markdown.read_text()
    assert text.count("\n| Control | another (batch) | reader (batch) |\n") == 1
    assert "\n| Beside | a, b | a, b |\n" in text


async def test_a_single_judge_asked_once_is_said_to_be_unknown_in_its_agreement(tmp_path: Path) -> None:
    entry = await judged(tmp_path / "a", Parrot(), Reader())
    text = write_report([entry], compare([entry.row()]), tmp_path / "out").markdown.read_text()
    assert "its agreement with others and with itself is not known" in text


async def test_the_papers_backbone_asked_something_else_is_not_compared(tmp_path: Path) -> None:
    system = Parrot("Ours", facts=P_REACT)
    system.backbone = "Llama-2-7b-chat-hf"
    entry = await judged(tmp_path / "a", system, Reader())
    text = write_report([entry], compare([entry.row()]), tmp_path / "out").markdown.read_text()
    assert "not comparable, another inventory (small; the paper used BFI)" in text


async def test_the_report_leads_to_the_page_of_its_dialogues_wherever_both_are_moved(tmp_path: Path) -> None:
    entry = await judged(tmp_path / "a", Parrot(), Reader())
    view = tmp_path / "my data" / "page.html"
    files = write_report([entry], compare([entry.row()]), tmp_path / "out", view)
    assert 'href="../my%20data/page.html#level=n-low">N-</a>' in files.html.read_text()
    assert "(../my%20data/page.html#level=o-high)" in files.markdown.read_text()
