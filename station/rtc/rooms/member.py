"""Someone in a room: what they may do, how they are told things, what they publish and watch."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Protocol

from station.base.grants import Grant
from station.rtc.forwarding.downstream import Downstream
from station.rtc.forwarding.upstream import Upstream
from station.rtc.rooms.messages import MemberInfo, Message
from station.rtc.rooms.negotiation import AnyConnection, PeerConnection
from station.rtc.rooms.receiver_stats import ReceiverStats

MAX_QUEUED = 512
PAGE = "page"


class Channel(Protocol):
    """How a member is told things."""

    def send(self, message: Message) -> None:
        """Queue a message to the browser."""

    def close(self) -> None:
        """End the signalling after what is queued."""


class NoChannel:
    """Encoders and players that came by WHIP or WHEP hear nothing."""

    def send(self, message: Message) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing to close."""


class Outbox:
    """Messages to one WebSocket. Control is never dropped: who does not read is disconnected by `on_overflow`."""

    def __init__(self, on_overflow: Callable[[], None]) -> None:
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue()
        self._on_overflow = on_overflow
        self._closed = False

    def send(self, message: Message) -> None:
        """Queues a message; after `close()` nothing."""
        if self._closed:
            return
        if self._queue.qsize() >= MAX_QUEUED:
            self._closed = True
            self._on_overflow()
            return
        self._queue.put_nowait(message)

    def close(self) -> None:
        """Lets the writer finish what is queued, then end."""
        if not self._closed:
            self._closed = True
            self._queue.put_nowait(None)

    async def take(self) -> Message | None:
        """The next message; None at the end."""
        return await self._queue.get()


class Member:
    """Belongs to one room."""

    def __init__(self, grant: Grant, channel: Channel) -> None:
        self.id = secrets.token_hex(6)
        self.grant = grant
        self.person = grant.person
        self.name = grant.name[:120]
        self.channel = channel
        self.up: PeerConnection[Upstream] | None = None
        self.shown: dict[str, int] | None = None  # height of each video by track; None: the page did not say
        self.reported = ReceiverStats()
        self.down: dict[str, PeerConnection[Downstream]] = {}  # a page has one, "page"; each WHEP player has its own
        self.decodes: dict[str, frozenset[str]] = {}  # video codecs that the page, or a player, can show; by the same

    @property
    def info(self) -> MemberInfo:
        """The member as others are told of them."""
        return MemberInfo(self.person, self.name)

    @property
    def upstream(self) -> Upstream | None:
        """The side that publishes; None before the first offer."""
        return self.up.end if self.up is not None else None

    @property
    def downstreams(self) -> list[Downstream]:
        """What this member watches by."""
        return [connection.end for connection in self.down.values()]

    def drop_connection(self, connection: AnyConnection) -> None:
        """A connection to watch by is no more, and with it what its player could show."""
        self.down = {name: other for name, other in self.down.items() if other is not connection}
        self.decodes = {name: codecs for name, codecs in self.decodes.items() if name == PAGE or name in self.down}

    def forget_decoder(self, name: str) -> None:
        """A player has not come to watch after all."""
        if name not in self.down:
            self.decodes.pop(name, None)

    def close_media(self, reason: str) -> None:
        """Ends both directions."""
        if self.up is not None:
            self.up.close(reason)
            self.up = None
        for connection in self.down.values():
            connection.close(reason)
        self.down = {}
