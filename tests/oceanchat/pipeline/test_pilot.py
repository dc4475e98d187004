"""What a store holds of a pilot."""

from oceanchat.pipeline.build import build, prepare
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.pilot import read_fillings, read_level
from oceanchat.progress import Silence
from oceanchat.store.database import Store
from oceanchat.traits import TraitLevel


async def test_a_pilot_is_read_as_far_as_it_came(store: Store) -> None:
    config = BuildConfig(trait_levels=(TraitLevel.parse("O+"),), count=1)
    await build(prepare(config), store, Silence())
    with store.reading() as connection:
        level = read_level(connection, config, "O+")
        larger = config.model_copy(update={"count": 30})
        fillings = read_fillings(connection, larger, ("O+",), 1)
        strong = read_level(connection, config.model_copy(update={"min_strength": 5}), "O+")
        assert read_fillings(connection, larger, ("O-",), 0) == {}
    assert (level.chosen, level.checked, level.passed) == (1, 1, 1)
    assert 1 < level.usable <= 12 < level.labeled and strong.usable < level.usable
    assert fillings["check"].pilot == 1 < fillings["check"].build <= 4
    assert fillings["label_many"].calls == 1 / level.usable
