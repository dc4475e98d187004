"""The LaTeX of a paper: it compiles, and says what it is made of."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from oceanchat.release.folder import read_release
from oceanchat.statistics.model_ratings import rating_report
from oceanchat.statistics.rating_file import read_rating_file
from preact.evaluation.comparison.assembly import assemble
from preact.evaluation.report.manuscript import Ratings, _system, write_manuscript
from tests.preact.evaluation.report.papers import RELEASE, interviews, ratings


async def test_a_paper_with_all_tables_compiles_whatever_its_systems_are_called(tmp_path: Path) -> None:
    folder, file = await interviews(tmp_path / "interviews"), ratings(tmp_path / "ratings.csv")
    paper = write_manuscript(
        assemble([folder], [folder / "plain"]),
        tmp_path / "out",
        read_release(RELEASE),
        Ratings(rating_report(read_rating_file(file), resamples=20), file),
    )
    text = paper.file.read_text(encoding="ascii")
    assert not paper.left_out and text.count(r"\begin{table}") == 5 and "Left out" not in text
    assert str(tmp_path) not in text and "% Table 3: ../ratings.csv: alignment" in text
    assert "% Table 2: ../interviews/odd/judged/scripted.batch/judgements.jsonl: score" in text
    if shutil.which("pdflatex") is None and not os.environ.get("CI"):
        pytest.skip("no pdflatex")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", paper.file.name]
    done = subprocess.run(command, cwd=paper.file.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
    log = paper.file.with_suffix(".log").read_text(encoding="latin-1")
    assert "Missing character" not in log and "Overfull" not in log
    assert paper.file.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


async def test_tables_without_data_are_left_out_and_named(tmp_path: Path) -> None:
    paper = write_manuscript(assemble([await interviews(tmp_path / "i", runs=1)], []), tmp_path / "out")
    assert [phrase.split(" (")[0] for phrase in paper.left_out] == [
        "Table 1",
        "Table 6",
        "Table 3",
        "Table 8",
    ]
    text = paper.file.read_text(encoding="ascii")
    assert text.count("% Left out: Table") == 4 and text.count(r"\begin{table}") == 1


async def test_the_methods_say_what_was_asked_who_judged_and_what_the_data_is(tmp_path: Path) -> None:
    assembly = assemble([await interviews(tmp_path / "i")], [])
    text = write_manuscript(assembly, tmp_path / "out", read_release(RELEASE)).file.read_text()
    methods = text[text.index(r"\section*{Methods}") : text.index(r"\section*{Results}")]
    for words in (
        "200 dialogues (train 160, validation 20, test 20)", "Dialogues were written by the scripted model",
        "of the inventory small (10 questions)", "scores are those of judge scripted in mode batch",
        "40 answers in 2 runs to 10 questions",
    ):  # fmt: skip
        assert words in methods, words
    assert r"it is scripted, it counts words" in text[text.index(r"\section*{Limits}") :]


@pytest.mark.parametrize(
    ("method", "named", "unnamed"),
    [
        ("preact", ["experts 16", "weight of the expert loss 0.1"], []),
        ("lora", ["rank 64"], ["expert"]),
        ("no-psl", ["experts 16"], ["expert loss"]),
    ],
)
async def test_a_methods_section_names_no_setting_that_the_method_has_no_use_for(
    tmp_path: Path, method: str, named: list[str], unnamed: list[str]
) -> None:
    assembly = assemble([await interviews(tmp_path / "i", runs=1)], [])
    entry = assembly.scored[0]
    recipe = {"rank": 64, "experts": 16, "loss_weight": 0.1}
    system = {**entry.interview.header.system, "kind": "run", "method": method, "recipe": recipe}
    header = entry.interview.header.model_copy(update={"system": system})
    sentence = _system(entry._replace(interview=entry.interview._replace(header=header)))
    assert all(words in sentence for words in named) and not any(words in sentence for words in unnamed)
