"""Know which sentences speak of their writer.

Personality shows where somebody says 'I', 'me' or 'my'; a sentence without any is neutral more often, and is
labeled later. The words are English; in another language no sentence counts, which leaves the order as drawn.
"""

import re
from collections.abc import Sequence

from oceanchat.store import corpora as corpus_rows
from oceanchat.store.database import Store

_FIRST_PERSON = re.compile(
    r"(?<![\w'\u2019])(?:i|i['\u2019]?(?:m|ve|d|ll)|me|my|mine|myself)(?!\w)", re.IGNORECASE
)


def is_first_person(text: str) -> bool:
    """Whether a sentence speaks of its writer."""
    return _FIRST_PERSON.search(text) is not None


class FirstPerson:
    """Which sentences of a stored corpus speak of their writers; each essay is read once."""

    def __init__(self, store: Store, corpus_id: str) -> None:
        self._store = store
        self._corpus_id = corpus_id
        self._flags: dict[int, bytes] = {}

    def flags(self, essays: Sequence[int]) -> list[bytes]:
        """For each essay number one byte a sentence, 1 where it speaks of its writer, else 0."""
        unread = [number for number in essays if number not in self._flags]
        if unread:
            with self._store.reading() as connection:
                texts = corpus_rows.sentence_texts(connection, self._corpus_id, unread)
            self._flags |= {number: bytes(map(is_first_person, texts[number])) for number in unread}
        return [self._flags[number] for number in essays]
