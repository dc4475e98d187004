"""Options of the judges' entrance exam."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from preact.evaluation.judge.exam import ExamMaterial

F = TypeVar("F", bound=Callable[..., Any])


def exam_options(command: F) -> F:
    """What judges are examined on."""
    for option in (
        click.option(
            "--exam-size",
            type=click.IntRange(10),
            default=40,
            show_default=True,
            metavar="N",
            help="Dialogues in the exam, and 2.5 times as many essays; about 20 N calls for each judge.",
        ),
        click.option(
            "--exam-essays",
            metavar="FILE",
            help="Essays with their authors' own labels for the exam, such as the Essays corpus.",
        ),
        click.option(
            "--exam",
            "exam_release",
            metavar="RELEASE",
            help="Examine each judge first, on held-out dialogues of a release.",
        ),
    ):
        command = option(command)
    return command


def take_exam_material(flags: dict[str, Any]) -> "ExamMaterial | None":
    """Remove the options from the flags; None where no exam is asked for.

    Raises TrainingError or CorpusError for what cannot be read.
    """
    release, essays, size = flags.pop("exam_release"), flags.pop("exam_essays"), flags.pop("exam_size")
    if release is None and essays is None:
        return None
    # Late, as in command bodies: `--help` does not wait for pyarrow.
    from oceanchat.corpus.essays import open_corpus
    from preact.dialogues.release import read_release
    from preact.evaluation.judge.exam import ExamMaterial

    return ExamMaterial(
        read_release(release) if release else None,
        open_corpus(essays) if essays else None,
        size,
        size * 5 // 2,
    )
