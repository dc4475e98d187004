"""One word of what somebody does now."""

from oceanchat.annotation import accounts
from oceanchat.annotation.account_state import WAITS, account_state
from oceanchat.annotation.sample import SampleConfig, draw_sample
from oceanchat.store.database import Store
from tests.oceanchat.annotation.scenes import GOOD, fill, label_all
from tests.oceanchat.annotation.talks import evaluated, rate_all
from tests.oceanchat.annotation.test_qualification import again, work


def test_the_state_follows_somebody_through_a_study(store: Store) -> None:
    ann = accounts.add(store, "Ann").annotator

    def state() -> str:
        return account_state(store, accounts.find(store, "Ann"))

    assert state() == "qualifying"
    work(store, ann, wrong=3)
    assert state() == "qualifying"
    again(store, ann, right=0)
    assert state() == WAITS
    accounts.admit(store, ann)
    assert state() == "admitted"
    fill(store, 1)
    draw_sample(store, SampleConfig(per_trait_level=1, min_seconds=0, annotators=1), [])
    assert state() == "validating"
    assert label_all(store, ann, lambda _: GOOD) == 10
    assert state() == "done"
    accounts.retire(store, ann)
    assert state() == "retired"


def test_who_only_rates_models_needs_no_admission(store: Store) -> None:
    evaluated(store, ("Ann", "Ben"), levels=1)
    ann, new = accounts.find(store, "Ann"), accounts.add(store, "New").annotator
    assert [account_state(store, each) for each in (ann, new)] == ["rating", "rating"]
    rate_all(store, ann)
    assert account_state(store, ann) == "done"
