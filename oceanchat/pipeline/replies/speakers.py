"""Know who speaks from a line's label.

Models call the two speakers by many names and dress the labels in marks, numbers and asides. A label names a
role by itself, or only beside the other one it alternates with. What is said is not looked at.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from oceanchat.records import Role

_QUESTIONER = (
    "questioner questionner interviewer asker inquirer question q user human moderator host researcher"
    " therapist counselor counsellor"
)
_DISCLOSER = (
    "self-discloser self-disclosure self-disclosing selfdiscloser discloser interviewee respondent responder"
    " answerer answer assistant ai bot guest client patient sd me"
)
_ROLES: dict[str, Role] = {
    **{name: "questioner" for name in _QUESTIONER.split()},
    **{name: "discloser" for name in _DISCLOSER.split()},
}
_COUNTED = "character|person|speaker|participant|party|voice|role|p"
_SIDES: dict[str, Role] = {
    **dict.fromkeys(("1", "a", "one"), "questioner"),
    **dict.fromkeys(("2", "b", "two"), "discloser"),
}
_KNOWN = "|".join(
    [
        r"self[ _-]{0,3}disclos(?:er|ure|ing)",
        rf"(?:{_COUNTED})[ _#-]?(?:[12ab]|one|two)",
        *sorted((name for name in _ROLES if "-" not in name), key=len, reverse=True),
        "a",
        "b",
    ]
)
_UNKNOWN = r"[A-Z][A-Za-z'.-]{0,20}(?: [A-Z][A-Za-z'.-]{0,20})?"
_DRESS = r"[ @>*_#~|<\[({`\"'\u2022\u00b7\u25cf\u25cb\u25aa\u25e6+\u2600-\u27bf\ufe0f\U0001f000-\U0001faff-]"
_COUNT = (
    r"(?:[(\[]?\d{1,2}:\d{2}(?::\d{2})?[)\]]?(?=[ *_<\[(`\"'-])"
    r"|\(?\d{1,3}(?:\.\d{1,3})?[.):\]]{0,2}(?=[ *_<\[(`\"'])"
    r"|(?:turn|exchange|line|round|part)\b[ #]{0,2}\d{0,3}[ :.)|-]{0,4})"
)
_BEFORE = rf"{_DRESS}{{0,12}}(?:{_COUNT}{_DRESS}{{0,12}})?"
_TAIL = (
    r"(?:[ #_-]?\d{1,3})?[*_`\"' ]{0,4}(?:[(\[][^()\[\]\n]{0,60}[)\]])?[*_`\"'>\])} ]{0,6}"
    r"(?:asks|says|replies|answers|responds)?[*_`\"' ]{0,3}"
)
_MARKS_AFTER = r"(?:[ ]?[*_`]{1,3}(?=\s|$))?[ ]{0,8}"
_LABEL = re.compile(
    rf"{_BEFORE}(?P<open>[\[(])?(?:the )?(?P<name>{_KNOWN}){_TAIL}"
    rf"(?::{{1,2}}|-{{1,2}}(?: |>|(?-i:(?=[A-Z\"'])))|=?>|= |~ |\||(?(open)(?<=[\])] )|(?!))){_MARKS_AFTER}"
    rf"|{_DRESS}{{0,6}}(?P<letter>[qa])\d{{0,3}}\.[*_]{{0,2}} ",
    re.IGNORECASE,
)
_HEADING = re.compile(
    rf"{_BEFORE}(?:the )?(?P<name>{_KNOWN}){_TAIL}:?[*_ ]{{0,4}}",
    re.IGNORECASE,
)
_OTHER_LABEL = re.compile(rf"{_BEFORE}(?P<name>{_UNKNOWN}){_TAIL}:{_MARKS_AFTER}")
_OWN_LINE = re.compile(
    r"\s*(?:(?P<mark>\*\*|__|#{1,4} ))?(?P<name>(?(mark)[A-Z][A-Za-z'-]{1,20}|[A-Z][A-Z'-]{1,20}))"
    r"(?:\s?\([^()\n]{1,40}\))?(?(mark)(?:\*\*|__)?)\s*"
)
_INLINE = re.compile(
    rf"(?<=[.?!\u2026\"')*_>\]])[ ]{{1,4}}(?=[*_<\[]{{0,3}}(?P<name>{_KNOWN}){_TAIL}:)", re.IGNORECASE
)
_ALONE = frozenset(
    ("user", "human", "host", "guest", "client", "patient", "me", "question", "answer", "q", "a", "b")
)
"""Names that stand for a speaker only where a mark follows them."""
_NO_SPEAKER = re.compile(
    r"(?:note|notes|title|setting|scene|topic|theme|seed|facet|trait|level|reason|label|result|word|words|length"
    r"|characters?|plan|planning|dialogue|conversation|here|sure|certainly|explanation|analysis|end|exchange|turn"
    r"|remember|warning|ps|p\.s\.)\b",
    re.IGNORECASE,
)


class Labelled(NamedTuple):
    """A label at the beginning of a line."""

    name: str
    """In lower case, spaces as hyphens; what `roles_of` knows."""
    end: int
    """Where the utterance begins."""
    known: bool
    """Whether the name is one that speakers go by, not just any."""
    strong: bool
    """Whether it is a word, not a single letter."""


def label_at(line: str) -> Labelled | None:
    """The speaker's label a folded line begins with, if it begins with one."""
    match = _LABEL.match(line)
    if match is None:
        match = _HEADING.fullmatch(line.rstrip())
        if match is None or (_name(match) in _ALONE and ":" not in line and line[:1] not in "#*<["):
            return None
    name = _name(match)
    return Labelled(name, match.end(), True, len(name) > 1)


def other_label_at(line: str) -> Labelled | None:
    """Any name with a colon that a folded line begins with, or that is set off on a line of its own."""
    match = _OTHER_LABEL.match(line) or _OWN_LINE.fullmatch(line)
    if match is None or _NO_SPEAKER.match(match["name"]):
        return None
    return Labelled(match["name"].lower(), match.end(), False, True)


def inline_labels(line: str, letters: bool) -> list[int]:
    """Where further labels begin inside a folded line, after the end of a sentence; single letters count
    where `letters` are labels here."""
    return [match.end() for match in _INLINE.finditer(line) if letters or len(match["name"]) > 1]


def roles_of(names: Iterable[str]) -> Mapping[str, Role]:
    """The role behind each of these names; what stays unclear is left out."""
    present = set(names)
    roles: dict[str, Role] = {}
    for name in present:
        side = re.fullmatch(rf"(?:{_COUNTED})-?(\w+)", name)
        if name in _ROLES:
            roles[name] = _ROLES[name]
        elif side and side[1] in _SIDES:
            roles[name] = _SIDES[side[1]]
        elif name == "a":
            roles[name] = "questioner" if "b" in present and "q" not in present else "discloser"
        elif name == "b":
            roles[name] = "discloser"
    return roles


def _name(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return re.sub(r"[ _#-]+", "-", (groups["name"] or groups["letter"]).lower())
