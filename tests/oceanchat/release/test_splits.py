"""Splits by author: nothing that belongs together is divided, whatever the rows."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import ConfigError
from oceanchat.near_pairs import near_pairs
from oceanchat.release.splits import Member, SplitRatio, assign_splits, parse_ratio, seed_key
from oceanchat.traits import CODES
from tests.oceanchat.release.factories import make_dialogues

RATIO = SplitRatio(80, 10, 10)


@st.composite
def members(draw: st.DrawFn) -> list[Member]:
    texts = st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=12).map(" ".join)
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(CODES),
                st.sampled_from(["", "ann", "bo", "cy", "di", "ed", "flo"]),
                st.sampled_from(["", "Seed one.", "seed ONE", "seed two", "three"]),
                texts,
            ),
            max_size=24,
        )
    )
    return [Member(f"{number:03}", *row) for number, row in enumerate(rows)]


@given(members(), st.sampled_from([RATIO, SplitRatio(34, 33, 33), SplitRatio(100, 0, 0)]), st.integers(0, 3))
def test_no_author_seed_topic_or_near_duplicate_is_in_two_splits(
    rows: list[Member], ratio: SplitRatio, seed: int
) -> None:
    assigned = assign_splits(rows, ratio, seed)
    assert assigned.keys() == {row.id for row in rows}
    together: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for key in (f"author {row.author}" if row.author else "", f"seed {seed_key(row.seed_topic)}"):
            if key not in ("", "seed "):
                together[key].add(assigned[row.id])
    for pair in near_pairs([row.text for row in rows], 0.5):
        assert assigned[rows[pair.first].id] == assigned[rows[pair.second].id]
    assert all(len(splits) == 1 for splits in together.values())
    if ratio.train == 100:
        assert set(assigned.values()) <= {"train"}


@given(members(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[Member], shuffle: object) -> None:
    shuffled = list(rows)
    shuffle.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign_splits(rows, RATIO, 0) == assign_splits(shuffled, RATIO, 0)


def test_every_trait_level_gets_its_share() -> None:
    dialogues = make_dialogues(40)
    rows = [Member(d.id, d.trait_level.code, f"{d.author}-{d.order}", "", d.text) for d in dialogues]
    assigned = assign_splits(rows, RATIO, 0)
    counts = Counter((row.trait_level, assigned[row.id]) for row in rows)
    for code in CODES:
        assert [counts[code, split] for split in ("train", "validation", "test")] == [32, 4, 4]


def test_a_chain_of_near_duplicates_stays_together() -> None:
    words = [f"w{number}" for number in range(40)]
    texts = [" ".join(words[start : start + 20]) for start in (0, 5, 10, 15)]
    rows = [Member(str(number), "O+", "", "", text) for number, text in enumerate(texts)]
    other = [Member(f"x{number}", "O+", "", "", f"quite other words {number} " * 6) for number in range(20)]
    assigned = assign_splits(rows + other, SplitRatio(50, 25, 25), 0)
    assert len({assigned[row.id] for row in rows}) == 1
    assert set(assigned.values()) == {"train", "validation", "test"}


@pytest.mark.parametrize(("authors", "splits"), [(1, 1), (2, 2), (3, 3), (5, 3)])
def test_few_authors_still_fill_every_split_they_can(authors: int, splits: int) -> None:
    rows = [Member(f"{n}", CODES[n % 10], f"a{n % authors}", "", f"words of row {n} " * 3) for n in range(50)]
    assert len(set(assign_splits(rows, RATIO, 0).values())) == splits


def test_another_seed_gives_other_splits() -> None:
    rows = [Member(f"{n}", "O+", f"a{n}", "", f"words of number {n} " * 3) for n in range(50)]
    assert assign_splits(rows, RATIO, 0) != assign_splits(rows, RATIO, 1)


def test_a_ratio_is_three_numbers_that_sum_to_100() -> None:
    assert parse_ratio("80/10/10") == RATIO
    assert parse_ratio("100/0/0") == SplitRatio(100, 0, 0)
    for wrong in ("80/10", "80/10/20", "a/b/c", "0/50/50", "80,10,10", "-10/100/10"):
        with pytest.raises(ConfigError, match=f"--split-ratio '{wrong}'"):
            parse_ratio(wrong)
