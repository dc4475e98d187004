"""Passcodes, sign-ins and roles of annotators.

A passcode is shown once and stored as a scrypt hash; a sign-in is a random string in a cookie, stored as its
SHA-256. Further failures from one address for one name are answered later and later; the right passcode is
never refused, so nobody can lock a colleague out. The hashing is our own dozen lines over hashlib: a package
for it would add a compiled dependency and offer nothing that the standard library's scrypt lacks. Nothing
here knows of cookies or pages.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from oceanchat.annotation import assignment
from oceanchat.errors import AnnotationError
from oceanchat.store import annotators as annotator_rows
from oceanchat.store import assignments as assignment_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store

ROLES = ("annotator", "lead")
SIGNED_IN_FOR = 14 * 86_400.0
"""Seconds a sign-in lasts."""
WINDOW = 15 * 60.0
"""Seconds for which failed attempts count."""
FREE_TRIES = 3
"""Wrong tries that are answered at once."""
LONGEST_DELAY = 30.0
"""Seconds after which the last of many wrong tries is answered."""
PROFILE = ("background", "language", "pay", "note")
"""The facts that the lead records about an annotator (Appendix E), for the release card."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without characters that look alike
_ADD = "oceanchat annotators add NAME"
PASSCODE_COST = (2**14, 8, 1)
"""n, r and p of scrypt: a thirtieth of a second a try."""


class NewAccount(NamedTuple):
    """An account with its passcode, which cannot be read again."""

    annotator: Annotator
    passcode: str


def usable_name(name: str, role: str) -> str:
    """An account's name as it is stored. Raises AnnotationError for an unusable one, or an unknown role."""
    name = " ".join(name.split())
    _check_role(role)
    if not name or len(name) > 60 or not name.isprintable():
        raise AnnotationError(f"name '{name}' cannot be used; write up to 60 printable characters")
    return name


def add(store: Store, name: str, role: str = "annotator", *, now: float | None = None) -> NewAccount:
    """Open an account. Raises AnnotationError for a name that is taken or unusable, or an unknown role."""
    name = usable_name(name, role)
    passcode = new_passcode()
    passcode_hash = hash_passcode(passcode)
    moment = time.time() if now is None else now
    with store.writing() as connection:
        taken = annotator_rows.by_name(connection, name)
        if taken is not None:
            _check_open(taken)
            raise AnnotationError(
                f"annotator '{name}' exists; choose another name, or give them a new passcode with `oceanchat"
                " annotators passcode`"
            )
        account_id = annotator_rows.add(connection, name, role, passcode_hash, moment)
        account = annotator_rows.by_id(connection, account_id)
    assignment.replan(store)
    return NewAccount(account, passcode)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise AnnotationError(f"role '{role}' is not known; write annotator or lead")


def find(store: Store, name: str) -> Annotator:
    """The account of that name; AnnotationError when there is none."""
    with store.reading() as connection:
        account = annotator_rows.by_name(connection, " ".join(name.split()))
        names = [each.name for each in annotator_rows.everyone(connection)]
    if account is None:
        known = ", ".join(names) or "nobody yet"
        raise AnnotationError(f"annotator '{name}' is not known; there are: {known}")
    return account


def find_open(store: Store, name: str) -> Annotator:
    """The account of that name; AnnotationError when there is none, or it is closed."""
    account = find(store, name)
    _check_open(account)
    return account


def _check_open(account: Annotator) -> None:
    if account.retired_at is not None:
        raise AnnotationError(
            f"the account of '{account.name}' is closed for good; open one under another name with `{_ADD}`"
        )


def everyone(store: Store) -> list[Annotator]:
    """All accounts in the order they were added."""
    with store.reading() as connection:
        return annotator_rows.everyone(connection)


def renew_passcode(store: Store, account: Annotator) -> str:
    """Replace the passcode of an account and end its sign-ins; returns the new passcode."""
    passcode = new_passcode()
    passcode_hash = hash_passcode(passcode)
    with store.writing() as connection:
        annotator_rows.change(connection, account.id, passcode_hash=passcode_hash)
        annotator_rows.end_all_sign_ins(connection, account.id, time.time())
    return passcode


def record_profile(store: Store, account: Annotator, facts: Mapping[str, str]) -> None:
    """Record facts about an annotator; empty ones are removed. Raises AnnotationError for unknown facts."""
    unknown = next((name for name in facts if name not in PROFILE), None)
    if unknown is not None:
        raise AnnotationError(f"profile has no '{unknown}'; it has {', '.join(PROFILE)}")
    with store.writing() as connection:
        profile = {**annotator_rows.by_id(connection, account.id).profile, **facts}
        annotator_rows.change(connection, account.id, profile={k: v for k, v in profile.items() if v})


def change_role(store: Store, account: Annotator, role: str) -> None:
    """Make a lead of an annotator, whose open items go to the others, or an annotator of a lead.

    Raises AnnotationError for an unknown role, a closed account, an annotator who has labeled and a lead who
    has opened a disagreement: a lead sees everybody's answers, and annotators label without seeing any.
    """
    _check_changeable(account, role)
    with store.writing() as connection:
        _check_unseen(connection, account, role)
        annotator_rows.change(connection, account.id, role=role)
    assignment.replan(store)


def check_role(store: Store, account: Annotator, role: str) -> None:
    """Raise AnnotationError for what `change_role` would refuse, and change nothing."""
    _check_changeable(account, role)
    with store.reading() as connection:
        _check_unseen(connection, account, role)


def _check_changeable(account: Annotator, role: str) -> None:
    _check_role(role)
    _check_open(account)


def _check_unseen(connection: Connection, account: Annotator, role: str) -> None:
    met = assignment_rows.met_items(connection, account.id)
    if met and role != account.role and account.role == "lead":
        raise AnnotationError(
            f"'{account.name}' has seen others' answers to {met:,} of the items, and annotators label"
            f" without seeing any; let somebody else label, with an account of `{_ADD}`"
        )
    if met and role != account.role:
        raise AnnotationError(
            f"'{account.name}' has labeled {met:,} of the items, and a lead sees everybody's answers;"
            f" open another account for the lead with `{_ADD} --role lead`"
        )


def admit(store: Store, account: Annotator, *, now: float | None = None) -> None:
    """Let an annotator validate, whatever the result of their practice."""
    with store.writing() as connection:
        annotator_rows.change(connection, account.id, admitted_at=time.time() if now is None else now)


def retire(store: Store, account: Annotator, *, now: float | None = None) -> None:
    """Close an account: its labels stay, its open items go to the others."""
    moment = time.time() if now is None else now
    with store.writing() as connection:
        annotator_rows.change(connection, account.id, retired_at=moment)
        annotator_rows.end_all_sign_ins(connection, account.id, moment)
    assignment.replan(store)


class WrongPasscode(AnnotationError):
    """A name and a passcode that do not belong together."""

    def __init__(self, delay: float) -> None:
        super().__init__("name or passcode is wrong; check both, or ask the lead for a new passcode")
        self.delay = delay
        """Seconds after which to answer: 1, 2, 4 ... from the fourth wrong try on."""


def sign_in(store: Store, name: str, passcode: str, address: str, *, now: float | None = None) -> str:
    """Check name and passcode; returns the random string for the cookie.

    Raises WrongPasscode, with the same message whichever of the two was wrong.
    """
    moment = time.time() if now is None else now
    name = " ".join(name.split())[:200].replace("\0", "")
    with store.reading() as connection:
        account = annotator_rows.by_name(connection, name)
        passcode_hash = None if account is None else annotator_rows.passcode_hash(connection, account.id)
    # A name nobody has takes as long as a wrong passcode, so that response times do not give names away.
    matches = _matches(passcode, passcode_hash if passcode_hash is not None else _UNKNOWN_NAME)
    if account is None or not matches or account.retired_at is not None:
        with store.writing() as connection:
            annotator_rows.drop_failures(connection, moment - WINDOW)
            annotator_rows.add_failure(connection, name, address, moment)
            failures = annotator_rows.failures(connection, name, address, moment - WINDOW)
        raise WrongPasscode(_delay(failures))
    return start_sign_in(store, account, now=moment)


def _delay(failures: int) -> float:
    """Seconds: none for the first tries, then 1, 2, 4 and so on."""
    return 0.0 if failures <= FREE_TRIES else min(2.0 ** (failures - FREE_TRIES - 1), LONGEST_DELAY)


def start_sign_in(store: Store, account: Annotator, *, now: float | None = None) -> str:
    """Start a sign-in for someone whose identity is established; returns the random string for the cookie."""
    moment = time.time() if now is None else now
    token = secrets.token_urlsafe(32)
    with store.writing() as connection:
        annotator_rows.start_sign_in(connection, _hash(token), account.id, moment, moment + SIGNED_IN_FOR)
    return token


def signed_in(store: Store, token: str, *, now: float | None = None) -> Annotator | None:
    """The account signed in under a cookie's string; None when the string is unknown, ended or expired."""
    if not token:
        return None
    with store.reading() as connection:
        return annotator_rows.signed_in(connection, _hash(token), time.time() if now is None else now)


def sign_out(store: Store, token: str) -> None:
    """End one sign-in."""
    with store.writing() as connection:
        annotator_rows.end_sign_in(connection, _hash(token), time.time())


def require_lead(account: Annotator) -> None:
    """Raises AnnotationError unless this is a lead."""
    if account.role != "lead" or account.retired_at is not None:
        raise AnnotationError("this page is for leads; sign in with a lead's account")


def new_passcode() -> str:
    """Sixteen characters in groups of four: 79 bits, easy to read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def hash_passcode(passcode: str) -> str:
    """'scrypt$n$r$p$salt$hash' of a passcode."""
    salt = secrets.token_bytes(16)
    n, r, p = PASSCODE_COST
    derived = _scrypt(passcode, salt, n, r, p)
    return f"scrypt${n}${r}${p}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def _matches(passcode: str, stored: str) -> bool:
    _, n, r, p, salt, derived = stored.split("$")
    candidate = _scrypt(passcode, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(candidate, base64.b64decode(derived))


def _scrypt(passcode: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # People copy passcodes with spaces, capitals and without dashes.
    normalized = "".join(c for c in passcode[:200].lower() if c.isalnum()).encode("utf-8", "replace")
    return hashlib.scrypt(normalized, salt=salt, n=n, r=r, p=p)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


_UNKNOWN_NAME = hash_passcode("nobody has this")
