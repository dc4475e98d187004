"""Put judged interviews together into one comparison.

It reads the folders, refuses what was not measured alike and says why, and compares the rest. It prints and
writes nothing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from oceanchat.errors import EvaluationError
from oceanchat.llm.settings import BY_SCRIPT
from preact.evaluation.comparison.comparing import Comparison, compare
from preact.evaluation.comparison.trait_scores import ScoredInterview, load_scored, require_comparable
from preact.evaluation.judge.exam_figures import judge_lines


class Assembly(NamedTuple):
    """Interviews that can stand in one table, and the table."""

    scored: list[ScoredInterview]
    comparison: Comparison

    @property
    def judge(self) -> list[str]:
        """What is known of the judge, printed with every table: its controls, and its exam if it took one."""
        judging = self.scored[0].judging
        exam = next((e.judging.exam for e in self.scored if e.judging.exam is not None), None)
        return judge_lines(judging.header.judge, exam, judging.controls)


def assemble(
    folders: Sequence[Path],
    baselines: Sequence[Path],
    judge: str | None = None,
    mode: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Assembly:
    """Read and compare. A folder may be an interview or hold several; missing baselines are added.

    `say` is told how long it takes, where it is long. Raises EvaluationError for folders without an
    interview, other inventories or judges, or equal names.
    """
    scored = [load_scored(folder, judge, mode) for folder in _interviews([*folders, *baselines])]
    require_comparable(scored)
    against = {folder.resolve() for folder in _interviews(baselines)}
    labels = [entry.row().label for entry in scored if entry.interview.folder.resolve() in against]
    marked = scored[0].judging.header.judge not in BY_SCRIPT
    return Assembly(scored, compare([entry.row() for entry in scored], labels, marked=marked, say=say))


def _interviews(folders: Sequence[Path]) -> list[Path]:
    """The interviews meant, each once: a folder itself, or every interview directly inside it."""
    by_location: dict[Path, Path] = {}
    for folder in folders:
        interviews = [folder] if (folder / "interview.json").exists() else _inside(folder)
        if not interviews:
            raise EvaluationError(f"'{folder}' holds no interview; write one with `preact interview`")
        for interview in interviews:
            by_location.setdefault(interview.resolve(), interview)
    return list(by_location.values())


def _inside(folder: Path) -> list[Path]:
    return sorted(file.parent for file in folder.glob("*/interview.json"))
