"""The forwarding loop in C (`forwarding_loop.c`), where a compiler was found; without it all goes the Python way.

ctypes, and no extension module: then a compiler is all it takes, and neither Python's nor libsrtp's headers.
"""

from __future__ import annotations

import ctypes
import logging
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pylibsrtp._binding import ffi, lib

from station.rtc.formats.address import Address
from station.rtc.formats.vp8 import PictureShift
from station.rtc.forwarding.gso import Packet
from station.rtc.transport.dtls_srtp import Scratch

FORMAT = 1
LIBRARY_FILE = Path(__file__).with_name("forwarding_loop.built")  # else Python would take it for a module
FEWEST = 3  # outputs: for one or two, telling C what to do takes as long as doing it
SENT, UNSENT, UNPROTECTED, NOT_BY_US = range(4)
_ITEM = struct.Struct("=IIIBBxx")  # before each payload of a run
_RESULT = struct.Struct("=IIBxxx")  # first running number, octets, outcome
_PROTECT = int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect")))

_log = logging.getLogger(__name__)


class Route(ctypes.Structure):
    """How a subscriber's packets differ, and where they go, as `forwarding_loop.c` reads it."""

    _fields_ = (
        ("session", ctypes.c_void_p),
        ("number", ctypes.POINTER(ctypes.c_uint32)),
        ("socket", ctypes.c_int32),
        ("address_bytes", ctypes.c_uint32),
        ("ssrc", ctypes.c_uint32),
        ("sequence_offset", ctypes.c_uint32),
        ("timestamp_offset", ctypes.c_uint32),
        ("picture_shift", ctypes.c_uint16),
        ("layer_zero_shift", ctypes.c_uint8),
        ("is_shifted", ctypes.c_uint8),
        ("payload_type", ctypes.c_uint8),
        ("extension", ctypes.c_uint8),
        ("address", ctypes.c_uint8 * 28),
    )

    def follow(self, sequence_offset: int, timestamp_offset: int, shift: PictureShift | None) -> None:
        """Numbers, times and VP8 pictures are so much further than the publisher's."""
        self.sequence_offset, self.timestamp_offset = sequence_offset & 0xFFFFFFFF, timestamp_offset & 0xFFFFFFFF
        self.is_shifted = shift is not None
        if shift is not None:
            self.picture_shift, self.layer_zero_shift = shift.picture, shift.layer_zero

    def lead_to(self, descriptor: int, address: Address, session: Any) -> None:
        """Sends to an address by this UDP socket, encrypted by libsrtp's session; -1: by nobody here."""
        packed = _socket_address(address) if descriptor >= 0 else b""
        self.socket = descriptor if packed else -1
        self.address_bytes = len(packed)
        ctypes.memmove(self.address, packed, len(packed))
        self.session = int(ffi.cast("uintptr_t", session)) if packed else None


class CompiledFanOut:
    """What stays the same between the runs to one list of routes. Belongs to one forwarder, used by one thread."""

    def __init__(self, library: ctypes.CDLL, scratch: Scratch, routes: Sequence[Route]) -> None:
        self._call = library.fan_out
        self._octets = len(scratch.bytes_)
        self._buffer = (ctypes.c_char * self._octets).from_buffer(scratch.bytes_)
        self._count = len(routes)
        self._routes = (ctypes.POINTER(Route) * self._count)(*map(ctypes.pointer, routes))
        self._results = ctypes.create_string_buffer(_RESULT.size * self._count)

    def send(self, run: Sequence[Packet]) -> list[tuple[int, int, int]]:
        """Sends a run of packets. For each route: the running number of the first, octets, what became of it."""
        packed = b"".join(
            _ITEM.pack(sequence & 0xFFFFFFFF, timestamp, len(payload), marker, flags) + payload
            for sequence, timestamp, marker, payload, flags in run
        )
        self._call(
            _PROTECT,
            self._routes,
            self._count,
            packed,
            len(packed),
            len(run),
            self._buffer,
            self._octets,
            self._results,
        )
        return list(_RESULT.iter_unpack(self._results))


def load(file: Path = LIBRARY_FILE) -> ctypes.CDLL | None:
    """The library, if there is one that fits; None otherwise, and nothing is lost but speed."""
    try:
        library = ctypes.CDLL(str(file))
        if library.fan_out_format() != FORMAT:
            raise OSError("built from other sources: run tools/setup.sh again")
    except (OSError, AttributeError) as problem:
        _log.info("packets are forwarded without the compiled loop: %s", problem)
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_int
    library.fan_out.argtypes = [pointer, pointer, number, ctypes.c_char_p, number, number, pointer, number, pointer]
    library.fan_out.restype = None
    return library


def _socket_address(address: Address) -> bytes:
    """A sockaddr_in or sockaddr_in6 of Linux; empty for what is neither (TCP)."""
    host, port, *others = address
    try:
        if not others:
            return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton(host))
        flow, scope = others
        if flow < 0:
            return b""
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
        return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI16s", port, flow, packed) + struct.pack("=I", scope)
    except (OSError, struct.error):
        return b""
