"""Know what an endpoint's error is about.

The same trouble comes under other statuses and codes from every server, so its words count before them.
Knows nothing of what to do about it.
"""

import re

TOO_LONG, CONTENT_FILTER, QUOTA, KEY, MODEL = "too-long", "content-filter", "quota", "key", "model"
_FLAGS = re.IGNORECASE | re.DOTALL
_FILTER_CODE = re.compile(
    r"content_?filter|content_?policy|data_?inspection|responsible_?ai|moderation|safety_", re.IGNORECASE
)
_FILTERED = re.compile(
    r"content[ _-]?(filter|policy|management policy)|flagged (as|by|for)|was flagged|\bmoderation\b"
    r"|content exists risk|inappropriate content|(violat|against).{0,40}(usage|content|safety) polic"
    r"|usage guidelines|sensitive (content|words?)|(input|output|prompt|response) (was |is )?blocked"
    r"|blocked by (our |the )?(safety|content|guardrail)|harmful content|\u654f\u611f|\u4e0d\u5b89\u5168",
    _FLAGS,
)
_TOO_LONG = re.compile(
    r"(context|prompt|input|sequence|model)[ _-]?(length|window|size|limit)s?\b.{0,80}"
    r"\b(is|of|exceed\w*|smaller|maximum|longer)\b"
    r"|(exceed|longer than|greater than|larger than|too large for|must be <=).{0,80}"
    r"(context|maximum (prompt|input|model) length|max(imum)? (model )?length|max_model_len|token limit"
    r"|number of tokens)"
    r"|(prompt|input|request|message|conversation|text)s?( \([^)]{0,40}\))?( is| are|'s)? (far )?too long"
    r"|too many (input |prompt )?tokens|maximum (context|prompt|input) length"
    r"|tokens.{0,40}\+.{0,40}max_(new_)?tokens.{0,20} must be|range of input length"
    r"|exceed_context_size|exceeds? (the )?max(imum)? (length|tokens|number of tokens)"
    r"|reduce the length of the (messages|prompt|input)"
    r"|cannot fit|context the overflows|exceeded model token limit",
    _FLAGS,
)
_EMPTY_ACCOUNT = re.compile(
    r"credit balance|insufficient[ _](balance|credit|fund|quota)|(balance|credits?) (is|are|has been) "
    r"(too low|insufficient|exhausted|used up)|out of credits?|no credits|billing_not_active|payment required"
    r"|account is not active|exceeded_current_quota|arrear|overdue|\u4f59\u989d\u4e0d\u8db3|\u6b20\u8d39",
    _FLAGS,
)
_WRONG_KEY = re.compile(
    r"(incorrect|invalid|wrong|missing|expired|malformed) (api|access|auth\w*)[ _-]?(key|token)"
    r"|(api|access)[ _-]?(key|token)( provided)? (is |was )?"
    r"(not (valid|found)|invalid|incorrect|expired|missing)"
    r"|api_key_invalid|invalid_api_key|(did not|didn't|must) provide an? api key"
    r"|not authenticated|unauthenticated|authentication (failed|required|error)|unauthori[sz]ed",
    _FLAGS,
)
_NO_MODEL = re.compile(
    r"model_?not_?found|deployment_?not_?found|\bmodel\b.{0,80}\b(does not exist|doesn't exist|not exist"
    r"|(was |is |be )?not found|is not available|is not a valid model)|no such model"
    r"|not a valid model|(unknown|invalid|nonexistent)[ _]model\b|access to model|model access",
    _FLAGS,
)


def subject_of(status: int, code: str, message: str) -> str | None:
    """TOO_LONG, CONTENT_FILTER, QUOTA, KEY or MODEL (there is none of that name, or not for this account)
    where an error is about one of these, whatever its status."""
    words = f"{code} {message}"
    if status in (400, 403, 422, 451, 500) and (
        _FILTER_CODE.search(code) or (status < 500 and _FILTERED.search(message))
    ):
        return CONTENT_FILTER
    if status in (400, 401, 403, 404, 422) and _NO_MODEL.search(words):
        return MODEL
    if status in (400, 402, 403, 429) and _EMPTY_ACCOUNT.search(words):
        return QUOTA
    if status in (400, 401, 403) and _WRONG_KEY.search(words):
        return KEY
    if code == "context_length_exceeded":
        return TOO_LONG
    if status in (400, 413, 422, 500) and _TOO_LONG.search(words):
        return TOO_LONG
    return None
