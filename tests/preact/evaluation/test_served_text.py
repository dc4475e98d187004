"""What is said of a served endpoint, and what is left open."""

import torch

from oceanchat.traits import TRAIT_LEVELS
from preact.evaluation.loss_figures import margin, named_right
from preact.evaluation.served_check import ServedCheck
from preact.evaluation.served_text import as_json, as_lines, problems, undecided
from preact.systems.served import ServedNames
from tests.preact.evaluation.test_served_figures import TALKS, losses


def check(rows: list[int], right: bool) -> ServedCheck:
    """Of these dialogues, whose names are the trait-levels' own or the next ones'."""
    scores = losses(range(10) if right else [*range(1, 10), 0])[torch.tensor(rows)]
    talks = [TALKS[row] for row in rows]
    names = ServedNames("", {t: t.name for t in TRAIT_LEVELS}, None, False)
    named = named_right(scores, talks)
    return ServedCheck(names, "test", len(talks), 0, named, margin(scores, talks), 0.0, None, [], [], None)


def test_one_dialogue_says_neither_wrong_nor_right() -> None:
    for right in (True, False):
        single = check([0], right)
        assert problems(single) == [] and as_json(single)["right"] is None
        unseen = undecided(single)[0]
        assert "c-high, e-high" in unseen and "o-high" not in unseen and "--split all" in unseen
        assert as_lines(single)[0].endswith("split test: 1 dialogue")
    assert "1 dialogue cannot say whether" in undecided(check([0], right=False))[1]


def test_enough_dialogues_say_which() -> None:
    every = list(range(len(TALKS)))
    assert (problems(check(every, right=True)), undecided(check(every, right=True))) == ([], [])
    (line,) = problems(check(every, right=False))
    assert "no better than chance" in line and undecided(check(every, right=False)) == []
