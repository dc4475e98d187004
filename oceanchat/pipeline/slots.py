"""Pass on what a failed dialogue leaves open.

Every slot stands for the lengths that one dialogue of a trait-level is asked for. A seed topic has the slot
of its own number. But a slot whose dialogue did not pass is open: at the start of each wave the open slots go
to the first seed topics of the wave, lowest first, and the slots that these leave are open for the next wave.
So lengths that one level finds hard to write are tried again and again; what is missing in the end is what
failed in the last wave, or failed again there.

Who has which slot follows from the order of the seed topics and from what became of earlier waves, never from
time or from how many dialogues are asked for. Waves double, so a large build waits few times. A dialogue
whose calls failed keeps its slot: the next run asks for it again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

FIRST_WAVE = 24
"""Seed topics of the first wave; every further wave has twice as many."""


@dataclass
class Slots:
    """The slots of one trait-level's seed topics."""

    _size: int = FIRST_WAVE
    """Seed topics of the current wave."""
    _start: int = 0
    """The number of its first one."""
    _assigned: int = 0
    """Seed topics that have their slot."""
    _settled: int = 0
    """Seed topics of the current wave whose outcome is known."""
    _open: list[int] = field(default_factory=list)
    """Open slots when the wave began, lowest first."""
    _closed: set[int] = field(default_factory=set)
    """Slots of the current wave that are open no more."""

    @property
    def room(self) -> int:
        """Seed topics that may still be given a slot before the outcomes of others are known."""
        return self._start + self._size - self._assigned

    def next(self) -> int:
        """The slot of the next seed topic, in canonical order."""
        if not self.room:
            raise ValueError("the wave is full; its outcomes come first")
        number = self._assigned
        self._assigned += 1
        return self._slot(number)

    def settle(self, outcomes: Iterable[bool]) -> None:
        """Take in, in order, whether the dialogues of the next seed topics keep their slots."""
        for keeps in outcomes:
            if keeps:
                self._closed.add(self._slot(self._start + self._settled))
            self._settled += 1
        if self._settled == self._size:
            self._begin_wave()

    def _slot(self, number: int) -> int:
        position = number - self._start
        return self._open[position] if position < len(self._open) else number

    def _begin_wave(self) -> None:
        end = self._start + self._size
        self._open = sorted({*self._open, *range(self._start, end)} - self._closed)
        self._closed.clear()
        self._start, self._size, self._settled = end, 2 * self._size, 0
