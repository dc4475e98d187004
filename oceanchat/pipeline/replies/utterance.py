"""Read an utterance or theme from a reply.

In the dual mode each reply should hold what one speaker says next and nothing else. What introduces it, the
other speaker's lines after it and remarks on it are left out; what might be either makes the reply unclear.
"""

import re

from oceanchat.errors import UnreadableReply
from oceanchat.facets import FACETS
from oceanchat.llm.answer_text import answer_text
from oceanchat.llm.folding import folded
from oceanchat.llm.refusals import is_refusal
from oceanchat.llm.reply_fields import read_fields
from oceanchat.near_duplicates import words_of
from oceanchat.pipeline.replies.leftovers import markup_in
from oceanchat.pipeline.replies.remarks import begins_remark, heading_kind, is_rule
from oceanchat.pipeline.replies.speakers import label_at, roles_of
from oceanchat.pipeline.replies.spoken import is_aside, is_quoted, spoken, unquoted, without_end_mark
from oceanchat.pipeline.replies.turn_markup import with_labelled_lines
from oceanchat.records import Role, SeedTopic

_INTRODUCTION = re.compile(
    r"[\W_]{0,12}(?:(?:sure|certainly|of course|absolutely|okay|ok|great|alright|understood)\W{1,3})?"
    r"(?:(?:here(?:'s| is| are)|this is)\b(?: [\w'-]+){0,3}"
    r" (?:question|answer|reply|response|message|turn|line|utterance)\b[^:\n]{0,40}"
    r"|(?:my|the|your)(?: (?:next|first|last|final|own|one))?"
    r" (?:question|answer|reply|response|message|turn|line)"
    r"|(?:the |my |next |final )*(?:reply|response|message|output|utterance|question|answer)"
    r"|here (?:it is|you go|goes))[\W_]{0,3}:[*_]{0,3}\s*",
    re.IGNORECASE,
)
_THEME_WORDS = 6
_TRAIT_WORD = re.compile(
    r"\b(openness|conscientious\w*|extraver\w*|extrover\w*|introver\w*|agreeabl\w*|neurotic\w*|personality)\b",
    re.IGNORECASE,
)
_LEVEL_WORD = re.compile(
    r"\b(?:high|low)\b(?![ -](?:schools?|street|tea|tide|season|seas?|water|chair|rises?|altitude|mountains?"
    r"|ground|cost|budget|carb|fat|tech|speed|jump))",
    re.IGNORECASE,
)
"""A level's name, unless it belongs to a thing such as a high school."""


def parse_utterance(reply: str, role: Role | None = None) -> str | None:
    """Read one turn from a raw reply; None where there is none, or not clearly one."""
    try:
        return read_utterance(reply, role)
    except UnreadableReply:
        return None


def read_utterance(reply: str, role: Role | None = None) -> str:
    """Read one turn, of `role` where that is known. Raises UnreadableReply, which says what is unclear."""
    text = with_labelled_lines(answer_text(reply))
    if not text.strip():
        raise UnreadableReply("it is empty")
    if is_refusal(text):
        raise UnreadableReply("it declines")
    paragraphs = _paragraphs(_own_lines(text.split("\n"), role))
    if len(paragraphs) != 1:
        raise UnreadableReply(
            "it holds more than one paragraph" if paragraphs else "it does not say what is said next"
        )
    introduced = _INTRODUCTION.match(paragraphs[0])
    utterance = spoken(without_end_mark(paragraphs[0][introduced.end() if introduced else 0 :]))
    utterance = unquoted(utterance) if is_quoted(utterance) else utterance
    if not utterance:
        raise UnreadableReply("it does not say what is said next")
    left_over = markup_in(utterance)
    if left_over:
        raise UnreadableReply(f"it holds {left_over}")
    return utterance


def _own_lines(lines: list[str], role: Role | None) -> list[str]:
    """The lines that one speaker says: up to the next label, or behind the speaker's own."""
    parts: list[tuple[Role | None, list[str]]] = [(None, [])]
    for line in lines:
        label = label_at(folded(line))
        speaker = roles_of([label.name]).get(label.name) if label else None
        if label and speaker:
            parts.append((speaker, [line[label.end :]]))
        else:
            parts[-1][1].append(line)
    unlabelled = parts[0][1]
    if _paragraphs(unlabelled):
        if len(parts) > 1 and role is not None and parts[1][0] == role:
            raise UnreadableReply("it has text before the speaker's label")
        return unlabelled
    own = [lines for speaker, lines in parts[1:] if role is None or speaker == role]
    if not own:
        raise UnreadableReply("it speaks for the other person")
    if len(own) > 1 and role is not None and parts[1][0] != role:
        raise UnreadableReply("it holds more than one turn")
    return own[0]


def _paragraphs(lines: list[str]) -> list[str]:
    """What is said in these lines, without introductions, headings, rules and remarks."""
    paragraphs: list[str] = []
    ended = True
    for line in lines:
        plain = folded(line).strip()
        introduces = _INTRODUCTION.fullmatch(plain) or (plain.endswith(":") and not paragraphs)
        if not plain or is_rule(plain) or is_aside(plain) or heading_kind(plain) or introduces:
            ended = True
        elif paragraphs and begins_remark(plain) and (ended or paragraphs[-1][-1:] in ".?!\"'"):
            break
        elif ended:
            paragraphs.append(line.strip())
            ended = False
        else:
            paragraphs[-1] += " " + line.strip()
    return paragraphs


def parse_theme(reply: str, seed: SeedTopic) -> str | None:
    """Read a theme of two to six words; None when it gives away what the questioner must not know."""
    try:
        return read_theme(reply, seed)
    except UnreadableReply:
        return None


def read_theme(reply: str, seed: SeedTopic) -> str:
    """Read a theme of two to six words. Raises UnreadableReply where it gives away the trait, the level, the
    facet, or the sentence: three of its words in a row are too many, and so are two long words of it that
    make up more than half of the theme's."""
    theme = _written_theme(answer_text(reply))
    words = words_of(theme)
    if not 2 <= len(words) <= _THEME_WORDS:
        raise UnreadableReply("it has no line 'Theme:' with two to five words")
    sentence = words_of(seed.text)
    runs = {tuple(words[i : i + 3]) for i in range(len(words) - 2)}
    quoted = any(tuple(sentence[i : i + 3]) in runs for i in range(len(sentence) - 2))
    long_words = [word for word in words if len(word) > 3]
    shared = [word for word in long_words if word in sentence]
    paraphrased = len(shared) >= 2 and len(shared) > len(long_words) / 2
    if quoted or paraphrased or len(words) >= len(sentence):
        raise UnreadableReply(f"the theme '{theme}' repeats words of the remark")
    stems = {part[:5] for facet in FACETS[seed.trait] for part in facet.id.split("-") if len(part) > 4}
    if _TRAIT_WORD.search(theme) or _LEVEL_WORD.search(theme) or any(word[:5] in stems for word in words):
        raise UnreadableReply(f"the theme '{theme}' names a feeling or a trait")
    return theme


def _written_theme(text: str) -> str:
    """The theme as written: behind 'Theme:', or the only line that is no introduction."""
    fields = read_fields(text, {"theme": "theme"})
    lines = [field.value.split("\n")[0] for field in fields] or [
        line for line in text.split("\n") if line.strip() and not line.rstrip(" *_").endswith(":")
    ]
    theme = re.sub(r"\([^()]*\)", "", lines[0]) if lines else ""
    return re.sub(r"[*_`\"\u201c\u201d.]+|(?<!\w)['\u2018]|['\u2019](?!\w)", "", theme).strip()
