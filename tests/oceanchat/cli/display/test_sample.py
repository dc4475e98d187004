"""What follows on a sample depends on who has an account."""

import pytest

from oceanchat.cli.display.sample import print_sample
from oceanchat.store.annotators import Annotator
from oceanchat.store.samples import Sample

SETTINGS = {"accepted": {"O+": {"drawn": 2, "available": 2}}, "rejected": {}}


def account(number: int, role: str = "annotator", retired_at: float | None = None) -> Annotator:
    return Annotator(number, f"Person {number}", role, {}, 0.0, None, retired_at)


def test_annotators_are_asked_for_only_where_they_lack(capsys: pytest.CaptureFixture[str]) -> None:
    sample = Sample(1, "validation", 0, 2, SETTINGS, 0.0)
    staff = [account(1, "lead"), account(2, retired_at=1.0)]
    for accounts, step in (
        (staff, "`oceanchat annotators add NAME` for each annotator, then `oceanchat annotate`"),
        ([*staff, account(3)], "annotators add NAME` for 1 more (2 validate each dialogue), then"),
        ([*staff, account(3), account(4)], "Next: `oceanchat annotate`; the store has 2 annotators."),
    ):
        print_sample(sample, 2, accounts)
        assert step in capsys.readouterr().err
