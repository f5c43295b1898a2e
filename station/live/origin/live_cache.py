"""What viewers take: rendered playlists and fresh parts, shared by all of them, and the wait for the next.

One thread, one loop: there is no `await` between looking and beginning to wait, so no wake-up can be missed.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable

from station.live.packaging.playlist import MediaPlaylist

_WORTH_PACKING = 4096


class LiveCache:
    """The playlist's state with its bodies, rendered at most once per change."""

    def __init__(self, playlist: MediaPlaylist) -> None:
        self.playlist = playlist
        self.parts: dict[tuple[int, int], bytes] = {}
        self.inits: dict[int, bytes] = {}
        self._bodies: dict[tuple[bool, bool], bytes] = {}
        self._answers: dict[object, bytes] = {}
        self._answers_s = 0
        self.on_change: list[Callable[[], None]] = []
        self._changed: asyncio.Future[None] | None = None
        self.waiting = 0

    def wake(self) -> None:
        """The state has changed: forget rendered bodies, release everyone who waits."""
        self._bodies.clear()
        self._answers.clear()
        changed, self._changed = self._changed, None
        if changed and not changed.done():
            changed.set_result(None)
        for changed_now in self.on_change:
            changed_now()

    def finish(self) -> None:
        """No more will come."""
        self.playlist.ended = True
        self.parts.clear()
        self.wake()

    def forget(self, segment: int) -> None:
        """Drop the parts of a segment that nobody asks for any more."""
        for key in [key for key in self.parts if key[0] <= segment]:
            del self.parts[key]

    def segment_from_parts(self, number: int) -> bytes:
        """A closed segment as long as its parts are in memory (the disk may be full)."""
        if number >= self.playlist.closed:
            return b""
        keys = sorted(key for key in self.parts if key[0] == number)
        return b"".join(self.parts[key] for key in keys)

    def body(self, skip: bool, packed: bool) -> tuple[bytes, bool]:
        """The media playlist, and whether it is gzipped."""
        plain = self._body((skip, False), lambda: self.playlist.render(skip).encode())
        if not packed or len(plain) < _WORTH_PACKING:
            return plain, False
        return self._body((skip, True), lambda: gzip.compress(plain, 4, mtime=0)), True

    def answers_of(self, unix_s: int) -> dict[object, bytes]:
        """Whole answers with that second's date, as long as nothing changes. Those of another second are forgotten:
        while a broadcast is interrupted nothing changes for hours, and each would stay."""
        if unix_s != self._answers_s:
            self._answers.clear()
            self._answers_s = unix_s
        return self._answers

    def _body(self, key: tuple[bool, bool], make: Callable[[], bytes]) -> bytes:
        body = self._bodies.get(key)
        if body is None:
            body = self._bodies[key] = make()
        return body

    async def wait_until(self, ready: Callable[[], bool], limit_s: float) -> bool:
        """Wait for a change that makes `ready()` true; False when the time is up."""
        loop = asyncio.get_running_loop()
        until = loop.time() + limit_s
        while not ready():
            left_s = until - loop.time()
            if left_s <= 0:
                return False
            if self._changed is None:
                self._changed = loop.create_future()
            self.waiting += 1
            try:
                await asyncio.wait([self._changed], timeout=left_s)
            finally:
                self.waiting -= 1
        return True
