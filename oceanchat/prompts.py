"""Load, fill and fingerprint the prompt templates.

A template is one Markdown file: a front matter that names its task, then `## system` and `## user` parts.
Each blank stands alone in a tag of its own name, `<sentence>{sentence}</sentence>`, and what fills it is
escaped, so no essay can forge a tag. Nothing here knows what the words of a template say.
"""

import functools
import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from oceanchat.errors import PromptError
from oceanchat.suggestions import closest

BLANKS: dict[str, frozenset[str]] = {
    task: frozenset(blanks.split())
    for task, blanks in {
        "label": "trait definition facets sentence",
        "label_many": "trait definition facets sentences",
        "theme": "seed_topic",
        "write": "trait level description facet facet_description other_traits exchanges words seed_topic",
        "question": "theme number words conversation",
        "disclose": "trait level description facet facet_description other_traits words seed_topic"
        " number conversation",
        "check": "dialogue",
        "topic": "terms examples",
        "persona": "persona",
        "persona_short": "persona description",
        "judge_batch": "trait definition facets answers",
        "judge_dimension": "trait definition facets answers",
        "judge_item": "trait definition facets answers",
    }.items()
}
"""The blanks each task's template must hold."""
OPTIONAL_BLANKS: dict[str, frozenset[str]] = dict.fromkeys(("write", "disclose"), frozenset({"answer_words"}))
"""Blanks a template may hold besides; where one is not filled, its line is left out."""

_FRONT = re.compile(r"\A---\s*\n(.*?)\n---\s*\n(.*)\Z", re.DOTALL)
_PART = re.compile(r"^## (system|user)\s*$", re.MULTILINE)
_BLANK = re.compile(r"\{([a-z_]+)\}")
_TAGGED_BLANK = re.compile(r"<([a-z_]+)>\s*\{\1\}\s*</\1>")
_TAG = re.compile(r"<([a-z_]+)>(.*?)</\1>", re.DOTALL)


class Message(NamedTuple):
    """One chat message."""

    role: str
    """'system', 'user' or 'assistant'."""
    content: str


@dataclass(frozen=True)
class Template:
    """One prompt template."""

    task: str
    parts: tuple[Message, ...]
    """Role and text with blanks, in the order of the file."""
    fingerprint: str
    """First 12 hex digits of the sha256 of the file's text."""
    text: str
    """The whole file, as releases show it."""

    def fill(self, **values: str) -> tuple[Message, ...]:
        """The messages with every blank filled and escaped; the first one names the task.

        The line of an optional blank that is given no value is left out.
        """
        missing = BLANKS[self.task] - values.keys()
        if missing or values.keys() - self.blanks:
            raise ValueError(f"task {self.task} takes {sorted(self.blanks)}, got {sorted(values)}")
        escaped = {name: html.escape(value, quote=False) for name, value in values.items()}
        unfilled = self.blanks - values.keys()
        return tuple(
            Message(
                part.role,
                _BLANK.sub(lambda blank: escaped[blank.group(1)], _without_lines(part.content, unfilled)),
            )
            for part in self.parts
        )

    @property
    def blanks(self) -> frozenset[str]:
        """The blanks it holds."""
        return frozenset(name for part in self.parts for name in _BLANK.findall(part.content))


def _without_lines(text: str, blanks: frozenset[str]) -> str:
    """The text without the lines in which these blanks and their tags stand."""
    for name in sorted(blanks):
        text = re.sub(rf"^.*<{name}>\s*\{{{name}\}}\s*</{name}>.*\n?", "", text, flags=re.MULTILINE)
    return text


@dataclass(frozen=True)
class Prompts:
    """The templates of one folder."""

    folder: Path

    def __getitem__(self, task: str) -> Template:
        """The template of a task, read once. Raises PromptError when it is missing or wrong."""
        return _load(self.folder, task)

    def check(self, tasks: Iterable[str]) -> None:
        """Read the templates of these tasks now, so that a wrong one is met before any work is done."""
        for task in tasks:
            self[task]

    def read(self, name: str) -> str:
        """The text of another file of the folder, such as the annotators' guidelines."""
        return _read(self.folder / name)


def default_folder() -> Path:
    """The folder that ships with the package."""
    packaged = Path(__file__).parent / "_prompts"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "prompts"


def open_prompts(folder: Path | None = None) -> Prompts:
    """The user's prompt folder, or the one that ships with the package."""
    chosen = default_folder() if folder is None else folder
    if not chosen.is_dir():
        raise PromptError(
            f"prompt folder '{chosen}' does not exist; --prompts names a folder of template files"
        )
    return Prompts(chosen)


def persona_text(prompts: Prompts, label: str, description: str = "") -> str:
    """The system text that portrays a persona in words, without the line that names the task.

    With a description of the persona it is the short one, of which the tags, which small models repeat, are
    left out too.
    """
    task, values = "persona", {"persona": label}
    if description:
        task, values = "persona_short", {**values, "description": description}
    text = "\n\n".join(message.content for message in prompts[task].fill(**values))
    text = text.removeprefix(f"<task>{task}</task>").strip()
    return re.sub(r"</?(persona|description)>", "", text) if description else text


def read_tags(messages: Iterable[Message]) -> dict[str, str]:
    """The unescaped contents of all tags in rendered messages, `task` among them; the first of equal names
    counts."""
    tags: dict[str, str] = {}
    for message in messages:
        for name, inside in _TAG.findall(message.content):
            tags.setdefault(name, html.unescape(inside).strip())
    return tags


@functools.lru_cache(maxsize=64)
def _load(folder: Path, task: str) -> Template:
    return parse_template(_read(folder / f"{task}.md"), task, str(folder / f"{task}.md"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise PromptError(
            f"prompt file '{path}' is missing; copy it from the bundled prompts and edit it"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(
            f"prompt file '{path}' cannot be read ({error.__class__.__name__}); save it as UTF-8"
        ) from None


def parse_template(text: str, task: str, where: str) -> Template:
    """Read a template's text. Raises PromptError naming `where` and what is wrong with it."""
    front = _FRONT.match(text.replace("\r\n", "\n"))
    if front is None or f"task: {task}" not in (line.strip() for line in front.group(1).splitlines()):
        raise PromptError(
            f"prompt file '{where}' does not begin with '---', 'task: {task}', '---'; add these lines"
        )
    pieces = _PART.split(front.group(2))
    parts = tuple(Message(role, body.strip()) for role, body in zip(pieces[1::2], pieces[2::2], strict=True))
    if not parts or pieces[0].strip():
        raise PromptError(f"prompt file '{where}' must consist of '## system' and '## user' parts")
    _check_blanks(parts, task, where)
    if not parts[0].content.startswith(f"<task>{task}</task>"):
        raise PromptError(f"prompt file '{where}' must open its first part with '<task>{task}</task>'")
    return Template(task, parts, hashlib.sha256(text.encode("utf-8")).hexdigest()[:12], text)


def _check_blanks(parts: tuple[Message, ...], task: str, where: str) -> None:
    body = "\n".join(part.content for part in parts)
    blanks = _BLANK.findall(body)
    needed, allowed = BLANKS[task], BLANKS[task] | OPTIONAL_BLANKS.get(task, frozenset())
    for name in blanks:
        if name not in allowed:
            guess = closest(name, sorted(allowed))
            hint = f"did you mean '{{{guess}}}'" if guess else f"it may hold {_listed(allowed)}"
            raise PromptError(
                f"prompt file '{where}' has the blank '{{{name}}}', which task {task} does not fill; {hint}"
            )
    for name in sorted(needed):
        if name not in blanks:
            raise PromptError(
                f"prompt file '{where}' lacks the blank '{{{name}}}'; add <{name}>{{{name}}}</{name}>"
            )
    tagged = _TAGGED_BLANK.findall(body)
    for name in sorted(needed | set(blanks)):
        once = (
            blanks.count(name)
            == tagged.count(name)
            == body.count(f"<{name}>")
            == body.count(f"</{name}>")
            == 1
        )
        if not once:
            raise PromptError(
                f"prompt file '{where}' must hold the blank '{{{name}}}' once, alone in its own tag:"
                f" <{name}>{{{name}}}</{name}>"
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{{{name}}}'" for name in sorted(names))


def fingerprints(prompts: Prompts, tasks: Iterable[str]) -> Mapping[str, str]:
    """Task -> fingerprint of its template."""
    return {task: prompts[task].fingerprint for task in tasks}
