"""How datagrams leave: one `Wire` a way out (the UDP sockets, each TCP connection), the same calls for all."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from station.rtc.formats.address import Address

Datagram = bytes | bytearray | memoryview

MAX_SEGMENTS = 48  # the kernel takes 64, and no more than 64 kB in all
MAX_SEGMENTED_BYTES = 60_000
_UDP_SEGMENT = 103  # linux/udp.h; the socket module has no name for it


class Flushable(Protocol):
    """What gathers while datagrams are read, and is sent after them; a little later if more `is_coming`."""

    @property
    def is_coming(self) -> bool:
        """Whether a flush is scheduled."""

    def flush(self) -> None:
        """Send what has gathered."""


class Wire(Protocol):
    """A way to a peer. Both calls may raise OSError: the buffer is full, or the peer has gone."""

    send: Callable[[Datagram, Address], int]
    send_segments: Callable[[Datagram, int, Address], int]
    descriptor: int  # of a UDP socket that cuts datagrams apart; -1 for all else

    def forget(self, address: Address, /) -> None:
        """Nothing will be sent to that address any more."""


class UdpWire:
    """The UDP socket. Equal datagrams to one peer go out in one call where the kernel can cut them (Linux, UDP GSO)."""

    def __init__(self, udp: socket.socket) -> None:
        self._socket = udp
        self.send: Callable[[Datagram, Address], int] = udp.sendto
        self.send_segments: Callable[[Datagram, int, Address], int] = self._segmented
        self.descriptor = udp.fileno()
        if not _can_segment(udp):
            self.send_segments, self.descriptor = self._one_by_one, -1

    def forget(self, _address: Address) -> None:
        """A socket for all has nothing to close."""

    def lose(self, is_lost: Callable[[], bool]) -> None:
        """Loses what is sent by rule, as a bad network does (tests)."""
        self.send = lambda datagram, address: 0 if is_lost() else self._socket.sendto(datagram, address)
        self.send_segments, self.descriptor = self._one_by_one, -1

    def _segmented(self, datagrams: Datagram, segment_bytes: int, address: Address) -> int:
        """Sends what lies end to end as datagrams of so many bytes, the last one perhaps shorter."""
        return self._socket.sendmsg((datagrams,), _segment_control(segment_bytes), 0, address)

    def _one_by_one(self, datagrams: Datagram, segment_bytes: int, address: Address) -> int:
        view = memoryview(datagrams)
        pieces = range(0, len(view), segment_bytes)
        return sum(self.send(view[at : at + segment_bytes], address) for at in pieces)


@lru_cache(maxsize=4096)
def _segment_control(segment_bytes: int) -> tuple[tuple[int, int, bytes], ...]:
    return ((socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", segment_bytes)),)


def _can_segment(udp: socket.socket) -> bool:
    try:
        udp.getsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT)
    except OSError:
        return False
    return True
