"""How far an evaluation is follows from its conversations and ratings."""

from oceanchat.annotation.evaluation_progress import RaterProgress, evaluation_progress
from oceanchat.store.database import Store
from tests.oceanchat.annotation.talks import evaluated, rate_all


def test_progress_is_by_system_and_by_annotator(store: Store) -> None:
    assert evaluation_progress(store) is None
    ann, _ = evaluated(store, ("Ann", "Ben"), levels=3)
    rate_all(store, ann)
    progress = evaluation_progress(store)
    assert progress is not None and progress.number == 1 and progress.unassigned == 6
    assert [(each.system, each.questions, each.finished, each.ratings) for each in progress.systems] == [
        ("preact", 3, 3, 3),
        ("prompt", 3, 3, 3),
    ]
    assert [each[:3] for each in progress.raters] == [("Ann", 6, 6), ("Ben", 0, 6)]
    assert isinstance(progress.raters[0], RaterProgress) and progress.raters[1].median_seconds is None
