"""A judged run, a release and ratings to write a paper of."""

from pathlib import Path

from preact.evaluation.interview.interviewing import hold_interview
from preact.evaluation.judge.judging import judge_interview
from tests.oceanchat.statistics.rated import as_csv, scripted_rows
from tests.preact.evaluation.stand_ins import Parrot, Reader, small_inventory

RELEASE = Path(__file__).parents[4] / "releases" / "ocean-chat-0.1.0-scripted"
ODD = r"50% A_B & {C} #1 $x$ ~^\end{document} <|> 'q' `b` é 模"


async def interviews(folder: Path, runs: int = 2, judge: str = "scripted") -> Path:
    """Two systems, one of an odd name, the other without a part, judged by a stand-in of this name."""
    for name, system in (("odd", Parrot(ODD)), ("plain", Parrot("LoRA", says="Well."))):
        interview = await hold_interview(system, small_inventory(), folder / name, scope="own", runs=runs)
        await judge_interview(interview, Reader(judge))
    return folder


def ratings(file: Path) -> Path:
    """A file of ratings of two systems."""
    file.write_text(as_csv(scripted_rows({"scripted & co": (0.3, 4.7), ODD: (0.95, 4.5)})), newline="")
    return file
