"""What prompts say of a trait-level fills the templates that ship."""

from oceanchat.facets import FACETS
from oceanchat.pipeline.trait_blanks import exchanges_blank, facet_blanks, label_blanks, level_blanks
from oceanchat.prompts import BLANKS
from oceanchat.traits import Trait, TraitLevel


def test_values_fill_all_blanks_but_those_of_the_text_at_hand() -> None:
    level = TraitLevel.parse("N-")
    values = level_blanks(level) | facet_blanks(level, FACETS[Trait.N][0])
    assert BLANKS["write"] - values.keys() == {"exchanges", "words", "seed_topic"}
    assert BLANKS["label"] - label_blanks(Trait.N).keys() == {"sentence"}
    assert len(label_blanks(Trait.N)["facets"].splitlines()) == 12
    assert (
        "Neuroticism" not in values["other_traits"] and FACETS[Trait.N][0].low in values["facet_description"]
    )


def test_exchanges_are_counted_in_words() -> None:
    assert exchanges_blank(1) == "1 exchange, that is 2 lines: 1 question, 1 answer"
    assert exchanges_blank(5) == "5 exchanges, that is 10 lines: 5 questions, 5 answers"
