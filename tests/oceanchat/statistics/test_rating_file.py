"""Ratings are read whole or refused in one line; nothing is rounded or guessed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import InputError
from oceanchat.statistics.rating_file import SCALES, EvaluationRatings, read_rating_file
from oceanchat.store.ratings import COLUMNS
from oceanchat.traits import TraitLevel
from tests.oceanchat.statistics.rated import as_csv, scripted_rows

Rows = list[dict[str, object]]
ROWS = scripted_rows({"a": (1, 4), "b": (0, 4)}, questions=1)


def write(folder: Path, text: str) -> Path:
    path = folder / "ratings.csv"
    path.write_text(text, newline="")
    return path


def read(folder: Path, rows: Rows, evaluation: int | None = None) -> EvaluationRatings:
    return read_rating_file(write(folder, as_csv(rows)), evaluation)


def test_what_is_exported_is_read(tmp_path: Path) -> None:
    data = read(tmp_path, ROWS)
    assert (data.evaluation, data.unit, len(data.ratings), data.remarks) == ("1", "shared", 60, ())
    first = data.ratings[0]
    assert (first.system, first.trait_level, first.question) == ("a", TraitLevel.parse("O+"), "o-high-01")
    assert first.scores == {name: ROWS[0][name] for name in SCALES}


def test_a_missing_score_is_missing_and_counted(tmp_path: Path) -> None:
    rows = [ROWS[0] | {"naturalness": ""}, ROWS[1] | {"naturalness": "NA", "coherence": "4.0"}, *ROWS[2:]]
    data = read(tmp_path, rows)
    assert data.remarks == ("2 of 60 scores of naturalness missing",)
    assert "naturalness" not in data.ratings[0].scores and data.ratings[1].scores["coherence"] == 4


def test_of_several_evaluations_the_newest_or_the_named_one_is_read(tmp_path: Path) -> None:
    rows = [row | {"evaluation": number} for number in (9, 10) for row in ROWS[: 60 if number == 9 else 30]]
    newest, named = read(tmp_path, rows), read(tmp_path, rows, 9)
    assert (newest.evaluation, len(newest.ratings)) == ("10", 30)
    assert (named.evaluation, len(named.ratings)) == ("9", 60)
    assert newest.remarks == ("evaluation 10; also there: evaluation 9; see --sample",)
    with pytest.raises(InputError, match="no evaluation 3; it has: 9, 10"):
        read(tmp_path, rows, 3)


def test_a_parquet_file_of_one_s_own_without_numbers_of_evaluations_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS).drop(columns=["evaluation", "comment", "model"])
    frame.to_parquet(tmp_path / "ratings.parquet")
    data = read_rating_file(tmp_path / "ratings.parquet")
    assert (data.evaluation, data.ratings) == ("", read(tmp_path, ROWS).ratings)


def changed(**values: object) -> Callable[[Rows], Rows]:
    """The second row with other values."""
    return lambda rows: [rows[0], rows[1] | values, *rows[2:]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed(naturalness=6), "line 5 has naturalness '6'; write 1 to 5, whole, or leave it empty"),
        (changed(coherence=3.5), "has coherence '3.5'"),
        (changed(coherence="five"), "has coherence 'five'"),
        (changed(alignment=2), "has alignment '2'; write 0 or 1"),
        (changed(alignment="-0"), "has alignment '-0'"),
        (changed(system=""), "line 5 has no system"),
        (changed(annotator=" "), "has no annotator"),
        (changed(trait="Q"), "the trait 'Q' and the level 'high'"),
        (changed(level=""), "the level ''"),
        (changed(unit="both"), "has the unit 'both'; write shared or live"),
        (changed(unit="live"), "has the unit 'live', rows before it 'shared'"),
        (changed(annotator="annotator-1"), r"by annotator 'annotator-1' \(line 3 and line 5\); keep one"),
        (changed(trait="C"), "has question 'o-high-01' under O.* and C"),
        (changed(conversation_id="z"), "its unit is shared; if each annotator held an own one, write live"),
        (changed(conversation_id="a:o-high-01", question_id="new"), "under two systems or questions"),
        (lambda rows: [row | {"unit": "live"} for row in rows], "systems, questions or annotators"),
        (lambda rows: [], r"has no rating \(0 rows\)"),
        (lambda rows: [row | dict.fromkeys(SCALES, "") for row in rows], r"has no score \(60 rows\)"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    change: Callable[[Rows], Rows], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path, change(ROWS))
    assert str(caught.value).startswith("rating file '") and "\n" not in str(caught.value)


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    columns = [name for name in COLUMNS if name != "coherence"]
    with pytest.raises(InputError, match=r"lacks the column 'coherence'.*as `oceanchat export ratings`"):
        read_rating_file(write(tmp_path, as_csv(ROWS, columns)))


cell = st.sampled_from(["", "1", "5", "0", "NA", "O", "high", "shared", "live", "x", "5.0", "a,b", "\u00e9"])


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, cell)), max_size=3))
def test_any_table_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    try:
        assert read(tmp_path_factory.getbasetemp(), rows).ratings
    except InputError as error:
        assert "rating file" in str(error) and "\n" not in str(error)
