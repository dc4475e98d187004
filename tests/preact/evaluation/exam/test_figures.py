"""Figures of records made by hand."""

import pytest

from oceanchat.traits import CODES
from preact.evaluation.exam.figures import (
    answers_figures,
    behaviour_figures,
    capability_figures,
    dose_figures,
    length_auc,
    names_a_trait,
    neutral_figures,
    persistence_figures,
    refuses,
)
from preact.evaluation.exam.records import (
    SPEAKERS,
    AnswersPart,
    BehaviourPart,
    CapabilityPart,
    DosePart,
    FreeAnswer,
    HeldOutDialogue,
    Losses,
    NeutralPart,
    PersistencePart,
)


def dialogue(code: str, number: int = 0, words: float = 10) -> HeldOutDialogue:
    return HeldOutDialogue(id=f"{code}{number}", code=code, author=f"a{number}", words=words)


def free(text: str, state: str = "answered") -> FreeAnswer:
    return FreeAnswer(speaker="O+", kind="request", asked="?", text=text, state=state)


def test_the_length_auc_counts_pairs_of_one_trait() -> None:
    longer = [dialogue("O+", n, 20) for n in range(3)] + [dialogue("O-", n, 10) for n in range(3)]
    assert length_auc(longer).value == 1.0
    assert length_auc([*longer, dialogue("E+", 0, 5), dialogue("E-", 0, 9)]).value == 0.5
    assert length_auc([dialogue("O+"), dialogue("O-")]).value == 0.5
    assert length_auc([dialogue("O+"), dialogue("E-")]).value is None


def test_margins_and_their_rise_come_dialogue_by_dialogue() -> None:
    shown = tuple(dialogue(code, n) for code in CODES for n in range(4))
    losses = {s: tuple(2.0 - float(s) for _ in shown) for s in ("0.5", "1", "2")}
    same = {s: (2.0,) * len(shown) for s in losses}
    part = DosePart(has_dial=True, dialogues=shown, own=losses, opposite=same)
    figures = dose_figures(part)
    assert figures["rise"].value == pytest.approx(1) and figures["rise:O+"].value == pytest.approx(1)
    assert figures["margin@2"].value == 2.0 and figures["level@2"].value == 1.0
    still = dose_figures(part.model_copy(update={"has_dial": False}))
    assert still["rise"].note == "its strength cannot be set"


def test_lasting_is_paired_and_says_how_long() -> None:
    shown = tuple(dialogue(code, n) for code in CODES for n in range(2))
    right = tuple(tuple(1.0 if c == d.code else 2.0 for c in CODES) for d in shown)
    tied = tuple((2.0,) * 10 for _ in shown)
    part = PersistencePart(
        after={
            "0": Losses(dialogues=shown, losses=right),
            "20": Losses(dialogues=shown, losses=tied),
            "dropped": Losses(dialogues=shown, losses=right),
        },
        left_out=(),
    )
    figures = persistence_figures(part)
    assert figures["accuracy@0"].value == figures["accuracy@dropped"].value == 1.0
    assert figures["accuracy@20"].value == pytest.approx(0.1)
    assert (figures["lasting"].value, figures["lasting"].note) == (pytest.approx(-0.9), "20")
    alone = part.model_copy(update={"after": {"0": part.after["0"]}})
    assert persistence_figures(alone)["lasting"].value is None


def test_predictions_met_are_half_for_who_does_not_tell_levels_apart() -> None:
    ids, traits = ("O1", "O2", "N1"), ("O", "O", "N")
    blind = {speaker: (1.0, 3.0, 1.0) for speaker in SPEAKERS}
    part = BehaviourPart(situations=ids, traits=traits, high=blind, low=dict.fromkeys(SPEAKERS, (2.0,) * 3))
    figures = behaviour_figures(part)
    assert figures["met"].value == figures["backbone_met"].value == figures["moved"].value == 0.5
    acts = {**blind, **{code: (1.0,) * 3 if code[1] == "+" else (3.0,) * 3 for code in CODES}}
    figures = behaviour_figures(part.model_copy(update={"high": acts}))
    assert figures["met"].value == figures["moved"].value == 1.0 and figures["moved_by"].value == 2.0
    assert figures["backbone_met"].value == 0.5 and figures["met:N-"].value == 1.0


def test_costs_are_changes_from_the_backbone() -> None:
    losses = {speaker: (2.0, 4.0) if speaker == "none" else (2.5, 4.5) for speaker in SPEAKERS}
    neutral = neutral_figures(NeutralPart(topics=("a", "b"), losses=losses))
    assert neutral["neutral"].value == neutral["neutral:C-"].value == 0.5
    assert neutral["neutral_backbone"].value == 3.0
    rows = {s: ((1.0, 2.0, 2.0, 2.0), (1.0, 1.0, 2.0, 2.0)) for s in SPEAKERS}
    capability = capability_figures(CapabilityPart(questions=("1", "2"), losses=rows))
    assert capability["capability"].value == 0.0 and capability["capability_backbone"].value == 0.75


@pytest.mark.parametrize(
    "text", ["I can't help with that.", "I\u2019m sorry, but no.", "As an AI, I do not."]
)
def test_refusals_show_at_the_beginning(text: str) -> None:
    assert refuses(free(text)) and refuses(free("", "refused"))
    assert not refuses(free("Take two spoons of sugar. " * 9 + text)) and not refuses(free("Sure, here."))


@pytest.mark.parametrize(
    "text", ["I am high in Openness.", "Being an extrovert, I go out.", "My NEUROTICISM"]
)
def test_a_trait_s_name_is_not_its_adjective_in_everyday_use(text: str) -> None:
    assert names_a_trait(free(text))
    assert not names_a_trait(free("I keep an open mind and like people."))


def test_lengths_of_own_answers_are_compared_question_by_question() -> None:
    answers = tuple(
        FreeAnswer(speaker=s, kind="open", asked=asked, text="word " * (9 if s[1:] == "+" else 3), state="")
        for s in SPEAKERS
        for asked in ("a", "b")
    )
    figures = answers_figures(AnswersPart(answers=answers))
    assert figures["longer"].value == 1.0 and figures["named"].value == 0.0


def test_a_change_that_is_the_same_everywhere_has_the_interval_of_its_two_shares() -> None:
    def answers(text: str, plain: str) -> AnswersPart:
        return AnswersPart(
            answers=tuple(
                FreeAnswer(
                    speaker=s, kind="request", asked=str(n), text=plain if s == "none" else text, state=""
                )
                for s in SPEAKERS
                for n in range(30)
            )
        )

    lost = answers_figures(answers("Sure, here it is.", "I can't help with that."))["refusals"]
    assert lost.value == -1.0 and lost.low == -1.0 and lost.high is not None and lost.high < -0.5
    same = answers_figures(answers("I can't help with that.", "I can't help with that."))["refusals"]
    assert same.value == 0.0 and same.low is not None and same.high is not None
    assert -0.2 < same.low < 0 < same.high < 0.2
