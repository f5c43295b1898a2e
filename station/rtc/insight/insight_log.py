"""The last ten minutes of every room's insight, for bug reports: without names, bounded in time and in octets.

All rooms of the process share one log, so that its bound is one number. A snapshot is taken person by person, and
packets go on in between: a room of sixty people must not hold them up.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from station.rtc.insight.insight import Counts, PersonInsight, RoomInsight, counts_of, look_at_member, room_insight
from station.rtc.rooms.room import Room
from station.rtc.rooms.rooms import Rooms

EVERY_S = 5.0
KEPT_S = 600.0
MAX_OCTETS = 32 * 2**20
FULL_UP_TO = 12  # people in a room: of larger ones only what goes badly is kept of what each is given
FRESH_S = 1.0
_NOTABLE_LOSS = 0.02

_log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """A snapshot of one room, as compressed JSON."""

    at_s: float
    room: str
    packed: bytes


class InsightLog:
    """An async context manager that looks at every room each five seconds. `on_look` hears of each snapshot."""

    def __init__(self, rooms: Rooms, on_look: Callable[[RoomInsight], None] = lambda _insight: None) -> None:
        self._rooms = rooms
        self._on_look = on_look
        self._entries: deque[Entry] = deque()
        self._octets = 0
        self._counts: dict[str, deque[Counts]] = {}  # by room: of the last look, and of the one before
        self._fresh: dict[str, tuple[float, RoomInsight]] = {}
        self._secret = secrets.token_bytes(16)  # so that a hash tells no account to who can guess accounts
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> InsightLog:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self, room: Room) -> RoomInsight:
        """The room now, at most a second old; loss is over the last five to ten seconds."""
        at_s, fresh = self._fresh.get(room.name, (float("-inf"), None))
        if fresh is not None and time.monotonic() - at_s < FRESH_S:
            return fresh
        kept = self._counts.get(room.name)
        before = kept[0] if kept else {}
        people = []
        for member in list(room.members.values()):
            people.append(look_at_member(member, before, time.monotonic()))
            await asyncio.sleep(0)
        insight = room_insight(room.name, room.recording.info.state, people)
        self._fresh[room.name] = (time.monotonic(), insight)
        return insight

    def history(self, room: str) -> list[bytes]:
        """The snapshots kept of a room, the oldest first, each as compressed JSON; see `unpack`."""
        return [entry.packed for entry in self._entries if entry.room == room]

    async def take(self, now_s: float) -> None:
        """Looks at every room that somebody is in, and forgets what is too old or too much."""
        rooms = [room for room in self._rooms.rooms.values() if room.members]
        self._fresh = {}
        self._counts = {room.name: self._counts.get(room.name, deque(maxlen=2)) for room in rooms}
        for room in rooms:
            insight = await self.look(room)
            self._counts[room.name].append(dict(pair for one in room.members.values() for pair in counts_of(one)))
            self._on_look(insight)
            self._keep(Entry(now_s, room.name, await self._pack(insight)))
        while self._entries and now_s - self._entries[0].at_s > KEPT_S:
            self._octets -= len(self._entries.popleft().packed)

    def _keep(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._octets += len(entry.packed)
        while self._octets > MAX_OCTETS:
            self._octets -= len(self._entries.popleft().packed)

    async def _pack(self, insight: RoomInsight) -> bytes:
        people = []
        for person in insight.people:
            people.append(msgspec.json.encode(self._unnamed(person, len(insight.people))))
            await asyncio.sleep(0)
        head = msgspec.json.encode(msgspec.structs.replace(insight, people=[]))
        return await asyncio.to_thread(_compress, head, people)

    def _unnamed(self, person: PersonInsight, people: int) -> PersonInsight:
        """Without name, the account as a hash that is the same in all snapshots of this process."""
        down = [
            msgspec.structs.replace(
                watching,
                tracks=[
                    msgspec.structs.replace(given, person=self._hash(given.person))
                    for given in watching.tracks
                    if people <= FULL_UP_TO or given.is_paused or given.frozen_s or given.loss > _NOTABLE_LOSS
                ],
            )
            for watching in person.down
        ]
        return msgspec.structs.replace(person, person=self._hash(person.person), name="", down=down)

    def _hash(self, person: str) -> str:
        return hashlib.blake2s(person.encode(), key=self._secret, digest_size=5).hexdigest()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.take(time.monotonic())
            except Exception:  # what only tells how it goes must not be what ends it
                _log.exception("the rooms could not be looked at")


def _compress(head: bytes, people: list[bytes]) -> bytes:
    return zlib.compress(head[:-1] + b',"people":[' + b",".join(people) + b"]}", 1)


def unpack(snapshots: list[bytes]) -> bytes:
    """The snapshots as one JSON list."""
    return b"[" + b",".join(zlib.decompress(snapshot) for snapshot in snapshots) + b"]"
