"""Identifiers made by the server: unguessable, safe in URLs and as file names."""

from __future__ import annotations

import re
import secrets

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")  # not `$`, which takes a line end for the end


def new_id(prefix: str) -> str:
    """A fresh id such as `bk_7m2k…`: 14 characters of 30, about 68 bits."""
    return prefix + "_" + "".join(secrets.choice(_ALPHABET) for _ in range(14))


def is_safe_name(name: str) -> bool:
    """Whether a name from outside may become part of a path (no dots, no separators)."""
    return SAFE_NAME.match(name) is not None
