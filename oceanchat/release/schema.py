"""The Parquet files of a release.

Their schema, and rows to and from them. Equal rows give equal bytes: no dates, no row order of its own.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from oceanchat.errors import ReleaseError
from oceanchat.release.rows import RejectedRow, Row
from oceanchat.spool import Spool

_TEXT, _NUMBER = pa.string(), pa.float64()
_PROVENANCE = pa.struct(
    [
        ("source", _TEXT),
        ("corpus", _TEXT),
        ("mode", _TEXT),
        ("labeler", _TEXT),
        ("writer", _TEXT),
        ("checker", _TEXT),
        ("prompts", pa.list_(pa.struct([("task", _TEXT), ("fingerprint", _TEXT)]))),
        ("sampling", pa.list_(pa.struct([("name", _TEXT), ("value", _NUMBER)]))),
        ("seed", pa.int64()),
        ("seed_sentence", _TEXT),
        ("author", _TEXT),
        ("state", _TEXT),
        (
            "verdict",
            pa.struct(
                [
                    ("checker", _TEXT),
                    ("check", _TEXT),
                    ("passed", pa.bool_()),
                    ("shown", pa.list_(_TEXT)),
                    ("reason", _TEXT),
                ]
            ),
        ),
        (
            "human",
            pa.list_(
                pa.struct(
                    [
                        ("annotator", _TEXT),
                        ("trait_shown", pa.bool_()),
                        ("coherent", pa.bool_()),
                        ("valid", pa.bool_()),
                        ("decides", pa.bool_()),
                        ("comment", _TEXT),
                    ]
                )
            ),
        ),
    ]
)
SCHEMA = pa.schema(
    [
        ("id", _TEXT),
        ("trait", _TEXT),
        ("level", _TEXT),
        ("trait_level", _TEXT),
        ("facet", _TEXT),
        ("seed_topic", _TEXT),
        ("messages", pa.list_(pa.struct([("role", _TEXT), ("content", _TEXT)]))),
        ("turns", pa.int64()),
        ("words", _NUMBER),
        ("split", _TEXT),
        ("provenance", _PROVENANCE),
        ("flags", pa.list_(_TEXT)),
    ]
)
"""The columns of the `default` config."""
REJECTED_SCHEMA = SCHEMA.append(pa.field("state", _TEXT)).append(pa.field("reason", _TEXT))
"""The columns of the `rejected` config."""

_UNREADABLE = (OSError, ValueError, TypeError, ArithmeticError, LookupError, MemoryError, RecursionError)
"""What pyarrow raises for damaged bytes, beside its own."""
_ROWS_PER_GROUP, _ROWS_AT_ONCE = 2_000, 500
"""Written and read at a time."""
R = TypeVar("R", bound=Row)


def write_rows(rows: Iterable[Row], path: Path) -> None:
    """Write the rows of one split."""
    _write(rows, SCHEMA, path)


def write_rejected(rows: Iterable[RejectedRow], path: Path) -> None:
    """Write the rejected rows."""
    _write(rows, REJECTED_SCHEMA, path)


def read_rows(path: Path) -> Sequence[Row]:
    """The rows of one split, all of them looked at. Raises ReleaseError for a file that is not one of
    ours."""
    return Spool(Row, (_parsed(Row, record, path) for record in _records(path))).records()


def read_rejected(path: Path) -> Sequence[RejectedRow]:
    """The rejected rows, all of them looked at. Raises ReleaseError for a file that is not one of ours."""
    return Spool(RejectedRow, (_parsed(RejectedRow, record, path) for record in _records(path))).records()


def feature_types(schema: Any) -> list[dict[str, Any]]:
    """A schema in the words of a dataset card's `features`."""
    return [{"name": field.name, **_feature(field.type)} for field in schema]


def _feature(kind: Any) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"struct": feature_types(kind)}
    if pa.types.is_list(kind):
        inner = _feature(kind.value_type)
        return {"list": inner.get("struct", inner.get("dtype"))}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind))}


def _write(rows: Iterable[Row], schema: Any, path: Path) -> None:
    left = iter(rows)
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=True) as writer:
        while group := list(itertools.islice(left, _ROWS_PER_GROUP)):
            records = [row.model_dump(mode="json") for row in group]
            writer.write_table(pa.Table.from_pylist(records, schema), row_group_size=_ROWS_PER_GROUP)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        # Not `read_table`, which takes folders above the file that are named A=B for more columns.
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (*_UNREADABLE, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ReleaseError(f"file '{path}' cannot be read as Parquet: {reason}; restore it") from None


def _parsed(kind: type[R], record: dict[str, Any], path: Path) -> R:
    try:
        return kind.model_validate(record)
    except ValueError as error:
        reason = str(error).splitlines()[1:2]
        raise ReleaseError(
            f"file '{path}' holds a row that is not a dialogue ({' '.join(reason).strip()}); restore it"
        ) from None
