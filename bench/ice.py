"""The part of a full ICE agent that a peer with one socket and one partner needs (RFC 8445, RFC 8489)."""

from __future__ import annotations

import binascii
import hmac
import secrets
import struct

from station.rtc.formats.stun import COOKIE, binding_success, parse_binding_request

_PRIORITY, _USE_CANDIDATE, _CONTROLLED, _CONTROLLING = 0x0024, 0x0025, 0x8029, 0x802A
_USERNAME, _INTEGRITY, _FINGERPRINT = 0x0006, 0x0008, 0x8028
_PEER_REFLEXIVE = (110 << 24) | (65535 << 8) | 255  # RFC 8445 section 5.1.2.1
_TIE_BREAKER = secrets.token_bytes(8)


def check_request(username: str, password: str, is_controlling: bool) -> bytes:
    """A connectivity check; a controlling agent nominates with each, as it has one pair only."""
    attributes = _attribute(_USERNAME, username.encode()) + _attribute(_PRIORITY, struct.pack("!I", _PEER_REFLEXIVE))
    if is_controlling:
        attributes += _attribute(_USE_CANDIDATE, b"") + _attribute(_CONTROLLING, _TIE_BREAKER)
    else:
        attributes += _attribute(_CONTROLLED, _TIE_BREAKER)
    transaction = secrets.token_bytes(12)
    signed = _message(transaction, attributes, more=24)
    attributes += _attribute(_INTEGRITY, hmac.digest(password.encode(), signed, "sha1"))
    summed = _message(transaction, attributes, more=8)
    return summed + _attribute(_FINGERPRINT, struct.pack("!I", binascii.crc32(summed) ^ 0x5354554E))


def check_answer(datagram: bytes, address: tuple[str, int], password: str) -> bytes | None:
    """Our answer to a partner's check; None when the datagram is none."""
    request = parse_binding_request(datagram)
    return binding_success(request.transaction, address, password) if request is not None else None


def is_success(datagram: bytes) -> bool:
    """Whether this answers one of our checks."""
    return datagram[:2] == b"\x01\x01"


def _message(transaction: bytes, attributes: bytes, more: int) -> bytes:
    # The length counts the attribute that is about to follow.
    return struct.pack("!HHI", 1, len(attributes) + more, COOKIE) + transaction + attributes


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)
