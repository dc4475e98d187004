"""Ask only for lengths that prompts can say.

A folder of prompts may be older than the blank for the words of an answer. Then nothing is asked for and no
dialogue is turned away for its length, unless lengths were asked for by name.
"""

from oceanchat.errors import ConfigError
from oceanchat.pipeline.answer_words import FREE
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.synthesis import Mode
from oceanchat.prompts import Prompts

BLANK = "answer_words"
_TASKS: dict[Mode, str] = {"screenplay": "write", "dual": "disclose"}
"""The templates that say how long an answer is to be."""


def fit_lengths(config: BuildConfig, prompts: Prompts) -> tuple[BuildConfig, tuple[str, ...]]:
    """The config with the lengths that the prompts can ask for, and what the user should know of it.

    Raises ConfigError for lengths that were asked for by name and that the prompts have no blank for.
    """
    task = _TASKS[config.mode]
    if not config.lengths.most or BLANK in prompts[task].blanks:
        return config, ()
    lack = f"prompt file '{prompts.folder / task}.md' lacks the blank '{{{BLANK}}}'"
    line = f"a line with <{BLANK}>{{{BLANK}}}</{BLANK}>"
    if config.answer_words is not None:
        raise ConfigError(
            f"--answer-words '{config.answer_words}' cannot be used: {lack}; add {line}, or use"
            f" --answer-words {FREE}"
        )
    free = config.model_copy(update={BLANK: FREE})
    return free, (f"{lack}: answers may have any length, and no level's are held to the other's; add {line}",)
