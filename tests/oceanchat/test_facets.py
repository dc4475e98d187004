"""Thirty facets, known by their usual spellings."""

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.facets import FACETS, Facet, facet_named


def test_there_are_thirty_facets_six_to_a_trait() -> None:
    assert [len(facets) for facets in FACETS.values()] == [6] * 5
    assert len({facet.id for facets in FACETS.values() for facet in facets}) == 30


@given(st.text())
def test_any_text_is_a_facet_or_none(text: str) -> None:
    assert facet_named(text) is None or isinstance(facet_named(text), Facet)


def test_facets_are_found_under_their_usual_spellings() -> None:
    for text in ("activity level", "Activity_Level", " activity-level ", "ACTIVITY LEVEL"):
        facet = facet_named(text)
        assert facet is not None and facet.id == "activity-level"
