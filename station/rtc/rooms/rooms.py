"""All rooms of this process: made when needed, swept away when empty, recovered after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from recordings.hold import holder_of
from recordings.recorder import find_unfinished
from station.base.errors import N_, BadInput, Unavailable
from station.base.grants import MAX_LIFETIME_S, Grant
from station.base.ids import is_safe_name
from station.rtc.rooms.journal import Journal
from station.rtc.rooms.member import Channel, Member, NoChannel
from station.rtc.rooms.negotiation import MediaContext
from station.rtc.rooms.revocations import SOCKET, WHIP, Revocations
from station.rtc.rooms.room import MOVED, RESTARTING, Room

MAX_ROOMS = 500
SWEEP_S = 1.0
HELD_S = 1.0
FORGET_EMPTY_S = 30.0
STOP_RECORDING_AFTER_S = 120.0

_log = logging.getLogger(__name__)


class BadRoomName(BadInput):
    code = "bad-room"
    message = N_("没有这个房间")


class TooManyRooms(Unavailable):
    code = "too-many-rooms"


class Rooms:
    """An async context manager; on the way out recordings are left as a crash would leave them, to be gone on with.

    `holder` names this process in the recordings it writes; at the start it goes on with those whose last holder
    it `adopts`. The others belong to processes beside it.
    """

    def __init__(
        self,
        context: MediaContext,
        journal: Journal,
        recordings: Path,
        holder: str = "",
        adopts: Callable[[str], bool] = lambda _holder: True,
    ) -> None:
        self._context = context
        self._recordings = recordings
        self._holder = holder
        self._adopts = adopts
        self.journal = journal
        self.rooms: dict[str, Room] = {}
        self.revocations = Revocations(holder)
        self._sweeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Rooms:
        self._recordings.mkdir(parents=True, exist_ok=True)
        self.revocations.restore(self.journal.since(time.time() - MAX_LIFETIME_S))
        self._close_stays()
        await self._recover()
        self._sweeper = asyncio.create_task(self._sweep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for room in list(self.rooms.values()):
            await room.close(RESTARTING)
        self.rooms.clear()

    def get(self, name: str) -> Room | None:
        """The room of that name; None if it is not here."""
        return self.rooms.get(name)

    def open(self, name: str) -> Room:
        """The room of that name, made if there is none. Raises BadRoomName, RoomEnded, TooManyRooms."""
        room = self.rooms.get(name)
        if room is None:
            if not is_safe_name(name):
                raise BadRoomName
            self.revocations.check_room(name)
            if len(self.rooms) >= MAX_ROOMS:
                raise TooManyRooms
            room = self.rooms[name] = Room(name, self._context, self.journal, self._recordings, self._holder)
        return room

    def join(self, grant: Grant, channel: Channel) -> tuple[Room, Member]:
        """Lets the holder of a pass into its room, once. Raises GrantInvalid, NotAllowed, RoomEnded, RoomFull."""
        self.revocations.check(grant)
        room = self.open(grant.room)
        room.check_space(grant.person)
        self.revocations.use(grant, SOCKET)
        return room, room.join(grant, channel)

    def enter(self, grant: Grant, name: str) -> tuple[Room, Member, bool]:
        """An encoder or a player with its pass: it keeps the seat it has, a page of the same person goes.

        Tells whether the seat is new. Raises as `join`.
        """
        self.revocations.check(grant)
        room = self.open(name)
        room.check_space(grant.person)
        self.revocations.use(grant, WHIP)
        member = room.members.get(grant.person)
        if member is not None and isinstance(member.channel, NoChannel):
            member.grant = grant
            return room, member, False
        return room, room.join(grant, NoChannel(), WHIP), True

    def put_out(self, name: str, person: str) -> None:
        """Puts a person out of a room, and keeps them out who is only on the way in: passes signed so far are void."""
        self.journal.append("put_out", name, person)
        self.revocations.put_out(name, person)
        room = self.rooms.get(name)
        member = room.members.get(person) if room is not None else None
        if room is not None and member is not None:
            room.leave(member, "removed")

    def sign_out(self, session: str) -> None:
        """A sign-in has ended: whoever came in with it leaves, and its passes are void."""
        self.journal.append("signed_out", "", session=session)
        self.revocations.sign_out(session)
        for room in self.rooms.values():
            for member in [member for member in room.members.values() if member.grant.session == session]:
                room.leave(member, "signed_out")

    async def close_room(self, name: str) -> None:
        """Ends a room for good. The journal says so even of a room that was empty and forgotten. Raises BadRoomName."""
        if not is_safe_name(name):
            raise BadRoomName
        self.revocations.end_room(name)
        room = self.rooms.pop(name, None)
        if room is not None:
            await room.close("ended")
        self.journal.append("room_closed", name)

    async def release(self, name: str) -> None:
        """Lets another process have the room: everybody comes back there, and its recording goes on there."""
        room = self.rooms.pop(name, None)
        if room is not None:
            await room.close(MOVED)

    def _close_stays(self) -> None:
        """Who was inside when the process ended is not inside any more: the journal must say so."""
        inside: dict[tuple[str, str, str], None] = {}
        for event in self.journal.recent():
            key = (event["room"], event["person"], event["data"].get("session", ""))
            if event["kind"] == "joined":
                inside[key] = None
            elif event["kind"] == "left":
                inside.pop(key, None)
            elif event["kind"] == "room_closed":
                inside = {other: None for other in inside if other[0] != event["room"]}
        for room, person, session in inside:
            self.journal.append("left", room, person, reason="restart", session=session)

    async def _recover(self) -> None:
        for folder in await asyncio.to_thread(find_unfinished, self._recordings):
            if not self._adopts(holder_of(folder)):
                continue
            try:
                recording = self.open(folder.name).recording
                await recording.settle(HELD_S)
                if not recording.is_settled:  # another process was faster: it has the room
                    await self.release(folder.name)
            except (BadInput, Unavailable) as error:
                _log.error("recording %s cannot be gone on with: %s", folder.name, error)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            for room in [room for room in self.rooms.values() if not room.members]:
                await self._tidy(room)

    async def _tidy(self, room: Room) -> None:
        if not room.recording.is_settled:
            return
        empty_s = time.monotonic() - room.empty_since_s
        if room.recording.is_on and empty_s > STOP_RECORDING_AFTER_S:
            with contextlib.suppress(Unavailable):
                await room.recording.control("stop")
        elif not room.recording.is_on and not room.listeners and empty_s > FORGET_EMPTY_S:
            self.rooms.pop(room.name, None)
            await room.close("empty")
