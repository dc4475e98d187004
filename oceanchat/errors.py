"""Define every error a user can meet.

A message names the thing, quotes its value, says what is wrong and what to do next. Exceptions of other
libraries are translated once, where they appear; the command lines print the message as one line and exit
with 1.
"""

import tempfile


class OceanChatError(Exception):
    """Something a user can act on; `str(error)` is the one line to show."""


class InputError(OceanChatError):
    """An input of the user cannot be used."""


class ConfigError(InputError):
    """An option or a combination of options makes no sense."""


class CorpusError(InputError):
    """A corpus of essays cannot be read."""


class PromptError(InputError):
    """A prompt template cannot be used."""


class RecordError(InputError):
    """A record, such as an imported dialogue, is malformed."""


class StoreError(OceanChatError):
    """The database cannot be opened, is of another program, or of another version."""


class MissingStore(StoreError):
    """No store is where one was looked for."""


class ModelError(OceanChatError):
    """A language model did not do what was asked."""


TEMPORARY = frozenset(
    {
        "batch-expired",
        "connection-lost",
        "loading",
        "not-found",  # a model can be installed
        "rate-limited",
        "server-error",
        "timeout",
        "truncated-body",
        "unreachable",
    }
)
"""Reasons of a failed call that need not come again: the next run asks anew."""


class CallFailed(ModelError):
    """One request failed for good: its row fails, the other rows go on.

    `reason` is a short stable word such as 'content-filter', 'bad-request' or 'timeout'.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnreadableReply(ModelError):
    """A reply does not hold what was asked for; the message says what is missing, for the next request."""


class BuildStopped(ModelError):
    """No more requests can be sent (key, quota, cap, endpoint, signal); all answers so far are stored.

    `signal` is the number of the signal that stopped the run; 0: none did.
    """

    def __init__(self, message: str, signal: int = 0) -> None:
        super().__init__(message)
        self.signal = signal


class TemporaryFilesError(OceanChatError):
    """The folder for temporary files is full or cannot be written."""

    def __init__(self, cause: Exception) -> None:
        problem = getattr(cause, "strerror", None) or cause
        super().__init__(
            f"the folder for temporary files '{tempfile.gettempdir()}' cannot be used: {problem}; make room,"
            " or name another with TMPDIR"
        )


class HubError(OceanChatError):
    """The Hugging Face Hub refuses, is out of reach, or holds other content."""


class ReleaseError(OceanChatError):
    """A release cannot be written, verified or compared."""


class AnnotationError(OceanChatError):
    """An annotation step is not allowed or not possible."""


class TrainingError(OceanChatError):
    """A training run cannot start, go on or be read."""


class EvaluationError(OceanChatError):
    """An evaluation cannot be run or compared."""
