"""Take the answer out of a reply.

What a model sends holds more than its answer: thoughts, special tokens, code fences, tags around the whole,
escaped entities. All of that is taken off here, once, before any parser looks; the raw body stays in the
ledger. What the answer should say is not known here.
"""

import functools
import html
import re

from oceanchat.llm.json_lines import lines_of_json
from oceanchat.records import storable

_NAMES = (
    "(?:seed:)?(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|inner_?monologue)"
)
_THOUGHTS = re.compile(
    rf"(?P<open>(?:<|&(?:amp;)?lt;){_NAMES}(?: [^<>\n]{{0,80}})?(?:>|&(?:amp;)?gt;)|\[THINK\]"
    r"|\u25c1think\u25b7|<\|START_THINKING\|>|<unused94>|<\|begin_of_thought\|>"
    r"|<details type=\"reasoning\"[^<>\n]{0,80}>|^Thinking\.\.\.$)"
    rf"|(?P<close>(?:<|&(?:amp;)?lt;)/{_NAMES}\s?(?:>|&(?:amp;)?gt;)|\[/THINK\]|\u25c1/think\u25b7"
    r"|<\|END_THINKING\|>|<unused95>|<\|end_of_thought\|>|</details>|^\.\.\.done thinking\.$)",
    re.IGNORECASE | re.MULTILINE,
)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final\b[^<]{0,40}<\|message\|>")
_OTHER_CHANNEL = re.compile(r"<\|channel\|>\s*(?:analysis|commentary)\b")
_BEGINNING = re.compile(
    r"(?:<s>|<bos>|<\|begin_of_text\|>|<\|startoftext\|>"
    r"|<\|start_header_id\|>\s*assistant\s*<\|end_header_id\|>"
    r"|<\|im_start\|>\s*assistant\b|<start_of_turn>\s*model\b"
    r"|<\|(?:assistant|START_OF_TURN_TOKEN|CHATBOT_TOKEN|START_RESPONSE|begin_of_solution)\|>|\[/INST\]|(?<=>)\s+)+",
    re.IGNORECASE,
)
_NO_WORDS = re.compile(r"`{3}\w*|</?\w+>|\W")
"""What may stand before the token that begins a message."""
_END = re.compile(
    r"<\|[A-Za-z_][\w ]{0,40}\|>|<\uff5c[^\uff5c<>]{1,40}\uff5c>|</s>|<(?:end|start)_of_turn>"
    r"|<(?:eos|bos|pad|unk|EOT)>|\[/?INST\]|<</?SYS>>"
)
"""What follows a token that ends a message was never part of it."""
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2029]")
_BREAK_TAG = re.compile(
    r"</?(?:br|p|div|li|ul|ol|tr|hr|table|tbody|thead|h[1-6]|html|body|head|section|article)"
    r"(?: [^<>\n]{0,120})?\s?/?>",
    re.IGNORECASE,
)
_STYLE = "(?:b|i|u|strong|em|mark|small|span|td|th|font)"
_STYLE_TAG = re.compile(rf"</{_STYLE}>|<{_STYLE}(?: [^<>\n]{{0,120}})?>(?!\s?:)", re.IGNORECASE)
_FENCE = re.compile(r"^[ \t>]*(?:`{3,}|~{3,})[ \t]*[\w+-]{0,20}[ \t]*$", re.MULTILINE)
_WRAPPERS = (
    "answer",
    "final_answer",
    "final",
    "output",
    "response",
    "reply",
    "dialogue",
    "conversation",
    "result",
)
_ESCAPED_MARK = re.compile(r"\\([*_#\[\]()<>~`.\-])")


def without_thoughts(reply: str) -> str:
    """The reply without its thoughts and special tokens; empty where the thoughts never end.

    Closed blocks are taken out where they stand. A closing tag alone ends thoughts that began with the reply.
    """
    text = _only_final_channel(reply)
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    text = _without_blocks(text)
    _, mark, answered = text.rpartition("[/INST]")
    text = answered if mark and answered.strip() else text
    begun = _BEGINNING.search(text)
    if begun and not _NO_WORDS.sub("", text[: begun.start()]):
        text = text[: begun.start()] + text[begun.end() :]
    ended = _END.search(text)
    return (text[: ended.start()] if ended else text).strip()


def never_stops_thinking(reply: str) -> bool:
    """Whether a reply that is not empty holds no more than thoughts."""
    return bool(reply.strip()) and _THOUGHTS.search(reply) is not None and not without_thoughts(reply)


def answer_text(reply: str) -> str:
    """The answer inside a reply as plain lines; empty where there is none. A text in JSON becomes lines too.

    Fences and what stands around a tag such as `<answer>` are taken off, entities are turned back.
    """
    return _answer_text(reply)


@functools.lru_cache(maxsize=8)
def _answer_text(reply: str) -> str:
    text = without_thoughts(reply).replace("\u2028", " ")
    for _ in range(2):  # some servers escape what the model has escaped already
        text = _ENTITY.sub(lambda entity: html.unescape(entity.group(0)), text)
    text = storable(_LINE_ENDS.sub("\n", text).replace("\u2028", " "))
    if "\n" not in text and "\\n" in text:
        as_lines = lines_of_json(text)
        if as_lines is not None:
            return as_lines
        text = text.replace("\\n", "\n")
    text = _FENCE.sub("\n", text).replace("```", "\n").strip()
    text = _unwrapped(text)
    as_lines = lines_of_json(text)
    if as_lines is not None:
        return as_lines
    text = _STYLE_TAG.sub("", _BREAK_TAG.sub("\n", text))
    return _ESCAPED_MARK.sub(r"\1", text).strip()


def _only_final_channel(text: str) -> str:
    """The last message to the reader, where a reply comes in channels; nothing where it has no such one."""
    finals = list(_FINAL_CHANNEL.finditer(text))
    if finals:
        return text[finals[-1].end() :]
    if _OTHER_CHANNEL.search(text):
        return ""
    thoughts, mark, final = text.rpartition("assistantfinal")  # what is left when a server drops the tokens
    return final if mark and thoughts.lstrip().startswith("analysis") else text


def _without_blocks(text: str) -> str:
    pieces: list[str] = []
    depth = start = 0
    for tag in _THOUGHTS.finditer(text):
        if tag.group("open"):
            if depth == 0:
                pieces.append(text[start : tag.start()])
            depth += 1
        elif depth == 0:
            pieces = []
        else:
            depth -= 1
        start = tag.end()
    if depth:
        # Either the last block never ends, or the thoughts speak of the tag itself: then the last closing
        # tag is the end of them, if the reply began with them.
        closing = [tag for tag in _THOUGHTS.finditer(text) if tag.group("close")]
        ends_last = closing and start == closing[-1].end()
        return text[start:] if ends_last and not "".join(pieces).strip() else ""
    return "\n\n".join(piece for piece in [*pieces, text[start:]] if piece.strip())


def _unwrapped(text: str) -> str:
    """What stands inside the tag that holds the whole answer, where there is one."""
    lowered = text.lower() if text.isascii() else "".join(c.lower() if c.isascii() else c for c in text)
    if "<question>" in lowered:
        return text
    for name in _WRAPPERS:
        opening, closing = f"<{name}>", f"</{name}>"
        if lowered.count(opening) > 1 or lowered.count(closing) > 1:
            continue
        start, end = lowered.find(opening), lowered.find(closing)
        if start < 0 and end < 0:
            continue
        inside = text[start + len(opening) if start >= 0 else 0 : end if end >= 0 else len(text)]
        if inside.strip():
            return _unwrapped(inside.strip())
    return text
