"""Estimate a build before anything is built.

The calls' sizes come from a rehearsal, the prices from the price file, and the rest is assumed: the constants
below are the assumptions. The ends multiply the ends of all of them, so the range is wide; a pilot narrows
it.
"""

from oceanchat.llm.prices import Price
from oceanchat.pipeline.ranges import Range, TaskEstimate
from oceanchat.pipeline.rehearsal import CallSize

SENTENCES = Range(27.0, 8.0, 45.0)
"""Sentences labeled for each dialogue that passes: a real model behind these prompts took about 27."""
WRITTEN = Range(1.3, 1.03, 2.0)
"""Dialogues written and checked for each one that passes (the paper: 1.03)."""
PROMPT_TOKENS = Range(1.45, 1.3, 1.7)
"""Tokens in a word of a prompt, with its tags and lists."""
REPLY_TOKENS = Range(2.0, 1.4, 3.0)
"""Tokens of a real reply for each word of a scripted one: real ones are 1.3 to 2 times as long."""


def assumptions() -> tuple[str, ...]:
    """What a rough estimate assumes, in words."""
    return (
        f"{_ends(SENTENCES)} sentences labeled and {_ends(WRITTEN)} dialogues written for each that passes",
        f"{_ends(PROMPT_TOKENS)} tokens a word",
        "none from the provider's cache and none spent on reasoning",
    )


def _ends(figure: Range) -> str:
    return f"{figure.low:g} to {figure.high:g}"


def rough_task(
    task: str, model: str, size: CallSize, dialogues: int, price: Price | None, known: int = 0
) -> TaskEstimate:
    """What `dialogues` more passed dialogues will take of a task, of which `known` calls are answered.

    Those answers may be of use or not, so the upper end counts on none of them.
    """
    units = SENTENCES if task.startswith("label") else WRITTEN
    calls = units.scaled(size.calls * dialogues)
    calls = Range(max(0.0, calls.value - known), max(0.0, calls.low - known), calls.high)
    prompt, reply = PROMPT_TOKENS.scaled(size.prompt), REPLY_TOKENS.scaled(size.reply)
    usd = None if price is None else calls.times(_call_cost(prompt, reply, price))
    return TaskEstimate(task, model, calls, calls.times(prompt.plus(reply)), usd)


def _call_cost(prompt: Range, reply: Range, price: Price) -> Range:
    return prompt.scaled(float(price.input) / 1e6).plus(reply.scaled(float(price.output) / 1e6))
