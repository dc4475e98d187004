"""The table of an evaluation's ratings.

It is what `oceanchat export ratings` writes: every figure of the evaluation can be recomputed from it.
Functions take an open connection.
"""

from typing import Any

from sqlalchemy import Connection

from oceanchat.store.conversations import EVALUATION, SHARED, answers_of, cells_of
from oceanchat.store.labels import item_labels
from oceanchat.store.samples import Sample, item_contents
from oceanchat.store.validations import reported_sample

COLUMNS = (
    *("evaluation", "system", "trait", "level", "unit", "question_id", "question", "conversation_id"),
    *("annotator", "alignment", "naturalness", "coherence", "comment", "seconds"),
    *("model", "seed", "prompt_hash", "answer_hashes"),
)


def reported_evaluation(connection: Connection, number: int | None = None) -> Sample | None:
    """The evaluation that is reported, as `reported_sample` chooses and raises."""
    return reported_sample(connection, number, task=EVALUATION)


def rating_table(connection: Connection, number: int | None = None) -> list[dict[str, Any]]:
    """The ratings of an evaluation, one row each (see `reported_evaluation` for which).

    Columns: evaluation (its number), system, trait ('O'), level ('high'), unit (shared or live), question_id,
    question, conversation_id, annotator (a pseudonym), alignment (0 or 1), naturalness and coherence (1 to
    5), comment, seconds (active, of all revisions; the talk included for who held the conversation), model,
    seed, prompt_hash (of the last request, which holds the whole conversation) and answer_hashes (joined by
    spaces, in their order).
    """
    evaluation = reported_evaluation(connection, number)
    if evaluation is None:
        return []
    current = item_labels(connection, evaluation.id)
    cells = {cell.item_id: cell for cell in cells_of(connection, evaluation.id)}
    contents = item_contents(connection, {label.item_id for label in current})
    held = answers_of(connection, evaluation.id)
    rows = []
    for label in current:
        cell = cells[label.item_id]
        rated = held.get((label.item_id, SHARED)) or held[label.item_id, label.annotator_id]
        answers = rated.answers
        row = {
            "evaluation": evaluation.id,
            "system": cell.system,
            "trait": cell.stratum[0],
            "level": "high" if cell.stratum[1] == "+" else "low",
            "unit": evaluation.settings["unit"],
            "question_id": cell.question_id,
            "question": contents[label.item_id]["question"],
            "conversation_id": rated.conversation_id,
            "annotator": f"annotator-{label.annotator_id}",
            **{name: int(label.answers[name]) for name in ("alignment", "naturalness", "coherence")},
            "comment": label.answers.get("comment", ""),
            "seconds": round(label.active_seconds, 1),
            "model": answers[-1].model,
            "seed": answers[-1].seed,
            "prompt_hash": answers[-1].prompt_hash,
            "answer_hashes": " ".join(turn.answer_hash for turn in answers),
        }
        rows.append({name: row[name] for name in COLUMNS})
    return rows


def unrated_systems(connection: Connection, number: int | None = None) -> list[str]:
    """The systems of an evaluation that nobody has rated yet, in the order of its settings."""
    evaluation = reported_evaluation(connection, number)
    if evaluation is None:
        return []
    systems = {cell.item_id: cell.system for cell in cells_of(connection, evaluation.id)}
    rated = {systems[label.item_id] for label in item_labels(connection, evaluation.id)}
    return [each["name"] for each in evaluation.settings["systems"] if each["name"] not in rated]
