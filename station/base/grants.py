"""Grants: short-lived signed passes into rooms (JWT, RFC 7519; EdDSA, RFC 8037). Only web signs them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from station.base.errors import NotSignedIn
from station.base.key_files import write_once

ANY_ROOM = "*"
MAX_LIFETIME_S = 24 * 3600  # of any grant that is handed out: who was put out is refused for as long
MAX_TOKEN_CHARS = 4096
_ALGORITHMS = ["EdDSA", "Ed25519"]
_ALGORITHM = "Ed25519"


class Right(StrEnum):
    """What a grant allows in its room."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"
    MANAGE = "manage"


class GrantInvalid(NotSignedIn):
    code = "grant-invalid"
    message = "进房间的凭证无效或已过期，请重新进入"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may do what in which room, from when until when (Unix seconds).

    `session` is the sign-in that it was made for and ends with; empty for an encoder's, which nobody signs in for.
    `node` is the one media process where it opens the room; empty: whichever has it.
    """

    room: str
    person: str
    name: str
    rights: frozenset[Right]
    expires_at: int
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    session: str = field(default="", repr=False)
    node: str = ""
    issued_at: float = field(default_factory=time.time)

    def allows(self, right: Right, room: str) -> bool:
        """True if this grant carries the right for that room (a service grant is for any room)."""
        return right in self.rights and self.room in (room, ANY_ROOM)


def bearer_token(header: str) -> str:
    """The token in an Authorization header (RFC 6750 section 2.1). Raises GrantInvalid."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or len(token) > MAX_TOKEN_CHARS:
        raise GrantInvalid
    return token.strip()


def bearer_headers(token: str) -> dict[str, str]:
    """What a request carries that `bearer_token` reads."""
    return {"Authorization": f"Bearer {token}"}


class GrantSigner:
    """Holds the private key; lives in the web role only. `verifier` checks what it signed."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self.verifier = GrantVerifier(key)

    @classmethod
    def load(cls, keys: Path) -> GrantSigner:
        """Read `grant.key` from the folder, making the pair on first use (mode 600)."""
        return cls(OKPKey.import_key(_private_pem(keys)))

    def sign(self, grant: Grant) -> str:
        """The grant as a compact JWT."""
        claims = {
            "room": grant.room,
            "sub": grant.person,
            "name": grant.name,
            "rights": sorted(grant.rights),
            "iat": grant.issued_at,  # with its fraction (RFC 7519 section 2): before or after somebody was put out?
            "exp": grant.expires_at,
            "jti": grant.id,
            "sid": grant.session,
            "node": grant.node,
        }
        return jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=_ALGORITHMS)

    def service_token(self, ttl_s: int = 60) -> str:
        """A pass for web and live to call the control interfaces of media and live."""
        rights = frozenset({Right.MANAGE})
        return self.sign(Grant(ANY_ROOM, "service", "service", rights, int(time.time()) + ttl_s))

    def service_headers(self) -> dict[str, str]:
        """What a call to a control interface carries."""
        return bearer_headers(self.service_token())


class GrantVerifier:
    """Holds the public key; all that media and live know of people."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key

    @classmethod
    def load(cls, keys: Path) -> GrantVerifier:
        """Read `grant.pub` from the folder. Raises FileNotFoundError before web or serve has made the pair."""
        return cls(OKPKey.import_key((keys / "grant.pub").read_bytes()))

    def verify(self, token: str, now_s: float | None = None) -> Grant:
        """Check signature, times and shape. Raises GrantInvalid; never says which of them failed."""
        try:
            claims = jwt.decode(token, self._key, algorithms=_ALGORITHMS).claims
            grant = Grant(
                room=str(claims["room"]),
                person=str(claims["sub"]),
                name=str(claims["name"]),
                rights=frozenset(Right(r) for r in claims["rights"]),
                expires_at=int(claims["exp"]),
                id=str(claims["jti"]),
                session=str(claims.get("sid", "")),
                node=str(claims.get("node", "")),
                issued_at=float(claims["iat"]),
            )
        except (JoseError, KeyError, ValueError, TypeError) as error:
            raise GrantInvalid from error
        if grant.expires_at <= (time.time() if now_s is None else now_s):
            raise GrantInvalid
        return grant


def _private_pem(keys: Path) -> bytes:
    path = keys / "grant.key"
    if not path.exists():
        keys.mkdir(parents=True, exist_ok=True)
        key = OKPKey.generate_key("Ed25519")
        write_once(path, key.as_pem(private=True), 0o600)
    pem = path.read_bytes()
    public = keys / "grant.pub"
    if not public.exists():
        write_once(public, OKPKey.import_key(pem).as_pem(private=False), 0o644)
    return pem
