"""What a server counts, for Prometheus.

Counters and gauges in memory, written in Prometheus's text format. It knows nothing of what is counted.
"""

import logging
from collections import Counter
from dataclasses import dataclass, field

_log = logging.getLogger(__name__)
_HELP = {
    "requests_total": ("counter", "Requests answered, by status."),
    "tokens_total": ("counter", "Tokens generated."),
    "failures_total": ("counter", "Batches that failed."),
    "cancelled_total": ("counter", "Answers whose client went away."),
    "waiting": ("gauge", "Requests that wait for a batch."),
    "answering": ("gauge", "Requests that are being answered."),
}


@dataclass
class ServerCounts:
    """Counters since the start, and gauges of now."""

    requests: "Counter[int]" = field(default_factory=Counter)
    """By HTTP status."""
    tokens: int = 0
    failures: int = 0
    cancelled: int = 0
    waiting: int = 0
    answering: int = 0

    def note(self, error: Exception) -> None:
        """Count a batch that failed, and log why."""
        self.failures += 1
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        _log.warning(f"a batch failed: {type(error).__name__}: {reason}")

    def exposition(self) -> str:
        """All of it in Prometheus's text format."""
        values = {
            "requests_total": {f'{{status="{s}"}}': n for s, n in sorted(self.requests.items())},
            "tokens_total": {"": self.tokens},
            "failures_total": {"": self.failures},
            "cancelled_total": {"": self.cancelled},
            "waiting": {"": self.waiting},
            "answering": {"": self.answering},
        }
        lines = []
        for name, (kind, text) in _HELP.items():
            lines += [f"# HELP preact_{name} {text}", f"# TYPE preact_{name} {kind}"]
            lines += [f"preact_{name}{labels} {number}" for labels, number in values[name].items()]
        return "\n".join(lines) + "\n"
