"""Dialogues, and the dresses in which models hand them over."""

import html
import json
import random
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from oceanchat.records import Turn

Pair = tuple[str, str]
"""What the questioner and the self-discloser are called."""

PAIRS: tuple[Pair, ...] = (
    ("Questioner", "Self-discloser"),
    ("Questioner", "Self\u2011discloser"),
    ("QUESTIONER", "SELF-DISCLOSER"),
    ("questioner", "self_discloser"),
    ("Questioner (Q)", "Self-discloser (SD)"),
    ("The Questioner", "The Self-discloser"),
    ("Questioner", "Discloser"),
    ("Q", "A"),
    ("A", "B"),
    ("Interviewer", "Interviewee"),
    ("Interviewer", "Me"),
    ("User", "Assistant"),
    ("Human", "AI"),
    ("Person A", "Person B"),
    ("Speaker 1", "Speaker 2"),
    ("Therapist", "Client"),
    ("Anna", "Ben"),
)

FORMS: tuple[Callable[[str, int, str], str], ...] = (
    lambda name, n, text: f"{name}: {text}",
    lambda name, n, text: f"**{name}:** {text}",
    lambda name, n, text: f"**{name}**: {text}",
    lambda name, n, text: f"***{name}:*** {text}",
    lambda name, n, text: f"**{name}: {text}**",
    lambda name, n, text: f"`{name}:` {text}",
    lambda name, n, text: f"\\*\\*{name}:\\*\\* {text}",
    lambda name, n, text: f"{name}:\n{text}",
    lambda name, n, text: f"**{name}:**\n\n{text}",
    lambda name, n, text: f"### {name}\n{text}",
    lambda name, n, text: f"<{name}>: {text}",
    lambda name, n, text: f"<{name}>{text}</{name}>",
    lambda name, n, text: f"[{name}]: {text}",
    lambda name, n, text: f"[{name}] {text}",
    lambda name, n, text: f"{n}. {name}: {text}",
    lambda name, n, text: f"{n}) **{name}:** {text}",
    lambda name, n, text: f"- {name}: {text}",
    lambda name, n, text: f"\u2022 {name}: {text}",
    lambda name, n, text: f"> **{name}:** {text}",
    lambda name, n, text: f"{name} {(n + 1) // 2}: {text}",
    lambda name, n, text: f"Turn {n} - {name}: {text}",
    lambda name, n, text: f"Turn {n}:\n{name}: {text}",
    lambda name, n, text: f"{name} (smiling): {text}",
    lambda name, n, text: f"{name}: (laughs) {text}",
    lambda name, n, text: f"{name}: *sighs* {text}",
    lambda name, n, text: f"{name}: {text} (shrugs)",
    lambda name, n, text: f'{name}: "{text}"',
    lambda name, n, text: f"{name}: \u201c{text}\u201d",
    lambda name, n, text: f"{name}\uff1a{text}",
    lambda name, n, text: f"{name}\u00a0:\u00a0{text}",
    lambda name, n, text: f"\U0001f642 {name}: {text}",
    lambda name, n, text: f"<p><strong>{name}:</strong> {text}</p>",
    lambda name, n, text: f"| {name} | {text} |",
    lambda name, n, text: f"{html.escape(name)}: {html.escape(text)}",
    lambda name, n, text: f"\u200b{name}: {text}",
    lambda name, n, text: f"{name}\u2014{text}",
    lambda name, n, text: f"{name} \u2013 {text}",
    lambda name, n, text: f"{name} => {text}",
    lambda name, n, text: f"{name}:: {text}",
    lambda name, n, text: f"**{name}: ** {text}",
    lambda name, n, text: f"**{name}**\n> {text}",
    lambda name, n, text: f"@{name}: {text}",
    lambda name, n, text: f"[00:{n:02}] {name}: {text}",
    lambda name, n, text: f"{n}.\n{name}: {text}",
    lambda name, n, text: f"{name}\t{text}",
    lambda name, n, text: f'"{name}","{text}"',
    lambda name, n, text: f"- speaker: {name}\n  text: {text}",
    lambda name, n, text: f'- role: "{name}"\n  content: "{text}"',
    lambda name, n, text: f"- speaker: {name}\n  utterance: >-\n    {text}",
    lambda name, n, text: f"<turn><speaker>{name}</speaker><text>{text}</text></turn>",
    lambda name, n, text: f"<dt>{name}</dt><dd>{text}</dd>",
)

BEFORE = (
    "",
    "Sure! Here is the dialogue:\n\n",
    "<think>\nPlan:\nQuestioner: draft?\nSelf-discloser: draft no.\n</think>\n\n",
    "Questioner: draft?\nSelf-discloser: draft.\n</think>\n",
    "**Title: The Shoes**\n\n",
    "**Planning**\n\n- Questioner: a friendly stranger\n- Self-discloser: a student\n\n**Dialogue**\n\n",
    "Seed topic: I lose my shoes\n\n",
    "INT. KITCHEN - DAY\n\n",
    "[Scene: a park bench]\n\n",
    "<|im_start|>assistant\n",
    "Draft:\nQuestioner: What is a draft?\nSelf-discloser: This one.\n\nFinal version:\n",
    "&lt;think&gt;\nQuestioner: draft?\nSelf-discloser: draft no.\n&lt;/think&gt;\n",
    "<|begin_of_thought|>Questioner: draft?\nSelf-discloser: no.<|end_of_thought|>\n<|begin_of_solution|>\n",
    '<details type="reasoning" done="true">\n> Questioner: draft?\n> Self-discloser: no.\n</details>\n',
    "Thinking...\nQuestioner: draft?\nSelf-discloser: draft.\n...done thinking.\n\n",
    "**Answer:**\n\nSure! Here it is:\n\n",
    "Questioner: a neutral friend\nSelf-discloser: a student with worries\n\n",
)
AFTER = (
    "",
    "\n\n---\nLet me know if you would like any changes!",
    "\nNote: the self-discloser shows anxiety.",
    "\n\n(Word count: 212)",
    "\n[End of conversation]",
    " [End]",
    "<|im_end|>",
    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nIs there anything else?",
    "\n\n**Analysis**\n- Questioner: stays neutral.\n- Self-discloser: shows low C.",
    "\n\nThis dialogue shows how a person can lose things.",
    "\n\n<think>That will do.</think>",
    "\n\nWhat do you think? Should I make it longer?",
)
AROUND = (
    "{}",
    "```\n{}\n```",
    "```text\n{}\n```\n",
    "<dialogue>\n{}\n</dialogue>",
    "<answer>{}</answer>",
    "~~~\n{}\n~~~",
)
BETWEEN = ("\n", "\n\n", "\n---\n", "\r\n")

_WORDS = [
    "I",
    "you",
    "shoes",
    "kitchen",
    "today",
    "then",
    "nothing",
    "phone",
    "car",
    "noon",
    "lost",
    "went",
    "slept",
    "because",
    "bread",
    "window",
    "never",
    "street",
    "morning",
    "Tuesday",
    "mother",
    "bus",
    "asked",
    "why",
    "don't",
    "couldn't",
    "it's",
    "really",
]


def _sentence(chance: random.Random, end: str) -> str:
    words = [chance.choice(_WORDS) for _ in range(chance.randint(3, 14))]
    return " ".join(words).capitalize() + end


def dialogue(seed: int) -> tuple[Turn, ...]:
    """A dialogue of six to eleven turns of plain words."""
    chance = random.Random(seed)
    turns = []
    for number in range(chance.randint(6, 11)):
        asks = number % 2 == 0
        before = [
            _sentence(chance, chance.choice(".!\u2026")) for _ in range(chance.randint(0, 0 if asks else 2))
        ]
        text = " ".join(
            [*before, _sentence(chance, "?" if asks else chance.choice((".", "!", ", I think.")))]
        )
        turns.append(Turn(role="questioner" if asks else "discloser", text=text))
    return tuple(turns)


def dressed(
    turns: Sequence[Turn], pair: Pair, form: int, parts: tuple[str, str, str, str], outside: bool
) -> str:
    """A reply that hands over `turns`; `parts` stand before, after, around and between them."""
    before, after, around, between = parts
    body = between.join(
        FORMS[form](pair[turn.role == "discloser"], number, turn.text) for number, turn in enumerate(turns, 1)
    )
    return before + around.format(body) + after if outside else around.format(before + body + after)


DRESSED = st.builds(
    lambda seed, *dress: (dialogue(seed), dressed(dialogue(seed), *dress)),
    st.integers(0, 999),
    st.sampled_from(PAIRS),
    st.integers(0, len(FORMS) - 1),
    st.tuples(*map(st.sampled_from, (BEFORE, AFTER, AROUND, BETWEEN))),
    st.booleans(),
)
"""A dialogue and a reply that hands it over."""


def as_json(turns: Sequence[Turn], pair: Pair) -> str:
    """The turns as a JSON list."""
    return json.dumps([{"role": pair[t.role == "discloser"], "content": t.text} for t in turns])
