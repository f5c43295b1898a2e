"""All broadcasts of this live role: started, resumed after a restart, or opened for replay."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import aiohttp

from station.base.errors import N_, BadInput, Conflict, NotFound, Unavailable
from station.base.ids import is_safe_name
from station.live.origin.broadcast import Broadcast, now_ms
from station.live.origin.feed_reader import feed_session
from station.live.packaging.programme import Programme, ProgrammeFolder

log = logging.getLogger(__name__)
ENDED_KEPT = 50  # in memory, for their replay: the playlist of an hour is a few hundred KB


class UnsafeName(BadInput):
    code = "unsafe-name"
    message = N_("编号里有不允许的字符")


class NoSuchBroadcast(NotFound):
    code = "no-such-broadcast"
    message = N_("没有这场直播")


class BroadcastEnded(Conflict):
    code = "broadcast-ended"
    message = N_("这场直播已经结束，不能再开始")


class CannotKeep(Unavailable):
    code = "disk-full"
    message = N_("直播存储写不进去了，请联系管理员")


class Registry:
    """An async context manager: entering resumes what was on air, leaving stops without ending it."""

    def __init__(self, folder: Path, media_urls: tuple[str, ...]) -> None:
        self._folder = folder
        self._media_urls = media_urls
        self._broadcasts: dict[str, Broadcast] = {}
        self._opening = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Registry:
        self._session = feed_session()
        for name in await asyncio.to_thread(self._unfinished):
            broadcast = await self._open(name)
            if broadcast and broadcast.programme.grant:
                broadcast.watch(self._session, self._media_urls)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(broadcast.close() for broadcast in self._broadcasts.values()))
        self._broadcasts.clear()
        if self._session:
            await self._session.close()

    @property
    def on_air(self) -> list[Broadcast]:
        """The broadcasts that have not ended."""
        return [broadcast for broadcast in self._broadcasts.values() if not broadcast.ended]

    def find_on_air(self, name: str) -> Broadcast | None:
        """The broadcast if it is in memory and has not ended, and so is public."""
        broadcast = self._broadcasts.get(name)
        return broadcast if broadcast is not None and not broadcast.ended else None

    async def get(self, name: str) -> Broadcast:
        """The broadcast, from memory or disk. Raises NoSuchBroadcast."""
        broadcast = self._broadcasts.get(name)
        if broadcast is None and is_safe_name(name):
            broadcast = await self._open(name)
        if broadcast is None:
            raise NoSuchBroadcast
        if broadcast.ended:  # the last in line to be forgotten
            self._broadcasts[name] = self._broadcasts.pop(name, broadcast)
        return broadcast

    async def put(self, name: str, room: str, person: str, grant: str) -> Broadcast:
        """Start a broadcast, or give it another source or grant. Raises UnsafeName, BroadcastEnded, CannotKeep."""
        if not (is_safe_name(name) and is_safe_name(room) and is_safe_name(person)):
            raise UnsafeName
        broadcast = self._broadcasts.get(name) or await self._open(name) or await self._create(name)
        programme = broadcast.programme
        if broadcast.ended:
            raise BroadcastEnded
        changed = (programme.room, programme.person) != (room, person)
        refused = broadcast.refused or not programme.grant
        before = programme.room, programme.person, programme.grant
        programme.room, programme.person, programme.grant = room, person, grant
        try:
            await asyncio.to_thread(broadcast.folder.save, programme)
        except OSError as error:
            # Still the source before: else the same order, given again, would look as if it had been carried out.
            programme.room, programme.person, programme.grant = before
            raise CannotKeep from error
        if broadcast.ended:  # while it was being written
            raise BroadcastEnded
        if changed or refused:
            assert self._session
            broadcast.watch(self._session, self._media_urls)
        return broadcast

    async def end(self, name: str) -> Broadcast:
        """End a broadcast for good. Raises NoSuchBroadcast."""
        broadcast = await self.get(name)
        await broadcast.end(now_ms())
        return broadcast

    async def set_access(self, name: str, public: bool, hidden: list[str]) -> Broadcast:
        """Make a recording public or take it back, and hide people. Raises NoSuchBroadcast, UnsafeName, CannotKeep."""
        if not all(is_safe_name(person) for person in hidden):
            raise UnsafeName
        broadcast = await self.get(name)
        try:
            await broadcast.set_access(public, hidden)
        except OSError as error:
            raise CannotKeep from error
        return broadcast

    async def _create(self, name: str) -> Broadcast:
        async with self._opening:
            programme = Programme(name, "", "", started_at_ms=now_ms())
            return self._broadcasts.setdefault(name, Broadcast(self._folder / name, programme, []))

    async def _open(self, name: str) -> Broadcast | None:
        async with self._opening:
            if name not in self._broadcasts:
                broadcast = await asyncio.to_thread(_load, self._folder / name)
                if broadcast is None:
                    return None
                self._forget_ended()
                self._broadcasts[name] = broadcast
            return self._broadcasts[name]

    def _forget_ended(self) -> None:
        """Years of replays would fill the memory: of those that have ended the last ones asked for stay."""
        ended = [name for name, broadcast in self._broadcasts.items() if broadcast.can_be_forgotten]
        for name in ended[: -ENDED_KEPT + 1]:
            del self._broadcasts[name]

    def _unfinished(self) -> list[str]:
        found = []
        for path in sorted(self._folder.glob("*/programme.json")):
            programme = ProgrammeFolder(path.parent).load()
            if programme and programme.state != "ended" and is_safe_name(path.parent.name):
                found.append(path.parent.name)
        return found


def _load(folder: Path) -> Broadcast | None:
    files = ProgrammeFolder(folder)
    programme = files.load()
    if programme is None:
        return None
    try:
        segments = files.recover()
    except OSError:  # a full disk: what is there still replays
        log.exception("broadcast %s: the last seconds could not be recovered", programme.id)
        segments = files.segments()
    return Broadcast(folder, programme, segments)
