"""Which items are split."""

from oceanchat.store.splits import is_split, split_items, votes_by_item
from tests.oceanchat.annotation.test_attention import item_label

YES = {"trait_shown": "yes", "coherent": "yes"}
NO = {"trait_shown": "no", "coherent": "yes", "comment": "a"}


def test_comments_are_no_difference_and_criteria_are() -> None:
    one, two = (item_label(1, answers=NO | {"comment": text}, value="no") for text in ("a", "b"))
    assert not is_split([one, two])
    assert is_split([one, item_label(1, answers={"trait_shown": "yes", "coherent": "no"}, value="no")])
    assert is_split([one, item_label(1, answers=YES, value="yes")])


def test_only_items_with_all_their_labels_are_split() -> None:
    cast = [item_label(1, answers=YES, value="yes"), item_label(1, answers=NO, value="no")]
    repeat = item_label(1, "repeat", answers=NO, value="no")
    votes = votes_by_item([*cast, repeat])
    assert split_items(votes, 2) == {1} and split_items(votes, 3) == set()
