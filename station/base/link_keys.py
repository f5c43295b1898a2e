"""The key in the link that opens set-up: random, stored as a hash, shown once on a terminal."""

from __future__ import annotations

import hashlib
import secrets


def make_key() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """As it is stored."""
    return hashlib.sha256(f"set-up key\n{key}".encode("utf-8", "surrogatepass")).hexdigest()


def link_of(origin: str, key: str) -> str:
    """The address that opens set-up."""
    return f"{origin}/setup?key={key}"
