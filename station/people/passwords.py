"""Passwords: the one hasher (Argon2id, RFC 9106), and a check that takes as long for a name that nobody has."""

from __future__ import annotations

import asyncio
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


async def hash_password(password: str) -> str:
    """The hash to store. In a thread: it takes a tenth of a second on purpose."""
    return await asyncio.to_thread(_hasher.hash, password)


async def password_fits(stored: str | None, typed: str) -> bool:
    """Whether the password is right; None, for a login that does not exist, is checked against a made-up hash."""
    return await asyncio.to_thread(_fits, stored, typed)


@cache
def _nobody() -> str:
    # Made at the first sign-in, not at import: whoever only imports this module need not wait for a hash.
    return _hasher.hash("nobody has this password")


def _fits(stored: str | None, typed: str) -> bool:
    nobody = _nobody()
    # A Chinese keyboard types full-width letters and digits: what looks the same is taken for the same.
    return any(_verify(stored or nobody, spelling) for spelling in {typed, unicodedata.normalize("NFKC", typed)})


def _verify(stored: str, typed: str) -> bool:
    try:
        return _hasher.verify(stored, typed)
    except (VerificationError, InvalidHashError):
        return False
