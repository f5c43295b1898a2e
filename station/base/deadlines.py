"""Ends clients that send too slowly: deadlines for header and body, and how many connections an address has.

aiohttp itself has a deadline for the header (its keep-alive time-out counts from the connection's first byte on and
from the end of each answer), none for the body. A proxy in front may do the same again; `deploy/nginx.conf` does.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from station.base.fast_path import FastPathConnection
from station.base.origin import network_of
from station.base.web import Handler

HEADER_S = 20.0  # to send a whole header, and to stay silent between two requests
BODY_GRACE_S = 20.0
BODY_BYTES_PER_S = 4_000  # on the average: a telephone on a poor line sends more
MAX_IDLE = 100  # connections of one address without a request under way; the oldest give way
IN_USE_S = 3.0  # a viewer of a broadcast asks three times a second, and is silent in between
MAX_CONNECTIONS = 1000  # of one address, idle or not: a hall of viewers has fewer; the newest give way
LOOK_EVERY_S = 1.0


class Deadlines:
    """Watches the connections of one server. `middleware` tells it of requests, `watch` runs until cancelled."""

    def __init__(self, is_shared: Callable[[str], bool] = lambda _address: False) -> None:
        self._is_shared = is_shared  # all visitors come from a proxy's address
        self._begun_s: dict[RequestHandler, tuple[web.Request, float]] = {}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Notes when a request's header was complete, for as long as it is being answered."""
        connection = request.protocol
        self._begun_s[connection] = (request, time.monotonic())
        try:
            return await handler(request)
        finally:
            del self._begun_s[connection]

    async def watch(self, server: web.Server) -> None:
        """Looks at all connections again and again."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for connection in [*self._slow_bodies(time.monotonic()), *self._beyond_caps(server.connections)]:
                connection.force_close()

    def _slow_bodies(self, now_s: float) -> list[RequestHandler]:
        """Connections whose body comes more slowly than anybody's line is."""
        return [
            connection
            for connection, (request, begun_s) in self._begun_s.items()
            if not request.content.is_eof()
            and now_s - begun_s > BODY_GRACE_S + request.content.total_bytes / BODY_BYTES_PER_S
        ]

    def _beyond_caps(self, connections: list[RequestHandler]) -> list[RequestHandler]:
        """What is beyond the caps of an address: the oldest connections without a request, the newest of all."""
        every: defaultdict[str, list[RequestHandler]] = defaultdict(list)
        for connection in connections:  # in the order in which they came
            address = connection.peername[0] if connection.peername else ""
            if not self._is_shared(address):
                every[network_of(address)].append(connection)
        beyond: list[RequestHandler] = []
        for held in every.values():
            idle = [connection for connection in held if not self._is_busy(connection)]
            beyond += idle[:-MAX_IDLE] + held[MAX_CONNECTIONS:]
        return beyond

    def _is_busy(self, connection: RequestHandler) -> bool:
        in_use = isinstance(connection, FastPathConnection) and connection.is_in_use(IN_USE_S)
        return in_use or connection in self._begun_s


DEADLINES = web.AppKey("deadlines", Deadlines)
