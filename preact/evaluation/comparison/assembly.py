"""Put judged interviews together into one comparison, or refuse and say why.

Reads the folders, makes sure that they were measured alike, and compares. What is printed or written of
it is the business of others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from oceanchat.errors import EvaluationError
from preact.evaluation.comparison.comparing import Comparison, compare
from preact.evaluation.comparison.trait_scores import ScoredInterview, load_scored, require_comparable
from preact.evaluation.judge.controls import check
from preact.evaluation.report.tables import signed


class Assembly(NamedTuple):
    """Interviews that can stand in one table, and the table."""

    scored: list[ScoredInterview]
    table: Comparison

    @property
    def controls(self) -> str:
        """The judge's check as one line: it is printed with every table."""
        found = check(self.scored[0].judged.controls)
        gaps = ", ".join(f"{trait.value} {signed(gap)}" for trait, gap in found.gaps.items())
        return (
            f"judge {self.scored[0].judged.header.judge}: clear high less clear low answers {gaps}; rated as "
            f"if they said something: blank answers in {found.rated_blank}, gibberish in "
            f"{found.rated_gibberish} of 5 traits"
        )


def assemble(
    folders: Sequence[Path], baselines: Sequence[Path], judge: str | None = None, mode: str | None = None
) -> Assembly:
    """Read and compare. A folder may be an interview or hold several; missing baselines are added.

    Raises EvaluationError for folders without an interview, other inventories or judges, or equal names.
    """
    wanted = _interviews([*folders, *baselines])
    scored = [load_scored(folder, judge, mode) for folder in wanted]
    require_comparable(scored)
    against = {folder.resolve() for folder in _interviews(baselines)}
    labels = [one.row().label for one in scored if one.interview.folder.resolve() in against]
    return Assembly(scored, compare([one.row() for one in scored], labels))


def _interviews(folders: Sequence[Path]) -> list[Path]:
    """The interviews meant, each once: a folder itself, or every interview right inside it."""
    found: dict[Path, Path] = {}
    for folder in folders:
        inside = [folder] if (folder / "interview.json").exists() else _inside(folder)
        if not inside:
            raise EvaluationError(f"'{folder}' holds no interview; write one with `preact interview`")
        for one in inside:
            found.setdefault(one.resolve(), one)
    return list(found.values())


def _inside(folder: Path) -> list[Path]:
    return sorted(file.parent for file in folder.glob("*/interview.json"))
