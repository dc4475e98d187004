"""Servers that do not serve what was trained: processes of their own, behind which a real run answers.

`python -m tests.preact.serving.broken RUN` opens the run once, forks a server for each fault and prints the
fault and the port of each.
"""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from preact.serving.preparing import Limits
from preact.serving.roster import Portrait, Roster, open_roster
from preact.serving.server import listen, serve
from preact.systems.trained import TrainedModel

FAULTS = ("none", "ignored", "swapped", "halved")
SWAPPED = {"o-high": "n-low", "n-low": "o-high"}


class BrokenRoster(Roster):
    """A roster with a fault."""

    def __init__(self, runs: Mapping[str, TrainedModel], fault: str) -> None:
        super().__init__(runs)
        self._fault = fault

    def portrait(self, name: str) -> Portrait:
        """What the name comes to here."""
        prefix, _, rest = name.partition(":")
        level, at, strength = rest.partition("@")
        if self._fault == "swapped":
            level = SWAPPED.get(level, level)
        right = super().portrait(f"{prefix}:{level}{at}{strength}")
        factor = {"ignored": 0.0, "halved": 0.5}.get(self._fault, 1.0)
        return right if right.weights is None else right._replace(weights=right.weights * factor)


def main() -> None:
    """Serve until the group of processes is told to end."""
    roster = open_roster([Path(sys.argv[1])], threads=1)
    for fault in FAULTS:
        listener = listen("127.0.0.1", 0)
        if os.fork() == 0:
            serve(BrokenRoster(roster.runs, fault), Limits(), listener, print)
            os._exit(0)
        print(fault, listener.getsockname()[1], flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
