"""Identifiers made by the server: unguessable, safe in URLs and as file names."""

from __future__ import annotations

import re
import secrets

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 14
_COUNT = len(_ALPHABET) ** _LENGTH
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")  # not `$`, which takes a line end for the end


def new_id(prefix: str) -> str:
    """A fresh id such as `bk_7m2k…`: 14 characters of 30, about 68 bits, each as likely as the others."""
    # One question to the source of randomness, as the rota makes ten thousand ids.
    drawn, signs = secrets.randbelow(_COUNT), []
    for _ in range(_LENGTH):
        drawn, place = divmod(drawn, len(_ALPHABET))
        signs.append(_ALPHABET[place])
    return f"{prefix}_{''.join(signs)}"


def new_form_key() -> str:
    """A key by which one form of one page is known again (`base/idempotency.py`)."""
    return secrets.token_urlsafe(16)


def is_safe_name(name: str) -> bool:
    """Whether a name from outside may become part of a path (no dots, no separators)."""
    return SAFE_NAME.match(name) is not None
