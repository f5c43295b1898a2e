"""The CSRF token: fits one visit only, and says whose page it stands on, so that words sent late find their owner."""

from __future__ import annotations

import hashlib
import hmac

from station.base.text import same_secret

_MAC_DIGITS = 64  # SHA-256
_OWNER_DIGITS = 32


def make_token(key: bytes, visit: str, account: str) -> str:
    """A token of hexadecimal digits for pages of a visit; `account` is who is signed in, "" for a guest."""
    return _mac(key, visit) + (_owner_mark(key, account) if account else "")


def token_fits(key: bytes, visit: str, token: str) -> bool:
    """Whether a token was made for this visit, whoever was signed in."""
    return same_secret(_mac(key, visit), token[:_MAC_DIGITS])


def owner_of(key: bytes, token: str) -> str:
    """The account on whose page a token stood, of whatever visit; "" for a guest's and for what we never made."""
    mark = token[_MAC_DIGITS:]
    try:
        account = bytes.fromhex(mark[:-_OWNER_DIGITS]).decode()
    except ValueError:
        return ""
    return account if account and same_secret(_owner_mark(key, account), mark) else ""


def _owner_mark(key: bytes, account: str) -> str:
    return account.encode().hex() + _mac(key, f"owner\n{account}")[:_OWNER_DIGITS]


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
