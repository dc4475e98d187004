"""Exported rows as one Parquet file; loaded only when that format is asked for."""

from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq


def write_parquet(rows: list[dict[str, Any]], file: BinaryIO) -> None:
    """Write rows of equal columns; types are taken from the values."""
    # pyarrow wants to seek; a pipe cannot, so the bytes are made first.
    made = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), made)
    file.write(made.getvalue().to_pybytes())
