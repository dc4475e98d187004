"""Train, validation and test by author.

What belongs together is never divided: rows of one author, of one seed topic, or near-duplicates of each
other form a group, and groups go whole to the split whose trait-levels they fill best. Pure and
deterministic: equal rows and seed give equal splits in any order.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oceanchat.errors import ConfigError
from oceanchat.near_duplicates import words_of
from oceanchat.near_pairs import near_pairs

SPLITS = ("train", "validation", "test")
NEAR = 0.5
"""Jaccard similarity of word 5-grams from which two rows must stay together."""


class SplitRatio(NamedTuple):
    """Per cent of the rows in each split."""

    train: int
    validation: int
    test: int


class Member(NamedTuple):
    """What decides with whom a row belongs."""

    id: str
    trait_level: str
    author: str
    """Empty when unknown."""
    seed_topic: str
    """Empty when unknown."""
    text: str


def parse_ratio(text: str) -> SplitRatio:
    """Read '80/10/10'. Raises ConfigError unless it is three whole numbers that sum to 100."""
    parts = text.split("/")
    if len(parts) != len(SPLITS) or not all(part.strip().isdigit() for part in parts):
        raise ConfigError(f"--split-ratio '{text}' is not three whole numbers; write it like 80/10/10")
    ratio = SplitRatio(*(int(part) for part in parts))
    if sum(ratio) != 100 or not ratio.train:
        raise ConfigError(
            f"--split-ratio '{text}' must sum to 100 and give train a share; write it like 80/10/10"
        )
    return ratio


def seed_key(text: str) -> str:
    """Equal for seed topics that differ only in case, spacing or punctuation."""
    return " ".join(words_of(text))


def groups(members: Sequence[Member]) -> list[list[int]]:
    """Indices of the rows that belong together, each group and the list of them in order."""
    parent = list(range(len(members)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def join(first: int, second: int) -> None:
        low, high = sorted((root(first), root(second)))
        parent[high] = low

    seen: dict[tuple[str, str], int] = {}
    for index, member in enumerate(members):
        for kind, key in (("author", member.author), ("seed", seed_key(member.seed_topic))):
            if key:
                join(seen.setdefault((kind, key), index), index)
    for pair in near_pairs((member.text for member in members), NEAR):
        join(pair.first, pair.second)
    together: defaultdict[int, list[int]] = defaultdict(list)
    for index in range(len(members)):
        together[root(index)].append(index)
    return list(together.values())


def assign_splits(members: Sequence[Member], ratio: SplitRatio, seed: int) -> dict[str, str]:
    """Row id -> split, stratified by trait-level as far as whole groups allow."""
    members = sorted(members)
    totals = Counter(member.trait_level for member in members)
    wanted = {name: share / 100 for name, share in zip(SPLITS, ratio, strict=True) if share}
    filled: dict[str, Counter[str]] = {name: Counter() for name in wanted}
    split_groups: dict[str, list[list[int]]] = {name: [] for name in wanted}
    for group in sorted(groups(members), key=lambda group: (-len(group), _lot(members[group[0]].id, seed))):
        levels = Counter(members[index].trait_level for index in group)
        best = min(wanted, key=lambda name: _worse(levels, filled[name], totals, wanted[name]))
        filled[best].update(levels)
        split_groups[best].append(group)
    _fill_empty(split_groups)
    return {members[index].id: name for name, own in split_groups.items() for group in own for index in group}


def _fill_empty(split_groups: dict[str, list[list[int]]]) -> None:
    """Give every split a group as long as another has two: the smallest of the split with the most."""
    for name in split_groups:
        richest = max(split_groups, key=lambda other: len(split_groups[other]))
        if not split_groups[name] and len(split_groups[richest]) > 1:
            split_groups[name].append(split_groups[richest].pop())


def _worse(
    levels: Mapping[str, int], filled: Mapping[str, int], totals: Mapping[str, int], share: float
) -> float:
    """How much farther from its target a split is with this group in it; negative when it comes nearer."""
    change = 0.0
    for level, count in levels.items():
        target = totals[level] * share
        before, after = filled.get(level, 0) - target, filled.get(level, 0) + count - target
        change += (after * after - before * before) / max(target, 1.0)
    return change


def _lot(key: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {key}".encode()).hexdigest()
