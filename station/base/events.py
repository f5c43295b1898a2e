"""Server-sent events (WHATWG HTML §9.2): how a page learns that something changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from station.base.bus import Message
from station.base.limits import ConcurrencyLimit
from station.base.principal import Principal
from station.base.web import as_json, principal_of, station_of

HEARTBEAT_S = 15.0
TRUSTED_S = 1.0  # so long a session counts as good after it was looked at: a busy room asks the database once a second
MAX_STREAMS = 20  # of one session: as many tabs of rooms as anybody has open
STREAMS_RETRY_S = 5  # as web/js/meet/events.js tries again
SIGNED_OUT: Message = {"action": "signed-out"}
CHANGED: Message = {"action": "changed"}  # all that most pages need: they read their state again


@dataclass(frozen=True, slots=True)
class SessionCheck:
    """Finds out anew who the caller of a request is, while its answer goes on."""

    find: Callable[[], Awaitable[Principal]]


SESSION_CHECK: web.RequestKey[SessionCheck] = web.RequestKey("session_check", SessionCheck)


# Each stream costs a subscription and a look at the session a second.
OPEN_STREAMS: web.AppKey[ConcurrencyLimit] = web.AppKey("open_streams", ConcurrencyLimit)


def session_topic(session: str) -> str:
    """Where it is told that a session has ended."""
    return f"session:{session}"


def as_it_is(message: Message) -> Message | None:
    """For streams whose readers may know all that is told on their topics."""
    return message


async def stream_topics(
    request: web.Request,
    *topics: str,
    first: Message | None = None,
    until: Callable[[Message], bool] | None = None,
    ping: bool = False,
    shown: Callable[[Message], Message | None] = as_it_is,
) -> web.StreamResponse:
    """Sends what happens on the topics, one event each, until the page goes away or its session ends.

    `shown` makes of a message what this reader's page shows; None: nothing of it. `until` ends the stream after a
    message that it is true for: the page connects again, and its rights are looked at anew.
    With `ping` the heartbeat is an event {"action": "ping"} that the page answers with a request of its own: only
    that proves that somebody is still there, for a proxy keeps a stream open long after a telephone has vanished.
    """
    with request.app[OPEN_STREAMS].count(principal_of(request).session):
        return await _stream(request, topics, first, until, ping, shown)


async def _stream(
    request: web.Request,
    topics: tuple[str, ...],
    first: Message | None,
    until: Callable[[Message], bool] | None,
    ping: bool,
    shown: Callable[[Message], Message | None],
) -> web.StreamResponse:
    who = principal_of(request)
    beat = f"data: {as_json({'action': 'ping'})}\n\n" if ping else ": still here\n\n"
    # X-Accel-Buffering: a proxy such as nginx hands each event on at once, whatever the address is called.
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    own = session_topic(who.session)
    session = _Session(request, who)
    async with station_of(request).bus.subscribe(*topics, own) as subscription:
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        with suppress(ConnectionResetError, asyncio.CancelledError):
            await response.write(b"retry: 1000\n\n")
            if first is not None:
                await _send(response, first)
            while True:
                message = await subscription.get(HEARTBEAT_S)
                if message == SIGNED_OUT or not await session.is_good(message is None):
                    await _send(response, SIGNED_OUT)
                    break
                event = shown(message) if message is not None else None
                if event is not None:
                    await _send(response, event)
                elif message is None:
                    await response.write(beat.encode())
                if message is not None and until is not None and until(message):
                    break
    return response


async def _send(response: web.StreamResponse, event: Message) -> None:
    await response.write(f"data: {as_json(event)}\n\n".encode())


class _Session:
    """Whether the reader is still who they were: the bus does not tell of an account that was closed elsewhere."""

    def __init__(self, request: web.Request, who: Principal) -> None:
        self._check = request[SESSION_CHECK]
        self._who = who
        self._looked_s = time.monotonic()

    async def is_good(self, now: bool) -> bool:
        """Looks again, unless it did so a moment ago."""
        if not now and time.monotonic() - self._looked_s < TRUSTED_S:
            return True
        found = await self._check.find()
        self._looked_s = time.monotonic()
        return (found.account, found.role, found.scope) == (self._who.account, self._who.role, self._who.scope)
