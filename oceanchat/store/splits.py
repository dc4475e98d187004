"""Know which items annotators are split on.

Pure functions of current labels. An item is split when it has all its labels and they differ in the outcome
or in any criterion; the wording of comments is no difference. A lead's decision counts only while its item is
split: annotators who have come to agree have the last word.
"""

from collections.abc import Iterable, Mapping, Sequence

from oceanchat.store.assignments import COUNTED
from oceanchat.store.labels import ItemLabel
from oceanchat.store.presentations import Answers

COMMENT = "comment"
"""The question that is answered in free text."""


def criteria(answers: Answers) -> dict[str, str]:
    """The answers that can be compared: all but the comment."""
    return {name: answer for name, answer in answers.items() if name != COMMENT}


def votes_by_item(current: Iterable[ItemLabel]) -> dict[int, list[ItemLabel]]:
    """Item id -> the annotators' labels that count."""
    votes: dict[int, list[ItemLabel]] = {}
    for label in current:
        if label.purpose == COUNTED:
            votes.setdefault(label.item_id, []).append(label)
    return votes


def complete_items(votes: Mapping[int, Sequence[ItemLabel]], overlap: int) -> set[int]:
    """The items that have all their labels."""
    return {item for item, cast in votes.items() if len(cast) >= overlap}


def is_split(cast: Sequence[ItemLabel]) -> bool:
    """Whether labels of one item differ in outcome or in any criterion."""
    return any(
        vote.value != cast[0].value or criteria(vote.answers) != criteria(cast[0].answers) for vote in cast
    )


def split_items(votes: Mapping[int, Sequence[ItemLabel]], overlap: int) -> set[int]:
    """The items that have all their labels, which differ."""
    return {item for item in complete_items(votes, overlap) if is_split(votes[item])}


def decisions(current: Iterable[ItemLabel]) -> dict[int, ItemLabel]:
    """Item id -> the lead's decision, whether it counts or not."""
    return {label.item_id: label for label in current if label.purpose == "adjudicate"}
