"""The one STUN exchange that ICE-lite needs: a binding request and its answer (RFC 8489, RFC 8445 section 7.3)."""

from __future__ import annotations

import binascii
import hmac
import ipaddress
import struct
from dataclasses import dataclass

from station.rtc.wire import Address

COOKIE = 0x2112A442
_HEAD = struct.Struct("!HHI12s")
_BINDING_REQUEST, _BINDING_SUCCESS = 0x0001, 0x0101
_USERNAME, _INTEGRITY, _XOR_MAPPED, _USE_CANDIDATE, _FINGERPRINT = 0x0006, 0x0008, 0x0020, 0x0025, 0x8028
_INTEGRITY_BYTES, _FINGERPRINT_BYTES = 24, 8
_MAX_ATTRIBUTES = 32
_FINGERPRINT_XOR = 0x5354554E


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A connectivity check, not yet authenticated. `signed` is what the integrity was computed over."""

    transaction: bytes
    local_ufrag: str
    remote_ufrag: str
    use_candidate: bool
    signed: bytes
    integrity: bytes

    def is_signed_with(self, password: str) -> bool:
        """Whether the sender knows our ICE password (short-term credential)."""
        return hmac.compare_digest(_sign(self.signed, password), self.integrity)


def parse_binding_request(data: bytes) -> BindingRequest | None:
    """The request in a datagram; None when it is anything else, however malformed."""
    if len(data) < _HEAD.size:
        return None
    kind, length, cookie, transaction = _HEAD.unpack_from(data)
    if kind != _BINDING_REQUEST or cookie != COOKIE or length % 4 or length != len(data) - _HEAD.size:
        return None
    username: str | None = None
    use_candidate = False
    at = _HEAD.size
    for _ in range(_MAX_ATTRIBUTES):
        if at + 4 > len(data):
            return None
        name, size = struct.unpack_from("!HH", data, at)
        value = data[at + 4 : at + 4 + size]
        if len(value) != size:
            return None
        if name == _USERNAME:
            username = value.decode("ascii", "replace")
        elif name == _USE_CANDIDATE:
            use_candidate = True
        elif name == _INTEGRITY:  # what follows is not authenticated
            return _request(transaction, username, use_candidate, data[:at], value)
        at += 4 + size + (-size % 4)
    return None


def _request(
    transaction: bytes, username: str | None, use_candidate: bool, before: bytes, integrity: bytes
) -> BindingRequest | None:
    if username is None or username.count(":") != 1:
        return None
    local, remote = username.split(":")
    return BindingRequest(transaction, local, remote, use_candidate, before, integrity)


def binding_success(transaction: bytes, address: Address, password: str) -> bytes:
    """The answer that tells the sender the address we saw it at, signed with our password."""
    message = _HEAD.pack(_BINDING_SUCCESS, 0, COOKIE, transaction) + _xor_mapped(address, transaction)
    return _seal(message, password)


def binding_request(transaction: bytes, username: str, password: str, use_candidate: bool = True) -> bytes:
    """A connectivity check as a controlling agent sends it (for tests and benchmarks)."""
    name = username.encode()
    message = _HEAD.pack(_BINDING_REQUEST, 0, COOKIE, transaction)
    message += struct.pack("!HH", _USERNAME, len(name)) + name + bytes(-len(name) % 4)
    if use_candidate:
        message += struct.pack("!HH", _USE_CANDIDATE, 0)
    return _seal(message, password)


def _xor_mapped(address: Address, transaction: bytes) -> bytes:
    ip = ipaddress.ip_address(address[0])
    mask = struct.pack("!I", COOKIE) + transaction
    host = bytes(a ^ b for a, b in zip(ip.packed, mask, strict=False))
    family = 1 if ip.version == 4 else 2
    return struct.pack("!HHBBH", _XOR_MAPPED, 4 + len(host), 0, family, address[1] ^ (COOKIE >> 16)) + host


def _sign(before: bytes, password: str) -> bytes:
    # The length field counts as if the message ended with the integrity attribute itself.
    length = len(before) - _HEAD.size + _INTEGRITY_BYTES
    signed = before[:2] + struct.pack("!H", length & 0xFFFF) + before[4:]
    return hmac.digest(password.encode(), signed, "sha1")


def _seal(message: bytes, password: str) -> bytes:
    """Appends integrity and fingerprint; the header's length counts both."""
    message += struct.pack("!HH", _INTEGRITY, 20) + _sign(message, password)
    message = message[:2] + struct.pack("!H", len(message) - _HEAD.size + _FINGERPRINT_BYTES) + message[4:]
    return message + struct.pack("!HHI", _FINGERPRINT, 4, binascii.crc32(message) ^ _FINGERPRINT_XOR)
