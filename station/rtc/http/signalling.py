"""Signalling: one WebSocket per person. A request is answered or `failed`; the first must be `join`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from aiohttp import WSCloseCode, WSMsgType, web

from station.base.errors import BadInput, NotAllowed, StationError
from station.base.grants import ANY_ROOM, MAX_TOKEN_CHARS, GrantInvalid
from station.rtc.formats.sdp import VIDEO_CODECS
from station.rtc.http.access import PUBLIC_ORIGIN, ROOMS, TURN, VERIFIER, is_own_page
from station.rtc.rooms import messages
from station.rtc.rooms.member import PAGE, Member, Outbox
from station.rtc.rooms.messages import MAX_MESSAGE_BYTES, Message, Request
from station.rtc.rooms.room import Room

JOIN_WITHIN_S = 10.0
HEARTBEAT_S = 8.0  # and half of it for the answer: a closed lid is noticed within 15 s
WRITE_WITHIN_S = 10.0
MAX_REQUESTS = 200
PER_S = 10.0

_log = logging.getLogger(__name__)


class NotUnderstood(BadInput):
    code = "not-understood"


class TooManyMessages(BadInput):
    code = "too-many-messages"


class ForeignPage(NotAllowed):
    """A WebSocket is not bound by CORS: another site's page must not speak through this visitor's browser."""

    code = "foreign-page"


async def serve_socket(request: web.Request) -> web.StreamResponse:
    """GET /media/ws: signalling, for programs and for pages of this station."""
    if not is_own_page(request, request.app[PUBLIC_ORIGIN]):
        raise ForeignPage
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MAX_MESSAGE_BYTES)
    await socket.prepare(request)
    await SignallingSession(request.app, socket).run()
    return socket


class SignallingSession:
    """What is said over one WebSocket, from join to leave."""

    def __init__(self, app: web.Application, socket: web.WebSocketResponse) -> None:
        self._app = app
        self._socket = socket
        self._outbox = Outbox(self._disconnect_slow_client)
        self._room: Room | None = None
        self._member: Member | None = None
        self._window = (0.0, 0)

    async def run(self) -> None:
        """Until either side ends it; the member has left afterwards."""
        writer = asyncio.create_task(self._write())
        try:
            await self._read()
        finally:
            if self._room is not None and self._member is not None:
                self._room.leave(self._member, "left")
            self._outbox.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(writer, WRITE_WITHIN_S)

    async def _read(self) -> None:
        try:
            first = await self._socket.receive(timeout=JOIN_WITHIN_S)
        except TimeoutError:
            return
        if first.type is not WSMsgType.TEXT or not self._handle(first.data) or self._member is None:
            return
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT or not self._handle(message.data):
                return

    def _handle(self, text: str) -> bool:
        """Answers one request; False when the session is over."""
        try:
            self._count()
            request = messages.decode(text)
        except (ValueError, BadInput) as error:
            fault = error if isinstance(error, StationError) else NotUnderstood()
            self._outbox.send(messages.Failed(code=fault.code, message=str(fault)))
            return False
        try:
            return self._answer(request)
        except StationError as error:
            self._outbox.send(messages.Failed(re=request.id, code=error.code, message=str(error)))
            return self._member is not None

    def _count(self) -> None:
        since, count = self._window
        now = time.monotonic()
        self._window = (now, 1) if now - since > PER_S else (since, count + 1)
        if self._window[1] > MAX_REQUESTS:
            raise TooManyMessages

    def _answer(self, request: Request) -> bool:
        if isinstance(request, messages.Join):
            self._join(request)
            return True
        room, member = self._room, self._member
        if room is None or member is None or room.members.get(member.person) is not member:
            raise GrantInvalid
        match request:
            case messages.Publish():
                sdp, tracks = room.publish(member, request.sdp, request.sources)
                self._send(messages.Published(re=request.id, sdp=sdp, tracks=tracks))
            case messages.Subscribe():
                sdp = room.subscribe(member, request.sdp, request.tracks)
                self._send(messages.Subscribed(re=request.id, sdp=sdp))
            case messages.Mute():
                room.mute(member, request.track, request.muted)
            case messages.Show():
                room.show(member, request.tracks)
            case messages.Report():
                room.note_report(member, request.tracks)
            case messages.Ping():
                self._send(messages.Pong(re=request.id))
            case messages.Leave():
                self._send(messages.Closed(reason="left"))
                return False
        return True

    def _join(self, request: messages.Join) -> None:
        if self._member is not None or len(request.grant) > MAX_TOKEN_CHARS:
            raise GrantInvalid
        grant = self._app[VERIFIER].verify(request.grant)
        if grant.room == ANY_ROOM or not grant.rights:
            raise GrantInvalid  # a service's pass is no one's seat
        room, self._member = self._app[ROOMS].join(grant, self._outbox)
        self._room = room
        if decodes := frozenset(request.decodes).intersection(VIDEO_CODECS):
            room.note_decoder(self._member, PAGE, decodes)
        ice_servers = self._app[TURN].servers_for(grant.person)
        self._send(room.welcome(self._member, request.id, ice_servers))

    def _send(self, message: Message) -> None:
        self._outbox.send(message)

    async def _write(self) -> None:
        """Sends what is queued, each within its deadline, then closes."""
        while (message := await self._outbox.take()) is not None:
            try:
                await asyncio.wait_for(self._socket.send_str(messages.encode(message)), WRITE_WITHIN_S)
            except TimeoutError:
                self._disconnect_slow_client()
                return
            except ConnectionError:
                return
        await self._socket.close()

    def _disconnect_slow_client(self) -> None:
        _log.warning("disconnected a signalling client that does not read")
        self._shutting = asyncio.ensure_future(self._socket.close(code=WSCloseCode.TRY_AGAIN_LATER, drain=False))
