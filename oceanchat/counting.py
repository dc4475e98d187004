"""Say how many of a thing there are."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """'1 dialogue', '2,000 dialogues'; `plural` where it takes more than an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
