"""Accounts: passcodes, sign-ins and roles.

A passcode is shown once and kept as a scrypt hash; a sign-in is a random string in a cookie, kept as its
SHA-256. Signing in is slowed down after failures. It knows nothing of cookies or pages.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import NamedTuple

from oceanchat.annotation import assignment
from oceanchat.errors import AnnotationError
from oceanchat.store import annotators as account_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store

ROLES = ("annotator", "lead")
SIGNED_IN_FOR = 14 * 86_400.0
"""Seconds a sign-in lasts."""
WINDOW = 15 * 60.0
"""Seconds failed tries are remembered for."""
TRIES_PER_NAME = 8
TRIES_PER_ADDRESS = 40
PROFILE = ("background", "language", "pay", "note")
"""What the lead records about an annotator (Appendix E); it goes into the release card."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without characters that look alike
_COST = (2**14, 8, 1)


class NewAccount(NamedTuple):
    """An account with the one passcode that opens it."""

    annotator: Annotator
    passcode: str


def add(store: Store, name: str, role: str = "annotator", *, now: float | None = None) -> NewAccount:
    """Open an account. Raises AnnotationError for a name that is taken or unusable, or an unknown role."""
    name = " ".join(name.split())
    if role not in ROLES:
        raise AnnotationError(f"role '{role}' is not known; write annotator or lead")
    if not name or len(name) > 60 or not name.isprintable():
        raise AnnotationError(f"name '{name}' cannot be used; write up to 60 printable characters")
    passcode = new_passcode()
    hashed = hash_passcode(passcode)
    moment = time.time() if now is None else now
    with store.writing() as connection:
        if account_rows.named(connection, name) is not None:
            raise AnnotationError(f"annotator '{name}' exists; choose another name")
        account = account_rows.by_id(connection, account_rows.add(connection, name, role, hashed, moment))
    assignment.replan(store)
    return NewAccount(account, passcode)


def find(store: Store, name: str) -> Annotator:
    """The account of that name; AnnotationError when there is none."""
    with store.reading() as connection:
        account = account_rows.named(connection, " ".join(name.split()))
        known = [each.name for each in account_rows.everyone(connection)]
    if account is None:
        listed = ", ".join(known) or "nobody yet"
        raise AnnotationError(f"annotator '{name}' is not known; there are: {listed}")
    return account


def everyone(store: Store) -> list[Annotator]:
    """All accounts in the order they were added."""
    with store.reading() as connection:
        return account_rows.everyone(connection)


def renew_passcode(store: Store, account: Annotator) -> str:
    """A new passcode in place of the old one; ends the person's sign-ins."""
    passcode = new_passcode()
    hashed = hash_passcode(passcode)
    with store.writing() as connection:
        account_rows.change(connection, account.id, passcode=hashed)
        account_rows.end_all_sign_ins(connection, account.id, time.time())
    return passcode


def record_profile(store: Store, account: Annotator, facts: Mapping[str, str]) -> None:
    """Add to what is recorded about someone. Raises AnnotationError for a fact that is not in PROFILE."""
    unknown = next((name for name in facts if name not in PROFILE), None)
    if unknown is not None:
        raise AnnotationError(f"profile has no '{unknown}'; it has {', '.join(PROFILE)}")
    with store.writing() as connection:
        kept = {**account_rows.by_id(connection, account.id).profile, **facts}
        account_rows.change(connection, account.id, profile={k: v for k, v in kept.items() if v})


def admit(store: Store, account: Annotator, *, now: float | None = None) -> None:
    """Let someone validate whose practice fell short."""
    with store.writing() as connection:
        account_rows.change(connection, account.id, admitted=time.time() if now is None else now)


def retire(store: Store, account: Annotator, *, now: float | None = None) -> None:
    """Close an account: what it labelled stays, what it did not label goes to the others."""
    moment = time.time() if now is None else now
    with store.writing() as connection:
        account_rows.change(connection, account.id, retired=moment)
        account_rows.end_all_sign_ins(connection, account.id, moment)
    assignment.replan(store)


def sign_in(store: Store, name: str, passcode: str, address: str, *, now: float | None = None) -> str:
    """The random string a cookie is to hold. Raises AnnotationError, the same whatever part was wrong."""
    moment = time.time() if now is None else now
    name = " ".join(name.split())[:200].replace("\0", "")
    with store.reading() as connection:
        by_name, by_address = account_rows.failures(connection, name, address, moment - WINDOW)
        account = account_rows.named(connection, name)
        hashed = None if account is None else account_rows.passcode_hash(connection, account.id)
    if by_name >= TRIES_PER_NAME or by_address >= TRIES_PER_ADDRESS:
        raise AnnotationError("too many tries failed; wait a quarter of an hour and try again")
    # A name nobody has takes as long as a wrong passcode, so that names cannot be guessed by the clock.
    right = _matches(passcode, hashed if hashed is not None else _NOBODY)
    if account is None or not right or account.retired is not None:
        with store.writing() as connection:
            account_rows.add_failure(connection, name, address, moment)
        raise AnnotationError("name or passcode is not right; check both, or ask the lead for a new passcode")
    return begin(store, account, now=moment)


def begin(store: Store, account: Annotator, *, now: float | None = None) -> str:
    """Start a sign-in for someone whose identity is established; the random string a cookie is to hold."""
    moment = time.time() if now is None else now
    token = secrets.token_urlsafe(32)
    with store.writing() as connection:
        account_rows.start_sign_in(connection, _hash(token), account.id, moment, moment + SIGNED_IN_FOR)
    return token


def who(store: Store, token: str, *, now: float | None = None) -> Annotator | None:
    """Whose sign-in a cookie's string is; None when it is unknown, ended or expired."""
    if not token:
        return None
    with store.reading() as connection:
        return account_rows.signed_in(connection, _hash(token), time.time() if now is None else now)


def sign_out(store: Store, token: str) -> None:
    """End one sign-in."""
    with store.writing() as connection:
        account_rows.end_sign_in(connection, _hash(token), time.time())


def state(account: Annotator) -> str:
    """'lead', 'retired', 'validating' or 'qualifying'."""
    if account.retired is not None:
        return "retired"
    if account.role == "lead":
        return "lead"
    return "qualifying" if account.admitted is None else "validating"


def require_lead(account: Annotator) -> None:
    """Raises AnnotationError unless this is a lead."""
    if account.role != "lead" or account.retired is not None:
        raise AnnotationError("this is for the lead; sign in with a lead's account")


def new_passcode() -> str:
    """Sixteen characters in groups of four: 79 bits, easy to read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def hash_passcode(passcode: str) -> str:
    """'scrypt$n$r$p$salt$hash' of a passcode."""
    salt = secrets.token_bytes(16)
    n, r, p = _COST
    derived = _scrypt(passcode, salt, n, r, p)
    return f"scrypt${n}${r}${p}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def _matches(passcode: str, stored: str) -> bool:
    _, n, r, p, salt, derived = stored.split("$")
    found = _scrypt(passcode, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(derived))


def _scrypt(passcode: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # People copy passcodes with spaces, capitals and without dashes.
    told = "".join(c for c in passcode[:200].lower() if c.isalnum()).encode("utf-8", "replace")
    return hashlib.scrypt(told, salt=salt, n=n, r=r, p=p)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


_NOBODY = hash_passcode("nobody has this")
