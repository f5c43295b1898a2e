"""Subscribers in a process of their own: real handshakes, then sockets that are read and thrown away.

`python -m bench.receivers URL UDP_PORT`, grants on the standard input, one a line, an empty line at the end. The first
subscriber decrypts what it gets, to tell how long each packet was under way.
"""

from __future__ import annotations

import select
import struct
import sys
import time

from bench.peer import Peer, connect, dump
from station.rtc.adapter import Scratch, srtp_unprotect

CHECK_EVERY_S = 4.0
STAMP = struct.Struct("!Q")
MARK = b"STAMP"


def watch() -> None:
    """Connect, say so, read until told to stop, tell what came."""
    url, port = sys.argv[1], int(sys.argv[2])
    grants = list(iter(lambda: sys.stdin.readline().strip(), ""))
    peers = [connect(url, grant, port, "recvonly") for grant in grants]
    dump({"connected": len(peers)})
    received, delays = read_all(peers)
    delays.sort()

    def at(share: float) -> float | None:
        return delays[int(share * (len(delays) - 1))] / 1e6 if delays else None

    dump({"received": received, "p50_ms": at(0.5), "p99_ms": at(0.99)})


def read_all(peers: list[Peer]) -> tuple[int, list[int]]:
    """Reads everything until there is something on the standard input."""
    poll = select.epoll()
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    for peer in peers:
        peer.socket.setblocking(False)
        poll.register(peer.socket.fileno(), select.EPOLLIN)
    by_number = {peer.socket.fileno(): peer for peer in peers}
    received, delays = 0, list[int]()
    check_s = time.monotonic() + CHECK_EVERY_S
    while True:
        for number, _ in poll.poll(0.5):
            if number == sys.stdin.fileno():
                return received, delays
            received += drain(by_number[number], delays if by_number[number] is peers[0] else None)
        if time.monotonic() > check_s:
            check_s += CHECK_EVERY_S
            for peer in peers:
                peer.check()


def drain(peer: Peer, delays: list[int] | None) -> int:
    """Empties a socket; returns how many RTP packets there were."""
    count = 0
    while True:
        try:
            datagram = peer.socket.recv(2048)
        except BlockingIOError:
            return count
        if 127 < datagram[0] < 192 and not 192 <= datagram[1] <= 223:
            count += 1
            if delays is not None:
                measure(peer, datagram, delays)


_scratch = Scratch()


def measure(peer: Peer, datagram: bytes, delays: list[int]) -> None:
    """Notes how long ago the publisher wrote the packet."""
    arrived = time.monotonic_ns()
    _scratch.view[: len(datagram)] = datagram
    _scratch.size[0] = len(datagram)
    if srtp_unprotect(peer.incoming.handle, _scratch.pointer, _scratch.size) == 0:
        plain = bytes(_scratch.view[: _scratch.size[0]])
        at = plain.find(MARK, 12, 64)
        if at > 0:
            delays.append(arrived - STAMP.unpack_from(plain, at + len(MARK))[0])


if __name__ == "__main__":
    watch()
