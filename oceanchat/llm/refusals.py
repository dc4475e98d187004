"""Know a declining assistant's words.

An assistant is sorry for not helping with a request; a person is sorry for what happened in their life. Only
the first is a refusal wherever it stands; where no answer could be read at all, its beginning is enough.
"""

import re

from oceanchat.llm.folding import folded

_UNABLE = (
    r"(?:i (?:cannot|can't|can not|won't|will not|am unable to|am not able to)|i'm (?:unable|not able) to)"
)
_SORRY = (
    r"(?:(?:i'm|i am) (?:(?:very|so|truly|really|deeply|terribly) )?sorry|sorry|(?:i )?apologi[sz]e"
    r"|my apologies)"
)
_MAKE = r"(?:assist|comply|provide|fulfill?|generate|create|write|produce)"
_HELP = (
    rf"(?:help|{_MAKE}|continue|engage|participate|role-?play|complete|support|answer|discuss|respond|proceed"
    r"|do|offer)"
)
_WORK = (
    r"(?:(?:the|that|this|your|any|such|an?) )?(?:(?:kind|type|sort) of )?(?:help|support|content"
    r"|requests?|task|conversation|dialogue|role-?play|material|scenario|assistance)"
)
_OBJECT = rf"(?:(?:you )?(?:with |in |to )?{_WORK}\b|(?:with )?(?:that|this|it|you)(?: for you)?\W{{0,3}}$)"
_DECLINES = re.compile(
    rf"\W{{0,6}}(?:as an ai\b|{_SORRY}[^.!?\n]{{0,60}}?[ ,.;:-]{{1,4}}(?:but )?{_UNABLE} {_HELP} {_OBJECT}"
    rf"|{_UNABLE} {_HELP} {_OBJECT}|{_UNABLE} {_MAKE} (?:you )?(?:with )?(?:that|this|your|such)\b"
    rf"|{_SORRY},? (?:but )?{_UNABLE} (?:help|{_MAKE}) (?:you )?(?:with )?(?:that|this|your|such)\b"
    r"|i must decline\b|i (?:have|need) to decline\b)",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    rf"\W{{0,6}}(?:{_SORRY}\b[\s\S]{{0,120}}?\b{_UNABLE}|{_SORRY},? but (?:i|that|this)\b|{_UNABLE} {_HELP}\b"
    r"|as an ai\b|i(?:'m| am) an ai\b|i (?:must|have to|need to) decline|i'm not comfortable)",
    re.IGNORECASE,
)


def is_refusal(text: str) -> bool:
    """Whether a text begins as only a declining assistant does, never a person who talks of their life."""
    return _DECLINES.match(folded(text)) is not None


def begins_like_a_refusal(text: str) -> bool:
    """Whether a text that holds no answer begins as a refusal may."""
    return _BEGINS.match(folded(text)) is not None
