"""Server-sent events (WHATWG HTML §9.2): how a page learns that something changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from station.base.bus import Message
from station.base.web import as_json, station_of

HEARTBEAT_S = 15.0


async def stream_topics(
    request: web.Request,
    *topics: str,
    first: dict[str, object] | None = None,
    until: Callable[[Message], bool] | None = None,
    ping: bool = False,
) -> web.StreamResponse:
    """Send each bus message of the topics as one event until the page goes away.

    `until` ends the stream after a message it is true for: the page connects again and its rights are looked at anew.
    With `ping` the heartbeat is an event {"action": "ping"} that the page answers with a request of its own: only
    that proves that somebody is still there, for a proxy keeps a stream open long after a telephone has vanished.
    """
    beat = f"data: {as_json({'action': 'ping'})}\n\n" if ping else ": still here\n\n"
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    async with station_of(request).bus.subscribe(*topics) as subscription:
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        if first is not None:
            await response.write(f"data: {as_json(first)}\n\n".encode())
        try:
            while True:
                message = await subscription.get(HEARTBEAT_S)
                line = beat if message is None else f"data: {as_json(message)}\n\n"
                await response.write(line.encode())
                if message is not None and until is not None and until(message):
                    break
        except (ConnectionResetError, asyncio.CancelledError):
            pass
    return response
