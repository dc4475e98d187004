"""The canonical order: target-level authors first, many authors early, every sentence once."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.pipeline.candidates import FirstPersonFlags, SentencePosition, candidate_blocks
from oceanchat.pipeline.seed_topics import BLOCK
from oceanchat.store.corpora import EssayOutline
from oceanchat.traits import Level, Trait, TraitLevel

HIGH, LOW = (TraitLevel(Trait.O, level) for level in (Level.HIGH, Level.LOW))
ESSAYS = st.lists(
    st.tuples(st.sampled_from([Level.HIGH, Level.LOW, None]), st.integers(0, 9)), max_size=30
).map(
    lambda drawn: [
        EssayOutline(number, f"e{number}", {Trait.O: level} if level else {}, count)
        for number, (level, count) in enumerate(drawn)
    ]
)


def every_third(essays: list[EssayOutline]) -> FirstPersonFlags:
    """Every third sentence of an essay speaks of its writer."""
    counts = {essay.number: essay.sentence_count for essay in essays}
    return lambda numbers: [bytes((number + p) % 3 == 0 for p in range(counts[number])) for number in numbers]


def nobody(essays: list[EssayOutline]) -> FirstPersonFlags:
    """No sentence speaks of its writer."""
    counts = {essay.number: essay.sentence_count for essay in essays}
    return lambda numbers: [bytes(counts[number]) for number in numbers]


def in_order(
    essays: list[EssayOutline],
    trait_level: TraitLevel,
    seed: int,
    together: int = 1,
    first_person: FirstPersonFlags | None = None,
) -> list[SentencePosition]:
    blocks = candidate_blocks(essays, trait_level, seed, first_person or every_third(essays), together)
    return [p for block in blocks for group in block for p in group]


@given(ESSAYS, st.integers(), st.integers(1, 10))
def test_every_sentence_comes_once_in_numbered_order(
    essays: list[EssayOutline], seed: int, together: int
) -> None:
    positions = in_order(essays, HIGH, seed, together)
    assert [p.order for p in positions] == list(range(sum(e.sentence_count for e in essays)))
    assert len({(p.essay_number, p.position) for p in positions}) == len(positions)


@given(ESSAYS, st.integers())
def test_authors_who_carry_the_target_level_come_first_and_opposite_ones_last(
    essays: list[EssayOutline], seed: int
) -> None:
    ranks = {Level.HIGH: 0, None: 1, Level.LOW: 2}
    ranking = [ranks[essays[p.essay_number].labels.get(Trait.O)] for p in in_order(essays, HIGH, seed)]
    assert ranking == sorted(ranking)


@given(ESSAYS, st.integers())
def test_no_essay_gives_a_second_sentence_before_its_like_gave_a_first(
    essays: list[EssayOutline], seed: int
) -> None:
    alike = [essay._replace(labels={}) for essay in essays if essay.sentence_count]
    alike = [essay._replace(number=number) for number, essay in enumerate(alike)]
    first = [p.essay_number for p in in_order(alike, HIGH, seed, first_person=nobody(alike))[: len(alike)]]
    assert sorted(first) == list(range(len(alike)))


@given(ESSAYS, st.integers())
def test_sentences_about_their_writers_come_before_their_like(essays: list[EssayOutline], seed: int) -> None:
    alike = [essay._replace(labels={}) for essay in essays]
    flags = every_third(alike)
    of_writer = [flags([p.essay_number])[0][p.position] for p in in_order(alike, HIGH, seed)]
    assert of_writer == sorted(of_writer, reverse=True)


def test_essays_are_looked_into_when_they_are_reached() -> None:
    essays = [EssayOutline(number, f"e{number}", {}, 5) for number in range(10 * BLOCK)]
    looked_into: list[int] = []

    def flags(numbers: Sequence[int]) -> list[bytes]:
        looked_into.extend(numbers)
        return [bytes([1] * 5) for _ in numbers]

    next(candidate_blocks(essays, HIGH, 0, flags))
    assert len(looked_into) == BLOCK


@given(ESSAYS, st.integers(), st.integers(2, 10))
def test_both_levels_of_a_trait_put_the_same_sentences_together(
    essays: list[EssayOutline], seed: int, together: int
) -> None:
    def groups(trait_level: TraitLevel) -> set[tuple[tuple[int, int], ...]]:
        blocks = candidate_blocks(essays, trait_level, seed, every_third(essays), together)
        return {tuple((p.essay_number, p.position) for p in group) for block in blocks for group in block}

    assert groups(HIGH) == groups(LOW)


def test_blocks_have_a_fixed_size_and_the_seed_decides_the_order() -> None:
    essays = [EssayOutline(number, f"e{number}", {}, 5) for number in range(60)]
    sizes = [sum(map(len, block)) for block in candidate_blocks(essays, HIGH, 0, nobody(essays))]
    assert sizes == [BLOCK] * 6 + [300 - 6 * BLOCK]
    assert in_order(essays, HIGH, 0) == in_order(essays, HIGH, 0) != in_order(essays, HIGH, 1)
