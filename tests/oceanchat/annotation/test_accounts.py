"""Accounts: one passcode, hashed; sign-ins that expire, end and are slowed down after failures."""

import pytest

from oceanchat.annotation import accounts, adjudication, labels
from oceanchat.annotation.assignment import coverage
from oceanchat.errors import AnnotationError
from oceanchat.store import annotators as annotator_rows
from oceanchat.store.annotators import annotators, sign_ins
from oceanchat.store.database import Store
from tests.oceanchat.annotation.scenes import GOOD, disagreeing, label_all, sampled


def test_a_passcode_opens_the_account_however_it_is_typed(store: Store) -> None:
    new_account = accounts.add(store, "  Ann   Lee ")
    assert new_account.annotator.name == "Ann Lee"
    for typed in (new_account.passcode, new_account.passcode.upper(), new_account.passcode.replace("-", "")):
        token = accounts.sign_in(store, "ann lee", typed, "here")
        account = accounts.signed_in(store, token)
        assert account is not None and account.id == new_account.annotator.id


def test_neither_passcodes_nor_sign_ins_stand_in_the_database(
    store: Store, passcode_cost: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "PASSCODE_COST", passcode_cost)
    new_account = accounts.add(store, "Ann")
    token = accounts.sign_in(store, "Ann", new_account.passcode, "here")
    with store.reading() as connection:
        stored = str(
            connection.execute(annotators.select()).all() + connection.execute(sign_ins.select()).all()
        )
    assert new_account.passcode not in stored and token not in stored
    assert "scrypt$16384$8$1$" in stored


def test_wrong_tries_are_answered_later_and_later_and_lock_nobody_out(store: Store) -> None:
    code = accounts.add(store, "Ann").passcode
    delays = []
    for _ in range(10):
        with pytest.raises(accounts.WrongPasscode, match="is wrong") as caught:
            accounts.sign_in(store, "Ann", "guess", "here", now=100.0)
        delays.append(caught.value.delay)
    assert delays == [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]
    for name, address in (("Ann", "elsewhere"), ("Nobody", "here")):
        with pytest.raises(accounts.WrongPasscode) as other:
            accounts.sign_in(store, name, "guess", address, now=100.0)
        assert other.value.delay == 0
    assert accounts.sign_in(store, "Ann", code, "here", now=100.0)
    with pytest.raises(accounts.WrongPasscode) as later:
        accounts.sign_in(store, "Ann", "guess", "here", now=101.0 + accounts.WINDOW)
    assert later.value.delay == 0
    with store.reading() as connection:
        assert annotator_rows.failures(connection, "Ann", "here", 0.0) == 1


def test_sign_ins_expire_end_and_are_revoked(store: Store) -> None:
    new_account = accounts.add(store, "Ann")
    token = accounts.sign_in(store, "Ann", new_account.passcode, "here", now=0.0)
    assert accounts.signed_in(store, token, now=accounts.SIGNED_IN_FOR - 1) is not None
    assert accounts.signed_in(store, token, now=accounts.SIGNED_IN_FOR + 1) is None
    other, third = (accounts.sign_in(store, "Ann", new_account.passcode, "here") for _ in range(2))
    accounts.sign_out(store, other)
    assert accounts.signed_in(store, other) is None and accounts.signed_in(store, third) is not None
    fresh = accounts.renew_passcode(store, new_account.annotator)
    assert accounts.signed_in(store, third) is None
    with pytest.raises(AnnotationError):
        accounts.sign_in(store, "Ann", new_account.passcode, "here")
    assert accounts.sign_in(store, "Ann", fresh, "here")
    assert accounts.signed_in(store, "") is None and accounts.signed_in(store, "\ud800") is None


def test_the_retired_get_in_no_more(store: Store) -> None:
    new_account = accounts.add(store, "Ann")
    token = accounts.sign_in(store, "Ann", new_account.passcode, "here")
    accounts.retire(store, new_account.annotator)
    assert accounts.signed_in(store, token) is None
    with pytest.raises(AnnotationError, match="is wrong"):
        accounts.sign_in(store, "Ann", new_account.passcode, "here")
    # No message sends the lead to a passcode that opens nothing.
    for attempt in (lambda: accounts.find_open(store, "Ann"), lambda: accounts.add(store, "ann")):
        with pytest.raises(AnnotationError, match="'Ann' is closed for good; open one under another name"):
            attempt()


@pytest.mark.parametrize(
    ("name", "role", "message"),
    [
        ("Ann", "annotator", "'Ann' exists"),
        ("ANN", "annotator", "'ANN' exists"),
        ("", "annotator", "cannot be used"),
        ("a\x00b", "annotator", "cannot be used"),
        ("x" * 61, "annotator", "cannot be used"),
        ("Ben", "boss", "role 'boss'"),
    ],
)
def test_unusable_accounts_are_refused(store: Store, name: str, role: str, message: str) -> None:
    accounts.add(store, "Ann")
    with pytest.raises(AnnotationError, match=message):
        accounts.add(store, name, role)


def test_profiles_are_added_to_and_emptied_by_an_empty_text(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator
    accounts.record_profile(store, ann, {"background": "MSc psychology", "pay": "15 EUR an hour"})
    accounts.record_profile(store, ann, {"language": "CET-6", "pay": ""})
    assert accounts.find(store, "Ann").profile == {"background": "MSc psychology", "language": "CET-6"}
    with pytest.raises(AnnotationError, match="no 'age'"):
        accounts.record_profile(store, ann, {"age": "30"})


def test_only_a_lead_passes_as_one(store: Store) -> None:
    accounts.require_lead(accounts.add(store, "Lea", "lead").annotator)
    with pytest.raises(AnnotationError, match="is for leads"):
        accounts.require_lead(accounts.add(store, "Ann").annotator)
    with pytest.raises(AnnotationError, match="'Bob' is not known; there are: Lea, Ann"):
        accounts.find(store, "Bob")


def test_a_role_typed_wrongly_is_changed_and_the_items_move(store: Store) -> None:
    _, ben, _ = sampled(store, ("Ann", "Ben", "Typed"), annotators=2)
    typed = accounts.find(store, "Typed")
    assert labels.next_item(store, typed) is not None
    accounts.change_role(store, typed, "lead")
    assert adjudication.disagreements(store, accounts.find(store, "typed")) == []
    assert labels.progress(store, typed) == (0, 0) and coverage(store).unassigned == 0
    assert label_all(store, ben, lambda _: GOOD) == 10
    accounts.change_role(store, typed, "annotator")
    with pytest.raises(AnnotationError, match="is for leads"):
        adjudication.disagreements(store, accounts.find(store, "Typed"))
    assert labels.progress(store, typed)[1] > 0
    with pytest.raises(AnnotationError, match="role 'boss' is not known"):
        accounts.change_role(store, typed, "boss")


def test_nobody_who_labels_sees_others_answers_by_a_change_of_role(store: Store) -> None:
    lead = disagreeing(store)
    accounts.change_role(store, lead, "lead")
    adjudication.open_disagreement(store, lead, adjudication.disagreements(store, lead)[0].item_id)
    with pytest.raises(AnnotationError, match="'Lea' has seen others' answers to 1 of the items"):
        accounts.change_role(store, lead, "annotator")
    ann = accounts.find(store, "Ann")
    with pytest.raises(AnnotationError, match=r"'Ann' has labeled 10 of the items.*add NAME --role lead"):
        accounts.change_role(store, ann, "lead")
    accounts.retire(store, ann)
    with pytest.raises(AnnotationError, match="account of 'Ann' is closed"):
        accounts.change_role(store, accounts.find(store, "Ann"), "lead")
    assert [each.role for each in accounts.everyone(store)] == [*["annotator"] * 3, "lead"]
