"""Rows of a Parquet file, some at a time.

The home of pyarrow among the readers, loaded only when a Parquet corpus is read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from oceanchat.corpus.readers import refuse

ROWS_AT_ONCE = 256


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows in order, one dictionary a row. Raises CorpusError when the file is no whole Parquet file."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        refuse(path, f"is no readable Parquet file ({reason}); write it again, or use CSV or JSONL")
