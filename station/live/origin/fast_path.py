"""What thousands of viewers ask for three times a second, answered without aiohttp: blocking playlists, and parts.

Everything else of `GET /live/…`, and these where anything about them is unusual, is `origin.serve_file`'s; both must
say the same, which `tests/live/test_fast_path.py` holds.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial

from station.base.fast_path import FastPathConnection, head_of, with_date
from station.base.problems import problem
from station.base.security_headers import SECURITY_HEADERS
from station.live.origin import origin
from station.live.origin.broadcast import Broadcast
from station.live.origin.registry import Registry
from station.live.viewing.requests import GZIP, REQUEST, count_viewers

LOOK_EVERY_S = 1.0
_COMMON = {**SECURITY_HEADERS, **origin.CORS}


@dataclass(slots=True)
class _Waiting:
    """A blocking reload that waits for its part."""

    segment: int
    part: int | None
    skip: bool
    packed: bool
    until_s: float


class OriginFastPath:
    """The one of a live role. Waiting viewers are no tasks: one pass over them writes the same bytes to each."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._waiting: dict[Broadcast, dict[FastPathConnection, _Waiting]] = {}
        self._broadcast_of: dict[FastPathConnection, Broadcast] = {}
        self._look: asyncio.TimerHandle | None = None

    def answer(self, connection: FastPathConnection, head: bytes) -> bool:
        """A blocking playlist or a part of a broadcast on air; False for all else."""
        match = REQUEST.match(head)
        if match is None:
            return False
        name, segment, part, skip, of_segment, index = match.groups()
        broadcast = self._registry.find_on_air(name.decode())
        if broadcast is None:
            return False
        if of_segment is not None:
            return _send_part(connection, broadcast, (int(of_segment), int(index)))
        wanted = int(segment), None if part is None else int(part)
        return self._send_playlist(connection, broadcast, wanted, skip is not None, head)

    def forget(self, connection: FastPathConnection) -> None:
        """The viewer has left."""
        broadcast = self._broadcast_of.pop(connection)
        del self._waiting[broadcast][connection]
        broadcast.cache.waiting -= 1

    def _send_playlist(
        self,
        connection: FastPathConnection,
        broadcast: Broadcast,
        wanted: tuple[int, int | None],
        skip: bool,
        head: bytes,
    ) -> bool:
        playlist = broadcast.cache.playlist
        if playlist.closed == 0 or playlist.too_far_ahead(*wanted):
            return False
        count_viewers(broadcast.viewers, connection, head)
        packed = GZIP.search(head) is not None
        if playlist.has(*wanted):
            connection.send(_playlist_answer(broadcast, skip, packed))
        else:
            until_s = asyncio.get_running_loop().time() + playlist.block_limit_s
            self._wait(connection, broadcast, _Waiting(*wanted, skip, packed, until_s), head)
        return True

    def _wait(self, connection: FastPathConnection, broadcast: Broadcast, waiting: _Waiting, head: bytes) -> None:
        if broadcast not in self._waiting:
            self._waiting[broadcast] = {}
            broadcast.cache.on_change.append(partial(self._release, broadcast))
        self._waiting[broadcast][connection] = waiting
        self._broadcast_of[connection] = broadcast
        broadcast.cache.waiting += 1
        connection.wait(head)
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._refuse_late)

    def _release(self, broadcast: Broadcast) -> None:
        """Answer all whose part is there now, or who wait for a broadcast that has just ended."""
        playlist = broadcast.cache.playlist
        for connection, waiting in list(self._waiting.get(broadcast, {}).items()):
            if playlist.has(waiting.segment, waiting.part):
                self.forget(connection)
                connection.send(_playlist_answer(broadcast, waiting.skip, waiting.packed))
        if playlist.ended:  # rather than the broadcast, whose last part may still be packaged
            self._waiting.pop(broadcast, None)

    def _refuse_late(self) -> None:
        """Three target durations without news (6.2.5.2): the player asks again."""
        loop = asyncio.get_running_loop()
        late = [
            connection
            for waiting_of in self._waiting.values()
            for connection, waiting in waiting_of.items()
            if waiting.until_s <= loop.time()
        ]
        for connection in late:
            self.forget(connection)
            connection.send(_nothing_new())
        self._look = loop.call_later(LOOK_EVERY_S, self._refuse_late) if self._broadcast_of else None


def _send_part(connection: FastPathConnection, broadcast: Broadcast, wanted: tuple[int, int]) -> bool:
    data = broadcast.cache.parts.get(wanted)
    if data is None or broadcast.is_hidden(wanted[0]):  # hinted at, or gone: to wait for, or not found
        return False
    unix_s = int(time.time())
    answers = broadcast.cache.answers_of(unix_s)
    answer = answers.get(wanted)
    if answer is None:
        headers = {**_COMMON, "Content-Type": "video/mp4", "Cache-Control": origin.SHARED}
        answer = answers[wanted] = with_date(head_of("200 OK", headers, len(data)), data, unix_s)
    connection.send(answer)
    return True


def _playlist_answer(broadcast: Broadcast, skip: bool, packed: bool) -> bytes:
    unix_s = int(time.time())
    answers = broadcast.cache.answers_of(unix_s)
    answer = answers.get(("playlist", skip, packed))
    if answer is None:
        body, is_packed = broadcast.cache.body(skip, packed)
        headers = {
            **_COMMON,
            "Content-Type": origin.PLAYLIST,
            "Cache-Control": origin.playlist_cache(broadcast, blocking=True),
        }
        headers["Vary"] = "Accept-Encoding"
        if is_packed:
            headers["Content-Encoding"] = "gzip"
        answer = answers["playlist", skip, packed] = with_date(head_of("200 OK", headers, len(body)), body, unix_s)
    return answer


def _nothing_new() -> bytes:
    told = problem(origin.NothingNew())
    assert isinstance(told.body, bytes)
    headers = {**_COMMON, **told.headers, "Content-Type": f"{told.content_type}; charset={told.charset}"}
    return with_date(head_of("503 Service Unavailable", headers, len(told.body)), told.body, int(time.time()))
