"""The forwarding loop: one published track to all who watch it. Everything here runs once per packet and viewer.

`Feed.forward(packet)` is the whole interface: a compiled fan-out can take its place without anything else noticing.
A packet is in canonical form: a 12-byte header without CSRCs, extensions and padding, then the payload.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable
from typing import Any

from station.rtc.adapter import Scratch, srtp_protect
from station.rtc.rtp import HEADER, HEADER_BYTES
from station.rtc.wire import Address

RING_SIZE = 1024
_RING_MASK = RING_SIZE - 1
_SEQUENCE_AND_TIME = struct.Struct("!HI")
_WITH_EXTENSION = 0x90
_PLAIN = 0x80

Tap = Callable[[bytes], None]
Send = Callable[[bytes | memoryview, Address], int]


class Output:
    """One viewer's copy of a track: how its headers differ from the publisher's, and where it goes."""

    __slots__ = (
        "address",
        "extension",
        "first_byte",
        "handle",
        "payload_type",
        "sequence_offset",
        "since",
        "ssrc",
        "timestamp_offset",
    )

    def __init__(self, ssrc: int, payload_type: int, extension: bytes) -> None:
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.extension = extension
        self.first_byte = _WITH_EXTENSION if extension else _PLAIN
        self.sequence_offset = 0
        self.timestamp_offset = 0
        self.handle: Any = None
        self.address: Address = ("", 0)
        self.since = (0, 0)  # the feed's packets and octets when this output was attached


class Feed:
    """Ring and outputs of one published track."""

    def __init__(self, send: Send, scratch: Scratch) -> None:
        self._scratch = scratch
        self._send = send
        self._ring: list[bytes | None] = [None] * RING_SIZE
        self._last: tuple[int, int] | None = None
        self.outputs: list[Output] = []
        self.taps: list[Tap] = []
        self.packets = 0
        self.octets = 0
        self.dropped = 0

    def forward(self, packet: bytes) -> None:
        """Keeps the packet for those who will ask again, and sends it to every output and tap."""
        sequence, timestamp = _SEQUENCE_AND_TIME.unpack_from(packet, 2)
        self._ring[sequence & _RING_MASK] = packet
        self._last = (sequence, timestamp)
        self.packets += 1
        self.octets += len(packet) - HEADER_BYTES
        marker = packet[1] & 0x80
        payload = packet[HEADER_BYTES:]
        scratch = self._scratch
        buffer, view, pointer, size, send = scratch.bytes_, scratch.view, scratch.pointer, scratch.size, self._send
        write_header, protect = HEADER.pack_into, srtp_protect
        extension, rest, end = b"", payload, len(packet)
        for output in self.outputs:
            write_header(
                buffer,
                0,
                output.first_byte,
                marker | output.payload_type,
                (sequence + output.sequence_offset) & 0xFFFF,
                (timestamp + output.timestamp_offset) & 0xFFFFFFFF,
                output.ssrc,
            )
            if output.extension is not extension:  # most viewers have the same: joined once for all of them
                extension = output.extension
                rest = extension + payload
                end = HEADER_BYTES + len(rest)
            view[HEADER_BYTES:end] = rest
            size[0] = end
            if protect(output.handle, pointer, size):
                self.dropped += 1
                continue
            try:
                send(view[: size[0]], output.address)
            except OSError:  # the socket's buffer is full, or the address has gone
                self.dropped += 1
        for tap in self.taps:
            tap(packet)

    def send_again(self, output: Output, sequence: int) -> bool:
        """Answers a NACK for a sequence number as that viewer sees it; False when the ring no longer has it."""
        original = (sequence - output.sequence_offset) & 0xFFFF
        packet = self._ring[original & _RING_MASK]
        if packet is None or int.from_bytes(packet[2:4], "big") != original:
            return False
        return self._send_one(output, packet)

    def _send_one(self, output: Output, packet: bytes) -> bool:
        _, kind, sequence, timestamp, _ = HEADER.unpack_from(packet)
        scratch = self._scratch
        rest = output.extension + packet[HEADER_BYTES:]
        end = HEADER_BYTES + len(rest)
        HEADER.pack_into(
            scratch.bytes_,
            0,
            output.first_byte,
            kind & 0x80 | output.payload_type,
            (sequence + output.sequence_offset) & 0xFFFF,
            (timestamp + output.timestamp_offset) & 0xFFFFFFFF,
            output.ssrc,
        )
        scratch.view[HEADER_BYTES:end] = rest
        scratch.size[0] = end
        if srtp_protect(output.handle, scratch.pointer, scratch.size):
            return False
        try:
            self._send(scratch.view[: scratch.size[0]], output.address)
        except OSError:
            return False
        return True

    def attach(self, output: Output) -> None:
        """Begins to send to an output whose `handle` and `address` are known."""
        if output in self.outputs:
            return
        output.since = (self.packets, self.octets)
        if self._last is not None:
            # Far from both ends of the circle, so that a late packet cannot confuse the rollover counter.
            output.sequence_offset = 1024 + secrets.randbelow(0x6000) - self._last[0]
        self.outputs = [*self.outputs, output]

    def sent_to(self, output: Output) -> tuple[int, int]:
        """Packets and payload octets sent to an output so far."""
        return self.packets - output.since[0], self.octets - output.since[1]

    def detach(self, output: Output) -> None:
        self.outputs = [other for other in self.outputs if other is not output]

    def rebase(self, sequence: int, timestamp: int, gap: int) -> None:
        """The publisher's numbers begin anew at these: viewers see them go on, `gap` timestamp units later."""
        if self._last is not None:
            for output in self.outputs:
                output.sequence_offset += self._last[0] + 1 - sequence
                output.timestamp_offset += self._last[1] + gap - timestamp
        self._ring = [None] * RING_SIZE
        self._last = None
