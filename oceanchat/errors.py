"""Define every error a user can meet.

A message names the thing, quotes its value, says what is wrong and what to do next. Foreign exceptions are
translated once, at the door where they appear; the command lines print the message as one line and exit with
1.
"""


class OceanChatError(Exception):
    """Something a user can act on; `str(error)` is the one line to show."""


class InputError(OceanChatError):
    """What the user handed in cannot be used."""


class ConfigError(InputError):
    """An option or a combination of options makes no sense."""


class CorpusError(InputError):
    """A corpus of essays cannot be read."""


class PromptError(InputError):
    """A prompt template cannot be used."""


class RecordError(InputError):
    """A record, such as an imported dialogue, is not what it should be."""


class StoreError(OceanChatError):
    """The database cannot be opened, is not ours, or is of another version."""


class ModelError(OceanChatError):
    """A language model did not do what was asked."""


class CallFailed(ModelError):
    """One request failed for good: its row fails, the neighbours go on.

    `reason` is a short stable word such as 'content-filter', 'bad-request' or 'timeout'.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BuildStopped(ModelError):
    """Nothing more can be asked (key, quota, cap, endpoint); all that was answered is kept."""


class HubError(OceanChatError):
    """The Hugging Face Hub refused, is out of reach, or holds something else."""


class ReleaseError(OceanChatError):
    """A release cannot be written, verified or compared."""


class AnnotationError(OceanChatError):
    """An annotation step is not allowed or not possible."""


class TrainingError(OceanChatError):
    """A training run cannot start, go on or be read."""


class EvaluationError(OceanChatError):
    """An evaluation cannot be run or compared."""
