"""Inventories: the bundled keys, the file format and what it refuses."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import EvaluationError, OceanChatError
from oceanchat.traits import TRAITS, Trait
from preact.evaluation.interview.inventories import bfi_keys, load_inventory, parse_inventory

HEADER = "id,trait,reversed,question\n"


def small(*extra: str) -> str:
    rows = [f"{t}{n},{t},{'yes' if n else 'no'},What about {t} {n}?" for t in TRAITS for n in (0, 1)]
    return HEADER + "\n".join([*rows, *extra]) + "\n"


def test_ipip50_has_the_published_balance_of_keys_with_factor_four_turned_into_neuroticism() -> None:
    inventory = load_inventory("ipip50")
    assert [item.id for item in inventory.items] == [str(n) for n in range(1, 51)]
    balance = {
        trait.value: (
            sum(not item.reversed for item in inventory.of_trait(trait)),
            sum(item.reversed for item in inventory.of_trait(trait)),
        )
        for trait in TRAITS
    }
    assert balance == {"E": (5, 5), "A": (6, 4), "C": (6, 4), "N": (8, 2), "O": (7, 3)}


def test_every_ipip50_question_is_one_of_its_own_in_the_second_person() -> None:
    questions = [item.question for item in load_inventory("ipip50").items]
    assert len(set(questions)) == 50
    addressed = [q for q in questions if {"you", "your", "yours"} & set(re.findall("[a-z]+", q.lower()))]
    assert len(addressed) >= 47
    assert not [q for q in questions if not q.endswith(("?", "."))]


def test_bfi44_keys_count_8_9_9_8_10_items_of_which_16_are_reversed() -> None:
    keys = bfi_keys()
    assert Counter(trait.value for trait, _ in keys.values()) == {"E": 8, "A": 9, "C": 9, "N": 8, "O": 10}
    assert sum(backwards for _, backwards in keys.values()) == 16
    assert keys["1"] == (Trait.E, False) and keys["43"] == (Trait.C, True) and keys["9"] == (Trait.N, True)


def test_a_bfi44_wording_file_takes_its_keys_from_the_bundle_and_records_its_sha256(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("id,question\n" + "".join(f"{n},Question {n}?\n" for n in range(1, 45)))
    inventory = load_inventory(f"bfi44:{file}")
    assert len(inventory.of_trait(Trait.O)) == 10 and inventory.items[5].reversed
    assert inventory.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_bfi44_wording_file_that_lacks_an_item_is_refused_by_its_id(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("id,question\n" + "".join(f"{n},Question {n}?\n" for n in range(1, 44)))
    with pytest.raises(EvaluationError, match="lacks the items '44'"):
        load_inventory(f"bfi44:{file}")


def test_bfi44_without_a_file_says_why_and_what_to_do() -> None:
    with pytest.raises(EvaluationError, match="bfi44:FILE"):
        load_inventory("bfi44")


def test_run_zero_keeps_the_order_and_run_k_is_shuffled_by_seed_k() -> None:
    inventory = load_inventory("ipip50")
    assert inventory.in_order(Trait.O, 0) == inventory.of_trait(Trait.O)
    first, again = inventory.in_order(Trait.O, 1), inventory.in_order(Trait.O, 1)
    assert first == again != inventory.of_trait(Trait.O)
    assert set(first) == set(inventory.of_trait(Trait.O))
    assert inventory.in_order(Trait.O, 2) != first


def test_a_file_may_name_dimensions_in_full_in_any_case() -> None:
    assert parse_inventory("x", small("z,openness,R,And you?").encode()).items[-1].trait is Trait.O


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (small("O0,O,no,Again?"), "id 'O0' twice"),
        (small("q,Honesty,no,Do you?"), "dimension 'Honesty' is unknown"),
        (small("q,O,maybe,Do you?"), "reversed mark 'maybe'"),
        (small("q,O,no,"), "empty question"),
        (small(",O,no,Do you?"), "empty id"),
        (small().replace(",yes,", ",no,"), "no item with a reversed mark"),
        (small().replace("reversed,", "").replace(",yes,", ",").replace(",no,", ","), "no column 'reversed'"),
        (HEADER + "1,O,no,Only one?\n", "fewer than two items for .*; give each trait two or more"),
        ("", "no column 'id'"),
        ("id,id,trait,reversed,question\n", "'id' twice"),
        (small('q,O,no,"Do you?'), "is not a CSV file"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        parse_inventory("mine", text.encode())


def test_a_missing_file_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"nowhere\.csv"):
        load_inventory(str(tmp_path / "nowhere.csv"))


def test_a_file_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(EvaluationError, match="UTF-8"):
        parse_inventory("mine", HEADER.encode() + b"\xff\xfe\xff")


APPENDED = st.text(max_size=200).map(lambda tail: (small() + tail).encode("utf-8", "replace"))
FILES = st.one_of(st.binary(max_size=300), APPENDED)


@given(FILES)
def test_any_bytes_give_an_inventory_or_a_plain_refusal(content: bytes) -> None:
    try:
        inventory = parse_inventory("fuzzed", content)
    except OceanChatError as error:
        assert "fuzzed" in str(error)
    else:
        assert len({item.id for item in inventory.items}) == len(inventory.items)
