"""Count the rows that get through a step.

A model can reply readably and still bring nothing: labels that are all neutral, dialogues that all fall at
one gate, verdicts that turn everything down. Where that goes on the run stops. Knows no store and no prompt.
"""

from collections.abc import Collection, Sequence

from oceanchat.llm.roles import RoleModel
from oceanchat.llm.usefulness import RowStep, Uselessness
from oceanchat.records import Candidate, Dialogue
from oceanchat.traits import Level

SENTENCES = 150
"""Most sentences of a good corpus are neutral, but not so many in a row."""
VERDICTS = 40
"""A strict check may turn down most dialogues of a small model, but not so many in a row."""


def count_labels(labeler: RoleModel, candidates: Sequence[Candidate], levels: Collection[Level]) -> None:
    """Count the labeled sentences that show one of the levels asked for."""
    step = RowStep(
        f"sentences labeled by '{labeler.name}'",
        "show a level that is asked for",
        "name another --labeler, other --essays or another --seed",
        first=SENTENCES,
        many=None,
    )
    for candidate in candidates:
        if candidate.state != "failed":
            shown = candidate.level.value if candidate.level else "neutral"
            labeler.count_row(
                step, None if candidate.level in levels else Uselessness(shown, candidate.reason)
            )


def count_gated(writer: RoleModel, dialogues: Sequence[Dialogue]) -> None:
    """Count the dialogues that pass the gates."""
    step = RowStep(
        f"dialogues by '{writer.name}'", "pass the quality gates", "name another model with --writer"
    )
    for dialogue in dialogues:
        rejected = dialogue.state != "unchecked"
        writer.count_row(step, Uselessness(dialogue.state, dialogue.detail) if rejected else None)


def count_checked(checker: RoleModel, dialogue: Dialogue) -> None:
    """Count a checked dialogue that passes, or does not."""
    step = RowStep(
        f"dialogues checked by '{checker.name}'",
        "pass",
        "name another model with --writer or --checker, or use --check paper",
        first=VERDICTS,
    )
    if dialogue.verdict is not None:
        passed = dialogue.verdict.passed
        checker.count_row(step, None if passed else Uselessness(dialogue.state, dialogue.detail))
