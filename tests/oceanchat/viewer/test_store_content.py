"""What a page shows of a store: everything, with what is behind it, and no more than may be mailed."""

from pathlib import Path

import pytest

from oceanchat.annotation import accounts
from oceanchat.errors import InputError
from oceanchat.llm.costs import cost_report
from oceanchat.llm.prices import load_prices
from oceanchat.prompts import open_prompts
from oceanchat.records import Dialogue
from oceanchat.release.selection import peoples_labels
from oceanchat.store.database import Store
from oceanchat.viewer.agreement import agreement_section
from oceanchat.viewer.content import PageContent, ShownDialogue
from oceanchat.viewer.sections import SCRIPTED_CAUTION, no_agreement
from oceanchat.viewer.store_content import Sentences, store_content
from tests.oceanchat.annotation.scenes import disagreeing
from tests.oceanchat.release.factories import make_dialogue, make_store


def page_of(store: Store, sentences: Sentences | None = None) -> PageContent:
    costs = cost_report(store, load_prices())
    return store_content(store, None, open_prompts(), costs, no_agreement("None."), sentences)


def by_id(content: PageContent) -> dict[str, ShownDialogue]:
    return {shown.id: shown for shown in content.dialogues}


@pytest.fixture
def dialogues() -> list[Dialogue]:
    return [
        make_dialogue(1),
        make_dialogue(2, state="off-trait", detail="saw E+"),
        make_dialogue(3, "N-", state="gate:copied", detail="repeats 'I once wrote'"),
    ]


def test_every_dialogue_is_shown_with_its_lineage(tmp_path: Path, dialogues: list[Dialogue]) -> None:
    content = page_of(make_store(tmp_path / "study.db", dialogues))
    assert content.title == "study" and content.cautions == [SCRIPTED_CAUTION]
    assert content.summary[:2] == [("1 of 3", "dialogues accepted"), ("2 of 10", "trait-levels")]
    shown = by_id(content)
    assert list(shown) == [each.id for each in dialogues]
    first = shown[dialogues[0].id]
    assert (first.sentence, first.strength) == (dialogues[0].seed_topic, 3)
    assert first.verdict is not None and first.verdict.shown == ("O+",)
    assert shown[dialogues[2].id].verdict is None and shown[dialogues[2].id].turns == dialogues[2].turns


def test_a_large_store_says_how_long_its_page_takes(
    tmp_path: Path, dialogues: list[Dialogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    store = make_store(tmp_path / "store.db", dialogues)
    monkeypatch.setattr("oceanchat.time_left.FIRST_SECONDS", 0)
    costs = cost_report(store, load_prices())
    store_content(store, None, open_prompts(), costs, no_agreement("None."), say=lines.append)
    assert lines and all(line.startswith("writing the page, about ") for line in lines)


def test_sentences_that_may_not_be_passed_on_are_left_out_and_what_quotes_them(
    tmp_path: Path, dialogues: list[Dialogue]
) -> None:
    store = make_store(tmp_path / "store.db", dialogues, shareable=False)
    content = page_of(store)
    for shown in content.dialogues:
        assert (shown.sentence, shown.essay, shown.label_reason) == (None, "", "")
    copied = by_id(content)[dialogues[2].id]
    assert copied.turns == () and "I once wrote" not in copied.detail
    assert "left out" in content.cautions[1] and "--sentences text" in content.cautions[1]
    with_text = page_of(store, "text")
    assert by_id(with_text)[dialogues[0].id].sentence == dialogues[0].seed_topic
    assert "essays.csv" in with_text.cautions[1] and "/home" not in str(with_text)


def test_nothing_is_said_of_sentences_where_there_are_none(tmp_path: Path) -> None:
    bare = make_dialogue(1).model_copy(update={"source": "imported", "seed_topic": None, "seed_reason": ""})
    store = make_store(tmp_path / "store.db", [bare])
    for sentences in (None, "text", "omit"):
        assert page_of(store, sentences).cautions == [SCRIPTED_CAUTION]


def test_votes_are_shown_when_all_have_answered(store: Store) -> None:
    disagreeing(store)
    content = page_of(store)
    outcomes = {shown.trait_level: (len(shown.votes), shown.valid) for shown in content.dialogues}
    assert outcomes["E+"] == (3, True) and outcomes["C+"] == (3, False) and outcomes["O+"] == (3, True)
    assert {vote.annotator for shown in content.dialogues for vote in shown.votes} == {
        f"annotator-{accounts.find(store, name).id}" for name in ("Ann", "Ben", "Cas")
    }
    assert len(peoples_labels(store).complete) == 10 and dict(content.summary)["10"] == "judged by people"
    section = agreement_section(store)
    assert section.tables[0].rows[0][:2] == ("pass rate (majority)", "90.0%")
    assert [row[0] for row in section.tables[1].rows][:2] == ["O+", "C+"]


def test_the_funnel_adds_up_and_leads_to_its_dialogues(tmp_path: Path, dialogues: list[Dialogue]) -> None:
    funnel, lengths, _, costs, recipe = page_of(make_store(tmp_path / "store.db", dialogues)).sections
    assert dict(funnel.bars)["dialogues written"] == 3 and dict(funnel.bars)["passed by the checker"] == 1
    states = {row[0]: row[1:] for row in funnel.tables[1].rows}
    assert [getattr(cell, "state", "") for cell in states["off-trait"]] == ["off-trait", "", "off-trait"]
    assert lengths.tables[0].rows[0][:2] == ("O+", "1") and costs.lead == ["No call of a model is known."]
    assert ("corpus", "essays.csv: 1 essay, 1 sentence") in recipe.tables[0].rows


def test_a_store_where_nothing_passed_has_a_page_and_an_empty_one_has_none(
    tmp_path: Path, store: Store
) -> None:
    rejected = make_store(tmp_path / "rejected.db", [make_dialogue(1, state="gate:length")])
    assert page_of(rejected).sections[1].tables == []
    with pytest.raises(InputError, match="holds no build yet"):
        page_of(store)
