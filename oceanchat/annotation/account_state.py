"""What an account's holder does now.

The one word that the lead reads of somebody, in the terminal, on the page of progress and in JSON.
"""

from oceanchat.annotation.conversations import newest_evaluation
from oceanchat.annotation.labels import progress
from oceanchat.annotation.qualification import waits_for_lead
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store

WAITS = "waits for the lead"
"""Of somebody whose practice fell short twice: only `oceanchat annotators admit` or the page lets them in."""
QUALIFYING = "qualifying"
"""Of somebody who has not finished the practice."""


def account_state(store: Store, account: Annotator, sample_number: int | None = None) -> str:
    """What somebody does now.

    'lead' or 'retired'; 'qualifying' before they may validate, or WAITS; 'validating' and 'rating' while
    items of the sample (None: the newest) and conversations of the newest evaluation wait for them; 'done'
    after the last of both, 'admitted' before there are any.
    """
    if account.retired_at is not None:
        return "retired"
    if account.role == "lead":
        return "lead"
    evaluation = newest_evaluation(store)
    validated, to_validate = progress(store, account, sample_number)
    rated, to_rate = (0, 0) if evaluation is None else progress(store, account, evaluation.id)
    if account.admitted_at is None and (to_validate or not to_rate):
        return WAITS if waits_for_lead(store, account) else QUALIFYING
    if validated < to_validate:
        return "validating"
    if rated < to_rate:
        return "rating"
    return "done" if to_validate or to_rate else "admitted"
