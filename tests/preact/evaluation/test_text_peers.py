"""Classifiers on words and length: what each of them sees, and what it cannot."""

from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS, Level
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.loss_figures import named_right
from preact.evaluation.text_peers import PEERS, peer_losses


def dialogues(texts: dict[int, list[str]]) -> list[TrainingDialogue]:
    """For each trait id one dialogue a text."""
    return [
        TrainingDialogue(
            f"{i}-{n}", TRAIT_LEVELS[i], (Message("user", "Well?"), Message("assistant", t)), "x", ""
        )
        for i, own in texts.items()
        for n, t in enumerate(own)
    ]


def words(trait_id: int) -> str:
    return f"word{trait_id}"


def length(trait_id: int) -> int:
    return 30 if TRAIT_LEVELS[trait_id].level is Level.HIGH else 6


def test_words_name_the_trait_level_and_length_only_the_level() -> None:
    own = dialogues({i: [" ".join([words(i)] * (length(i) + n)) for n in range(6)] for i in range(10)})
    figures = {name: named_right(losses, own) for name, losses in peer_losses(own, own).items()}
    assert set(figures) == set(PEERS)
    assert figures["tfidf"].accuracy.value == figures["tfidf_length"].accuracy.value == 1.0
    assert figures["length"].level_given_trait.value == 1.0
    assert figures["length"].accuracy.value is not None and figures["length"].accuracy.value < 0.4


def test_length_helps_where_words_say_nothing() -> None:
    own = dialogues({i: [" ".join(["same"] * (length(i) + n)) for n in range(6)] for i in range(10)})
    figures = {name: named_right(losses, own) for name, losses in peer_losses(own, own).items()}
    assert figures["tfidf_length"].level_given_trait.value == 1.0
    level = figures["tfidf"].level_given_trait.value
    assert level is not None and level < 0.7


def test_nothing_is_fitted_on_one_trait_level_or_on_silence() -> None:
    asked = dialogues({0: ["a word"]})
    assert peer_losses(asked, asked) == {} == peer_losses([], asked)
    assert peer_losses(dialogues({0: [" "], 1: [""]}), asked) == {}


def test_a_trait_level_never_seen_is_never_named() -> None:
    seen = dialogues({0: ["apples"] * 3, 5: ["pears"] * 3})
    losses = peer_losses(seen, dialogues({0: ["apples"], 5: ["pears"]}))["tfidf"]
    assert losses.shape == (2, 10) and losses.argmin(dim=1).tolist() == [0, 5]
    assert bool(losses.isfinite().all())


def test_what_is_asked_may_hold_no_answer() -> None:
    seen = dialogues({0: ["apples"] * 3, 5: ["pears"] * 3})
    silent = TrainingDialogue("s", TRAIT_LEVELS[0], (), "x", "")
    assert all(bool(losses.isfinite().all()) for losses in peer_losses(seen, [silent]).values())
