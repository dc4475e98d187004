"""What the scripted labeler makes of sentences, and the pattern language behind it."""

import pytest

from oceanchat.corpus.essays import open_corpus
from oceanchat.corpus.segmentation import sentences_of
from oceanchat.pipeline.labeling import parse_label, parse_labels
from oceanchat.prompts import open_prompts
from oceanchat.scripted.labeling import label_sentence
from oceanchat.scripted.lexica import FACET_LEVELS, label_index
from oceanchat.scripted.model import reply_to
from oceanchat.scripted.patterns import PatternIndex, tokens_of
from oceanchat.traits import TRAIT_LEVELS, TRAITS, Level, Trait


def matches(pattern: str, text: str) -> bool:
    return any(True for _ in PatternIndex({"group": [(pattern, 1.0)]}).find(tokens_of(text)))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("worr*", "I keep worrying", True),
        ("worr*", "a sworn word", False),
        ("clean ~ room", "I clean my very messy room", True),
        ("clean ~ room", "I clean. The room waits", False),
        ("sad/blue", "feeling blue", True),
        ("@neg care", "I don\u2019t care", True),
        ("cant sleep", "I can't sleep", True),
    ],
)
def test_a_pattern_finds_what_it_should(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    ("sentence", "trait", "label"),
    [
        ("I am so worried about this exam that I can't sleep.", Trait.N, "anxiety-high"),
        ("I am not worried about the exam at all.", Trait.N, "anxiety-low"),
        ("I keep putting it off until the last minute.", Trait.C, "self-discipline-low"),
        ("I made a to do list and organized my desk.", Trait.C, "orderliness-high"),
        ("I can't wait for the party, all my friends will be there!", Trait.E, "gregariousness-high"),
        ("I don't trust him, he lied to me before.", Trait.A, "trust-low"),
        ("I like to daydream and imagine another world.", Trait.O, "fantasy-high"),
    ],
)
def test_plain_sentences_get_the_facet_they_speak_of(sentence: str, trait: Trait, label: str) -> None:
    facet_level = label_sentence(sentence, trait).facet_level
    assert facet_level is not None
    assert facet_level.key == label


@pytest.mark.parametrize(
    "sentence", ["", "The library opens at nine.", "Sale: two for one!", "12345", "\x00"]
)
def test_sentences_without_evidence_are_neutral(sentence: str) -> None:
    assert all(label_sentence(sentence, trait).facet_level is None for trait in TRAITS)


def test_more_evidence_is_more_strength() -> None:
    weak = label_sentence("I am worried.", Trait.N)
    strong = label_sentence("I am so worried and scared and nervous, I panic.", Trait.N)
    assert 1 <= weak.strength < strong.strength <= 5


def test_every_facet_level_has_words_to_go_by() -> None:
    for key, facet_level in FACET_LEVELS.items():
        words = label_index(facet_level.facet.trait)
        assert any(pattern.group == key for known in words._exact.values() for pattern in known), key


def test_replies_are_what_the_parser_reads() -> None:
    prompts, sentence = open_prompts(None), "I am so worried about everything."
    parsed = parse_label(
        reply_to(prompts["label"].fill(trait="Neuroticism", definition="d", facets="f", sentence=sentence)),
        Trait.N,
    )
    assert parsed is not None
    assert parsed.facet is not None
    assert parsed.facet.id == "anxiety"
    numbered = f"1. {sentence}\n2. The bus is green."
    many = reply_to(
        prompts["label_many"].fill(trait="Neuroticism", definition="d", facets="f", sentences=numbered)
    )
    labels = parse_labels(many, Trait.N, 2)
    assert [label is not None and label.facet is not None for label in labels] == [True, False]


def test_the_bundled_essays_give_twenty_seeds_for_each_trait_level() -> None:
    seeds = dict.fromkeys(TRAIT_LEVELS, 0)
    for essay in open_corpus(None).essays:
        here = dict.fromkeys(TRAIT_LEVELS, 0)
        for sentence in sentences_of(essay).sentences:
            for trait in TRAITS:
                facet_level = label_sentence(sentence.text, trait).facet_level
                if facet_level is not None:
                    here[facet_level.trait_level] += 1
        for trait_level, count in here.items():
            seeds[trait_level] += min(count, 3)
    assert min(seeds.values()) >= 20


def test_levels_are_told_apart_on_negation() -> None:
    facet_level = label_sentence(
        "I have never been organized, I am not responsible either.", Trait.C
    ).facet_level
    assert facet_level is not None
    assert facet_level.level is Level.LOW
