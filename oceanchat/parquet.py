"""Read and write rows as Parquet.

pyarrow costs 60 MB and is an extra, so it is loaded only where a Parquet file is read or written.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from oceanchat.errors import RecordError
from oceanchat.extras import load_optional

Kind = type | list["Kind"] | dict[str, "Kind"]
"""The type of a column: str, int, float, bool, a list of one kind, or a structure of several."""

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


def write_parquet(rows: Iterable[dict[str, Any]], file: BinaryIO, kinds: Mapping[str, Kind]) -> None:
    """Write rows whose columns have these kinds; values of free form under `str` are written as JSON."""
    arrow, parquet = load_optional("pyarrow", "release"), load_optional("pyarrow.parquet", "release")
    schema = arrow.schema([(name, _arrow_type(arrow, kind)) for name, kind in kinds.items()])
    # pyarrow seeks in what it writes to, which a pipe does not allow.
    buffer = arrow.BufferOutputStream()
    left = iter(rows)
    with parquet.ParquetWriter(buffer, schema) as writer:
        while batch := list(islice(left, ROWS_AT_ONCE)):
            fitted = [{name: _fitted(row.get(name), kind) for name, kind in kinds.items()} for row in batch]
            writer.write_table(arrow.Table.from_pylist(fitted, schema))
    file.write(buffer.getvalue().to_pybytes())


def _arrow_type(arrow: Any, kind: Kind) -> Any:
    if isinstance(kind, list):
        return arrow.list_(_arrow_type(arrow, kind[0]))
    if isinstance(kind, dict):
        return arrow.struct([(name, _arrow_type(arrow, inner)) for name, inner in kind.items()])
    return {str: arrow.string(), int: arrow.int64(), float: arrow.float64(), bool: arrow.bool_()}[kind]


def _fitted(value: Any, kind: Kind) -> Any:
    if isinstance(kind, dict) and isinstance(value, dict):
        return {name: _fitted(value.get(name), inner) for name, inner in kind.items()}
    if isinstance(kind, list) and isinstance(value, list | tuple):
        return [_fitted(inner, kind[0]) for inner in value]
    return json.dumps(value, ensure_ascii=False) if kind is str and isinstance(value, dict | list) else value
