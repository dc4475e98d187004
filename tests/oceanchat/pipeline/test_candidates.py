"""The canonical order: target-level authors first, many authors early, every sentence once."""

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.pipeline.candidates import Place, candidate_blocks
from oceanchat.pipeline.seed_topics import BLOCK
from oceanchat.store.corpora import EssayPlace
from oceanchat.traits import Level, Trait, TraitLevel

HIGH, LOW = (TraitLevel(Trait.O, level) for level in (Level.HIGH, Level.LOW))
ESSAYS = st.lists(
    st.tuples(st.sampled_from([Level.HIGH, Level.LOW, None]), st.integers(0, 9)), max_size=30
).map(
    lambda made: [
        EssayPlace(number, f"e{number}", {Trait.O: level} if level else {}, count)
        for number, (level, count) in enumerate(made)
    ]
)


def in_order(essays: list[EssayPlace], trait_level: TraitLevel, seed: int, together: int = 1) -> list[Place]:
    return [
        p for block in candidate_blocks(essays, trait_level, seed, together) for group in block for p in group
    ]


@given(ESSAYS, st.integers(), st.integers(1, 10))
def test_every_sentence_comes_once_in_numbered_order(
    essays: list[EssayPlace], seed: int, together: int
) -> None:
    places = in_order(essays, HIGH, seed, together)
    assert [place.order for place in places] == list(range(sum(e.sentence_count for e in essays)))
    assert len({(p.essay_number, p.place) for p in places}) == len(places)


@given(ESSAYS, st.integers())
def test_authors_who_carry_the_target_level_come_first_and_opposite_ones_last(
    essays: list[EssayPlace], seed: int
) -> None:
    ranks = {Level.HIGH: 0, None: 1, Level.LOW: 2}
    found = [ranks[essays[p.essay_number].labels.get(Trait.O)] for p in in_order(essays, HIGH, seed)]
    assert found == sorted(found)


@given(ESSAYS, st.integers())
def test_no_essay_gives_a_second_sentence_before_its_like_gave_a_first(
    essays: list[EssayPlace], seed: int
) -> None:
    alike = [essay._replace(labels={}) for essay in essays if essay.sentence_count]
    alike = [essay._replace(number=number) for number, essay in enumerate(alike)]
    first = [place.essay_number for place in in_order(alike, HIGH, seed)[: len(alike)]]
    assert sorted(first) == list(range(len(alike)))


@given(ESSAYS, st.integers(), st.integers(2, 10))
def test_both_levels_of_a_trait_put_the_same_sentences_together(
    essays: list[EssayPlace], seed: int, together: int
) -> None:
    def groups(trait_level: TraitLevel) -> set[tuple[tuple[int, int], ...]]:
        blocks = candidate_blocks(essays, trait_level, seed, together)
        return {tuple((p.essay_number, p.place) for p in group) for block in blocks for group in block}

    assert groups(HIGH) == groups(LOW)


def test_blocks_have_a_fixed_size_and_the_seed_decides_the_order() -> None:
    essays = [EssayPlace(number, f"e{number}", {}, 5) for number in range(60)]
    sizes = [sum(map(len, block)) for block in candidate_blocks(essays, HIGH, 0)]
    assert sizes == [BLOCK] * 6 + [300 - 6 * BLOCK]
    assert in_order(essays, HIGH, 0) == in_order(essays, HIGH, 0) != in_order(essays, HIGH, 1)
