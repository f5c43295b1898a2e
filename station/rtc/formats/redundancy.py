"""Audio that carries the packet before it once more (RED, RFC 2198), so that a lost packet is heard all the same."""

from __future__ import annotations

_BLOCK_HEAD_BYTES = 4
_MAX_BLOCKS = 8


def without_redundancy(payload: bytes) -> bytes:
    """The newest block alone, as subscribers and recorders without RED need it; b"" when the payload is malformed."""
    at = older = 0
    for _ in range(_MAX_BLOCKS):
        if at >= len(payload):
            return b""
        if not payload[at] & 0x80:  # the last head is one octet: its block goes to the end
            return payload[at + 1 + older :]
        if at + _BLOCK_HEAD_BYTES > len(payload):
            return b""
        older += (payload[at + 2] & 0x03) << 8 | payload[at + 3]
        at += _BLOCK_HEAD_BYTES
    return b""


def with_head(payload: bytes, payload_type: int) -> bytes:
    """A plain packet as one without older blocks."""
    return bytes([payload_type & 0x7F]) + payload
