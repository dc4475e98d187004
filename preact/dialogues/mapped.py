"""Rows in a file mapped into memory.

An Arrow file without a name: the system reads the part that is asked for and lets it go when memory is short,
so a release may be larger than the memory. It knows nothing of what the rows mean.
"""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

import pyarrow

from oceanchat.errors import TrainingError

T = TypeVar("T")

ROWS_AT_ONCE = 500


def _mapped(schema: Any, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The rows as record batches of a file that has lost its name already."""
    descriptor, path = tempfile.mkstemp(prefix="preact-", suffix=".arrow")
    try:
        left = iter(rows)
        with os.fdopen(descriptor, "wb") as file, pyarrow.ipc.new_file(file, schema) as writer:
            while some := list(itertools.islice(left, ROWS_AT_ONCE)):
                writer.write_batch(pyarrow.RecordBatch.from_pylist(some, schema))
        reader = pyarrow.ipc.open_file(pyarrow.memory_map(path))
        return [reader.get_batch(number) for number in range(reader.num_record_batches)]
    finally:
        with suppress(PermissionError):  # Windows keeps a file that is in use
            os.unlink(path)


class MappedRows(Generic[T]):
    """What `make` makes of each row, in the order they were written.

    Raises TrainingError where the folder for temporary files cannot be written.
    """

    def __init__(
        self, schema: Any, rows: Iterable[Mapping[str, Any]], make: Callable[[dict[str, Any]], T]
    ) -> None:
        self._make = make
        try:
            self._batches = _mapped(schema, rows)
        except OSError as error:
            raise TrainingError(
                f"the folder for temporary files '{tempfile.gettempdir()}' cannot be used:"
                f" {error.strerror or error}; make room, or name another with TMPDIR"
            ) from None

    def __len__(self) -> int:
        return sum(batch.num_rows for batch in self._batches)

    def read(self, number: int) -> T:
        """The row of that number, from 0."""
        batch, row = divmod(number, ROWS_AT_ONCE)
        return self._make(self._batches[batch].slice(row, 1).to_pylist()[0])
