"""Read and write rows as Parquet.

pyarrow costs 60 MB and is an extra, so it is loaded only where a Parquet file is read or written.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from oceanchat.errors import RecordError
from oceanchat.extras import load_optional

ROWS_AT_ONCE = 256


def read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """The rows in order, one dictionary a row.

    Raises RecordError with the reason when the file is not a whole Parquet file.
    """
    arrow, parquet = load_optional("pyarrow", "release"), load_optional("pyarrow.parquet", "release")
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (arrow.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        raise RecordError((str(error) or type(error).__name__).splitlines()[0]) from None


def write_parquet(rows: list[dict[str, Any]], file: BinaryIO) -> None:
    """Write rows of equal columns; types are taken from the values."""
    arrow, parquet = load_optional("pyarrow", "release"), load_optional("pyarrow.parquet", "release")
    # pyarrow seeks in what it writes to, which a pipe does not allow.
    buffer = arrow.BufferOutputStream()
    parquet.write_table(arrow.Table.from_pylist(rows), buffer)
    file.write(buffer.getvalue().to_pybytes())
