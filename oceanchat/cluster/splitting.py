"""Split a corpus on a Ray cluster.

This process reads the essays, once and in order, and the cluster splits and stores them, a few hundred to a
task. Only a share of the corpus is under way at once, so memory does not grow with it.
"""

import itertools
import json
import logging
from collections import Counter
from functools import partial
from typing import Any

import ray.data
from ray.data import DataContext
from ray.exceptions import RayError

from oceanchat.cluster.connection import in_one_line
from oceanchat.corpus.essays import Essays
from oceanchat.corpus.ingest import Splitting, chunks, split_chunk
from oceanchat.errors import CorpusError
from oceanchat.progress import Progress, Stage
from oceanchat.records import Essay
from oceanchat.store.database import Store, open_store

CHUNKS_AT_ONCE = 100
"""Chunks under way together: 20,000 essays."""


def split_on_cluster(corpus_id: str, essays: Essays, store: Store, progress: Progress) -> Splitting:
    """Split and store essays in the tasks of a `map_batches`; counts come back in the corpus's order.

    Raises CorpusError where the cluster cannot.
    """
    _keep_quiet()
    url = store.engine.url.render_as_string(hide_password=False)
    split = partial(split_rows, store_url=url, corpus_id=corpus_id)
    total = Splitting(0, Counter())
    rows = (
        {"first": first, "essays": json.dumps([essay.model_dump(mode="json") for essay in chunk])}
        for first, chunk in chunks(essays)
    )
    while share := list(itertools.islice(rows, CHUNKS_AT_ONCE)):
        dataset = ray.data.from_items(share, override_num_blocks=len(share))
        try:
            for row in dataset.map_batches(split, batch_size=None).iter_rows():
                total += Splitting(row["sentences"], Counter(json.loads(row["set_aside"])))
                progress.done(Stage.SEGMENT, row["essays"])
        except RayError as error:
            raise CorpusError(f"the Ray cluster cannot split the essays: {in_one_line(error)}") from None
    return total


def split_rows(batch: dict[str, Any], store_url: str, corpus_id: str) -> dict[str, list[Any]]:
    """Split and store the chunks of one batch; for each how many essays, sentences and set aside."""
    store = open_store(store_url, must_exist=True)
    try:
        counted: dict[str, list[Any]] = {"essays": [], "sentences": [], "set_aside": []}
        for first, text in zip(batch["first"], batch["essays"], strict=True):
            essays = [Essay(**fields) for fields in json.loads(text)]
            result = split_chunk(corpus_id, int(first), essays, store)
            counted["essays"].append(len(essays))
            counted["sentences"].append(result.sentences)
            counted["set_aside"].append(json.dumps(result.set_aside))
        return counted
    finally:
        store.close()


def _keep_quiet() -> None:
    """The build shows its own progress, and results come in the order of what was given."""
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
