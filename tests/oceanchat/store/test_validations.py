"""The table of labels is of one sample, and no sample's labels vanish."""

import pytest

from oceanchat.annotation.sample import SampleConfig, draw_sample
from oceanchat.errors import AnnotationError
from oceanchat.store.database import Store
from oceanchat.store.validations import reported_sample, validation_table
from tests.oceanchat.annotation.scenes import GOOD, label_all, sampled


def test_labels_of_an_earlier_sample_stay_until_a_newer_one_has_labels(store: Store) -> None:
    ann, *_ = sampled(store)
    label_all(store, ann, lambda _: GOOD)
    draw_sample(store, SampleConfig(per_trait_level=1, min_seconds=0), [], another=True)
    with store.reading() as connection:
        assert [row["sample"] for row in validation_table(connection)] == [1] * 10
        assert validation_table(connection, 2) == []
    label_all(store, ann, lambda _: GOOD)
    with store.reading() as connection:
        assert {row["sample"] for row in validation_table(connection)} == {2}
        assert {row["sample"] for row in validation_table(connection, 1)} == {1}
        with pytest.raises(AnnotationError, match=r"sample '7' is not in this store; it has: 1, 2"):
            reported_sample(connection, 7)
