"""Passwords of people: Argon2id (RFC 9106).

Parameters   19 MiB, two passes, one lane: OWASP's second choice, about 30 ms on the small computers this runs
             on. At most two at a time, so that a flood of logins costs 38 MiB and no more.
Promises     checking a password that belongs to nobody costs as much as checking a wrong one.
"""

from __future__ import annotations

import secrets
import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from luytre.base.errors import Error, Kind

MIN_LENGTH: Final = 8
# Longer input only costs time; NFC Vietnamese counts three bytes for many letters.
MAX_BYTES: Final = 512
# Without 0 O 1 l I: passwords are read aloud over the telephone.
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_at_once = threading.BoundedSemaphore(2)
_nobody = _hasher.hash(secrets.token_hex(16))


def generate() -> str:
    """Four groups of four, 80 bits: `k7dm-3xqa-...`."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def make_hash(password: str) -> str:
    """Raises Error(INVALID, cause="bad_password") for one that is too short or too long."""
    if len(password) < MIN_LENGTH or len(password.encode()) > MAX_BYTES:
        raise Error(
            Kind.INVALID,
            f"a password has at least {MIN_LENGTH} characters and at most {MAX_BYTES} bytes",
            hint="Choose a longer one, or leave it out: one is made for you.",
            cause="bad_password",
        )
    with _at_once:
        return _hasher.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Is this the password? `stored` None (nobody by that name) takes the same time and is False."""
    if len(password.encode()) > MAX_BYTES:
        password, stored = "", None
    with _at_once:
        try:
            return _hasher.verify(stored or _nobody, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
