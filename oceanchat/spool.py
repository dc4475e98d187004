"""Records on disk, read as a sequence.

A spool holds records in a file without a name, so memory grows by eight bytes a record and the file is gone
when nothing refers to it. Records are parsed anew each time they are read.
"""

import tempfile
import weakref
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from oceanchat.errors import TemporaryFilesError
from oceanchat.records import Record

R = TypeVar("R", bound=Record)
T = TypeVar("T")
U = TypeVar("U")


class Lazy(Sequence[T]):
    """A sequence whose items are made when they are asked for, by their numbers."""

    def __init__(self, item: Callable[[int], T], numbers: Sequence[int]) -> None:
        self._item = item
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> "Lazy[T]": ...
    def __getitem__(self, index: "int | slice") -> "T | Lazy[T]":
        if isinstance(index, slice):
            return Lazy(self._item, self._numbers[index])
        return self._item(self._numbers[index])

    def __iter__(self) -> Iterator[T]:
        return map(self._item, self._numbers)

    def __eq__(self, other: object) -> bool:
        """Whether the other is a sequence of equal items."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def mapped(function: Callable[[T], U], items: Sequence[T]) -> Lazy[U]:
    """The function of each item, computed whenever it is read."""
    return Lazy(lambda number: function(items[number]), range(len(items)))


def joined(*parts: Sequence[T]) -> Lazy[T]:
    """The items of all parts, one part after the other, none of them copied."""
    filled = [part for part in parts if len(part)]
    starts = [sum(map(len, filled[:number])) for number in range(len(filled))]

    def item(number: int) -> T:
        which = next(at for at in range(len(filled) - 1, -1, -1) if starts[at] <= number)
        return filled[which][number - starts[which]]

    return Lazy(item, range(sum(map(len, filled))))


class Spool(Generic[R]):
    """Records of one kind in the order they were added; `records` reads them.

    Where many small records lie `together`, so many are compressed as one. Raises TemporaryFilesError where
    the folder for temporary files is full.
    """

    def __init__(self, kind: type[R], records: Iterable[R] = (), together: int = 1) -> None:
        self._kind = kind
        self._together = together
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
        weakref.finalize(self, self._file.close)
        self._ends = array("Q", [0])
        self._waiting: list[bytes] = []
        """Records of the last group, which is not full yet."""
        self._read: tuple[int, list[bytes]] = (-1, [])
        """The group read last, and its number."""
        for record in records:
            self.add(record)

    def __len__(self) -> int:
        return (len(self._ends) - 1) * self._together + len(self._waiting)

    def add(self, record: R) -> None:
        """Append a record."""
        self._waiting.append(record.model_dump_json().encode())
        if len(self._waiting) == self._together:
            group = self._waiting[0] if self._together == 1 else zlib.compress(b"\n".join(self._waiting), 1)
            try:
                self._file.seek(self._ends[-1])
                self._file.write(group)
            except OSError as error:
                raise TemporaryFilesError(error) from None
            self._ends.append(self._ends[-1] + len(group))
            self._waiting = []

    def read(self, number: int) -> R:
        """The record that was added as this one, from 0."""
        if not 0 <= number < len(self):
            raise IndexError(f"record {number} of {len(self)}")
        group, position = divmod(number, self._together)
        records = self._waiting if group == len(self._ends) - 1 else self._group(group)
        return self._kind.model_validate_json(records[position])

    def _group(self, number: int) -> list[bytes]:
        if self._together > 1 and self._read[0] == number:
            return self._read[1]
        start, end = self._ends[number], self._ends[number + 1]
        try:
            self._file.seek(start)
            group = self._file.read(end - start)
        except OSError as error:  # what is buffered is written first
            raise TemporaryFilesError(error) from None
        if self._together == 1:
            return [group]
        self._read = number, zlib.decompress(group).split(b"\n")
        return self._read[1]

    def records(self, numbers: Sequence[int] | None = None) -> Lazy[R]:
        """The records of these numbers in this order; None: all, as they were added."""
        return Lazy(self.read, range(len(self)) if numbers is None else numbers)
