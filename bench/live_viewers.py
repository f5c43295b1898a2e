"""Low-latency viewers by the thousand in one process: raw sockets and one epoll, so that they are not the limit.

Each does what hls.js does: a blocking reload for the part that was hinted at, then that part, again and again.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

PLAYLIST, PART = "playlist", "part"
_HEADERS = (
    "Host: bench\r\nUser-Agent: viewer-%d\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: keep-alive\r\n\r\n"
)
_HINT = b'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="'
_LINE = b"#EXT-X-PART:"


@dataclass(slots=True)
class Seen:
    """What the viewers of one process saw. A part is `s12.p3.mp4`; seconds are monotonic."""

    wanted_at_s: dict[bytes, float] = field(default_factory=dict)  # when the first viewer was told of a part
    lateness_s: list[float] = field(default_factory=list)  # from then to its last byte, of every viewer
    parts: int = 0
    failures: int = 0


class _Viewer:
    """One connection. `take` is called with what has arrived."""

    def __init__(self, address: tuple[str, int], broadcast: str, number: int) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._path = f"GET /live/{broadcast}/".encode()
        self._rest = b" HTTP/1.1\r\n" + (_HEADERS % number).encode()
        self._head = b""
        self._left = -1
        self._asked = PLAYLIST
        self._part = self._next = b""
        self.ask(b"main.m3u8")

    def ask(self, target: bytes) -> None:
        self.socket.send(self._path + target + self._rest)

    def take(self, data: bytes, seen: Seen) -> None:
        """One piece of an answer; at its end the next request goes out."""
        if self._left < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            at = self._head.find(b"Content-Length: ") + 16
            self._left = int(self._head[at : self._head.find(b"\r", at)]) - (len(self._head) - end - 4)
        else:
            self._left -= len(data)
            if self._asked is PLAYLIST:
                self._head += data
        if self._left <= 0:
            self._finish(seen)

    def _finish(self, seen: Seen) -> None:
        head, self._head, self._left = self._head, b"", -1
        if not head.startswith(b"HTTP/1.1 200"):
            seen.failures += 1
            self._asked = PLAYLIST
            self.ask(b"main.m3u8")
        elif self._asked is PART:
            seen.parts += 1
            seen.lateness_s.append(time.monotonic() - seen.wanted_at_s[self._part])
            self._asked = PLAYLIST
            self.ask(self._next)
        else:
            at = head.rfind(_HINT) + len(_HINT)
            segment, part = head[at + 1 : head.find(b".mp4", at)].split(b".p")
            self._next = b"main.m3u8?_HLS_msn=%b&_HLS_part=%b&_HLS_skip=YES" % (segment, part)
            at = head.find(b'URI="', head.rfind(_LINE)) + 5
            self._part = head[at : head.find(b'"', at)]
            seen.wanted_at_s.setdefault(self._part, time.monotonic())
            self._asked = PART
            self.ask(self._part)


def watch(address: tuple[str, int], broadcast: str, count: int, warm_up_s: float, seconds: float) -> Seen:
    """So many viewers for some seconds, after a while that does not count."""
    viewers = {viewer.socket.fileno(): viewer for viewer in _arrive(address, broadcast, count)}
    poll = select.epoll()
    for file in viewers:
        poll.register(file, select.EPOLLIN)
    seen = Seen()
    _run(poll, viewers, seen, warm_up_s)
    seen.lateness_s, seen.parts, seen.failures = [], 0, 0
    _run(poll, viewers, seen, seconds)
    for viewer in viewers.values():
        viewer.socket.close()
    poll.close()
    return seen


def _arrive(address: tuple[str, int], broadcast: str, count: int) -> Iterator[_Viewer]:
    for number in range(count):
        yield _Viewer(address, broadcast, number)


def _run(poll: select.epoll, viewers: dict[int, _Viewer], seen: Seen, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while (left_s := until_s - time.monotonic()) > 0:
        for file, _ in poll.poll(left_s):
            viewer = viewers[file]
            try:
                data = viewer.socket.recv(262_144)
            except BlockingIOError:
                continue
            if data:
                viewer.take(data, seen)
            else:
                seen.failures += 1
                poll.unregister(file)
