"""Losses of dialogues, whole and with length taken out."""

from pathlib import Path
from typing import Any

import pytest
import torch

from oceanchat.prompts import Message
from preact.dialogues.conversation import IGNORED
from preact.persona import parse_persona
from preact.systems.scoring import cut_answers, encode_answers, score, token_ends
from preact.systems.trained import TrainedModel, open_run

LONG = "I like long walks and quiet evenings with a book."
TALK = (
    Message("user", "What do you like?"),
    Message("assistant", LONG),
    Message("user", "And then?"),
    Message("assistant", "No."),
    Message("user", "And now?"),
    Message("assistant", f"{LONG} {LONG}"),
)


@pytest.fixture(scope="module")
def trained(runs: dict[str, Path]) -> TrainedModel:
    return open_run(runs["preact"])


def labeled(trained: TrainedModel, **options: Any) -> list[list[int]]:
    """The labeled tokens of TALK, an answer at a time."""
    example = encode_answers(trained, TALK, **options)
    assert example is not None
    spans: list[list[int]] = [[]]
    for label in example.labels:
        if label == IGNORED:
            spans.append([])
        else:
            spans[-1].append(label)
    return [span for span in spans if span]


def test_a_loss_is_the_model_s_own_on_the_answers(trained: TrainedModel) -> None:
    example = encode_answers(trained, TALK)
    assert example is not None
    with torch.no_grad(), trained.portraying(parse_persona("O+")) as portrayal:
        logits = trained.model(torch.tensor([example.ids]), **portrayal.arguments).logits[0, :-1]
    labels = torch.tensor(example.labels[1:])
    expected = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED)
    assert score(trained, [TALK], parse_persona("O+"))[0] == pytest.approx(float(expected), abs=1e-5)


def test_every_long_answer_ends_after_as_many_tokens_and_a_short_one_is_not_scored(
    trained: TrainedModel,
) -> None:
    whole, cut = labeled(trained), labeled(trained, cut=5)
    special = set(trained.tokenizer.all_special_ids)
    assert len(whole) == 3 and all(span[-1] in special for span in whole)
    assert [len(span) for span in cut] == [5, 5] and not special & {token for span in cut for token in span}
    assert cut[0] == whole[0][:5] and cut[1] == whole[2][:5]


def test_answers_in_the_context_are_cut_too(trained: TrainedModel) -> None:
    example = encode_answers(trained, TALK, cut=5)
    assert example is not None and trained.tokenizer.decode(example.ids).count("book") == 0


def test_what_comes_after_the_cut_changes_nothing(trained: TrainedModel) -> None:
    other = [
        m._replace(content=m.content + " More and more." * 9) if len(m.content) > 30 else m for m in TALK
    ]
    persona = parse_persona("N-")
    assert score(trained, [TALK], persona, 5) == score(trained, [other], persona, 5)
    assert score(trained, [TALK], persona) != score(trained, [other], persona)


def test_a_dialogue_of_short_answers_has_no_loss_and_others_keep_their_own(trained: TrainedModel) -> None:
    short = (Message("user", "What do you like?"), Message("assistant", "No."))
    persona = parse_persona("N-")
    alone = score(trained, [TALK], persona, 5)
    assert score(trained, [short, TALK], persona, 5) == [None, pytest.approx(alone[0], abs=1e-5)]


def test_tokens_end_where_the_text_ends(trained: TrainedModel) -> None:
    (ends,) = token_ends(trained.tokenizer, [LONG])
    assert ends[-1] == len(LONG) and ends == sorted(ends)
    (cut,) = cut_answers([Message("assistant", LONG)], [ends], 3)
    assert LONG.startswith(cut.content) and len(cut.content) == ends[2]


def test_answers_that_are_skipped_are_read_and_not_scored(trained: TrainedModel) -> None:
    whole = labeled(trained)
    assert labeled(trained, skip=1) == whole[1:]
    assert labeled(trained, skip=1, cut=5) == [whole[2][:5]]
    example = encode_answers(trained, TALK, skip=1, cut=5)
    assert example is not None
    # A skipped answer stays whole in the context, the others are cut.
    assert trained.tokenizer.decode(example.ids).count("book") == 1
    assert encode_answers(trained, TALK[:4], skip=1, cut=5) is None
    persona = parse_persona("N-")
    assert score(trained, [TALK], persona, skip=2) != score(trained, [TALK[4:]], persona)
