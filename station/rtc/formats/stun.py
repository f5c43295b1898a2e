"""The one STUN exchange that ICE-lite needs: a binding request and its answer (RFC 8489, RFC 8445 section 7.3)."""

from __future__ import annotations

import binascii
import hmac
import ipaddress
import struct
from dataclasses import dataclass

from station.rtc.formats.address import Address

COOKIE = 0x2112A442
_HEAD = struct.Struct("!HHI12s")
_BINDING_REQUEST, _BINDING_SUCCESS, _BINDING_ERROR = 0x0001, 0x0101, 0x0111
_USERNAME, _INTEGRITY, _ERROR, _UNKNOWN, _XOR_MAPPED = 0x0006, 0x0008, 0x0009, 0x000A, 0x0020
_PRIORITY, _USE_CANDIDATE, _FINGERPRINT, _CONTROLLED = 0x0024, 0x0025, 0x8028, 0x8029
_OPTIONAL = 0x8000  # from here on, what is not understood is passed over
# Understood, if only to be ignored: the attributes of RFC 8489 and RFC 8445.
_UNDERSTOOD = {_USERNAME, _INTEGRITY, _PRIORITY, _USE_CANDIDATE, 0x0001, 0x0014, 0x0015, 0x001C, 0x001D, 0x001E, 0x0020}
_INTEGRITY_BYTES, _FINGERPRINT_BYTES = 24, 8
_MAX_ATTRIBUTES = 32
_FINGERPRINT_XOR = 0x5354554E
_REASONS = {400: "Bad Request", 401: "Unauthenticated", 420: "Unknown Attribute", 487: "Role Conflict"}


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A connectivity check, not yet authenticated. `signed` is what the integrity, if any, was computed over."""

    transaction: bytes
    local_ufrag: str
    remote_ufrag: str
    use_candidate: bool = False
    is_controlled: bool = False
    unknown: tuple[int, ...] = ()  # attributes that have to be understood, and are not
    signed: bytes = b""
    integrity: bytes = b""

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
    attributes = _attributes(data)
    if attributes is None:
        return None
    username, signed, integrity = ":", b"", b""
    use_candidate = is_controlled = False
    unknown = []
    for name, at, value in attributes:
        if name == _FINGERPRINT:
            if at + _FINGERPRINT_BYTES != len(data) or value != _fingerprint(data[:at]):
                return None
            break
        if integrity:  # what follows is not authenticated
            continue
        if name == _USERNAME:
            username = value.decode("ascii", "replace")
        elif name == _USE_CANDIDATE:
            use_candidate = True
        elif name == _CONTROLLED:
            is_controlled = True
        elif name == _INTEGRITY:
            signed, integrity = data[:at], value
        elif name < _OPTIONAL and name not in _UNDERSTOOD:
            unknown.append(name)
    local, _, remote = username.partition(":")
    return BindingRequest(
        transaction=transaction,
        local_ufrag=local,
        remote_ufrag=remote,
        use_candidate=use_candidate,
        is_controlled=is_controlled,
        unknown=tuple(unknown),
        signed=signed,
        integrity=integrity,
    )


def _attributes(data: bytes) -> list[tuple[int, int, bytes]] | None:
    """Type, place and value of each; None when the lengths contradict each other."""
    found: list[tuple[int, int, bytes]] = []
    at = _HEAD.size
    while at < len(data):
        if at + 4 > len(data) or len(found) >= _MAX_ATTRIBUTES:
            return None
        name, size = struct.unpack_from("!HH", data, at)
        value = data[at + 4 : at + 4 + size]
        if len(value) != size:
            return None
        found.append((name, at, value))
        at += 4 + size + (-size % 4)
    return found


def binding_success(transaction: bytes, address: Address, password: str) -> bytes:
    """The answer that tells the sender the address we saw it at, signed with our password."""
    message = _HEAD.pack(_BINDING_SUCCESS, 0, COOKIE, transaction) + _xor_mapped(address, transaction)
    return _seal(message, password)


def binding_error(request: BindingRequest, code: int, password: str | None) -> bytes:
    """A refusal (RFC 8489 section 6.3.1), signed where the request was authenticated."""
    reason = _REASONS[code].encode()
    value = struct.pack("!HBB", 0, code // 100, code % 100) + reason
    message = _HEAD.pack(_BINDING_ERROR, 0, COOKIE, request.transaction) + _attribute(_ERROR, value)
    if code == 420:
        message += _attribute(_UNKNOWN, struct.pack(f"!{len(request.unknown)}H", *request.unknown))
    return _seal(message, password)


def binding_request(
    transaction: bytes,
    username: str,
    password: str,
    use_candidate: bool = True,
    more: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    """A connectivity check as a controlling agent sends it (for tests and benchmarks)."""
    message = _HEAD.pack(_BINDING_REQUEST, 0, COOKIE, transaction) + _attribute(_USERNAME, username.encode())
    if use_candidate:
        message += _attribute(_USE_CANDIDATE, b"")
    for name, value in more:
        message += _attribute(name, value)
    return _seal(message, password)


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def _xor_mapped(address: Address, transaction: bytes) -> bytes:
    ip = ipaddress.ip_address(address[0])
    mask = struct.pack("!I", COOKIE) + transaction
    host = bytes(a ^ b for a, b in zip(ip.packed, mask, strict=False))
    family = 1 if ip.version == 4 else 2
    return _attribute(_XOR_MAPPED, struct.pack("!BBH", 0, family, address[1] ^ (COOKIE >> 16)) + host)


def _sign(before: bytes, password: str) -> bytes:
    # The length field counts as if the message ended with the integrity attribute itself.
    length = len(before) - _HEAD.size + _INTEGRITY_BYTES
    signed = before[:2] + struct.pack("!H", length & 0xFFFF) + before[4:]
    return hmac.digest(password.encode(), signed, "sha1")


def _fingerprint(before: bytes) -> bytes:
    return struct.pack("!I", binascii.crc32(before) ^ _FINGERPRINT_XOR)


def _seal(message: bytes, password: str | None) -> bytes:
    """Appends integrity, if there is a password, and fingerprint; the header's length counts both."""
    if password is not None:
        message += _attribute(_INTEGRITY, _sign(message, password))
    message = message[:2] + struct.pack("!H", len(message) - _HEAD.size + _FINGERPRINT_BYTES) + message[4:]
    return message + _attribute(_FINGERPRINT, _fingerprint(message))
