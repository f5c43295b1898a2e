"""The media role: joins the media port, the rooms and the loopback HTTP interface."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from aiohttp import web

from station.base.grants import GrantVerifier
from station.base.open_files import allow_many_connections
from station.base.problems import mark_started, problem_middleware
from station.base.security_headers import add_security_headers
from station.base.settings import Settings
from station.rtc.http import control, whip
from station.rtc.http.access import PUBLIC_ORIGIN, ROOMS, TURN, VERIFIER
from station.rtc.http.signalling import serve_socket
from station.rtc.http.turn import TurnServer
from station.rtc.insight.insight_log import InsightLog
from station.rtc.insight.metrics import MediaMetrics
from station.rtc.rooms.journal import Journal
from station.rtc.rooms.negotiation import MediaContext
from station.rtc.rooms.rooms import Rooms
from station.rtc.transport.addresses import host_addresses
from station.rtc.transport.port import MediaPort


async def run_media(settings: Settings, number: int = 0) -> None:
    """Serve until cancelled. Raises OSError if a port is taken, FileNotFoundError before the keys are made."""
    allow_many_connections()
    async with MediaServer(settings, number):
        await asyncio.Event().wait()


class MediaServer:
    """The role as an async context manager; `http_port` and `media_port` are those it has (settings may say 0).

    `number` counts the media processes of one machine from 0: each has ports and a journal of its own.
    """

    def __init__(self, settings: Settings, number: int = 0) -> None:
        self._settings = settings
        self._number = number
        self._stack = AsyncExitStack()
        self.http_port = 0
        self.media_port = 0

    async def __aenter__(self) -> MediaServer:
        async with AsyncExitStack() as stack:
            verifier = GrantVerifier.load(self._settings.keys)
            self.port = await stack.enter_async_context(MediaPort(self._settings.media_port_of(self._number)))
            journal = Journal(self._settings.media_journal_of(self._number))
            stack.callback(journal.close)
            context = MediaContext(self.port, self.port.reachable(host_addresses(self._settings.public_host)))
            recordings = self._settings.data / "recordings"
            rooms = Rooms(context, journal, recordings, str(self._number), self._adopts)
            self.rooms = await stack.enter_async_context(rooms)
            self.metrics = MediaMetrics(self.rooms, self.port)
            self.insights = await stack.enter_async_context(InsightLog(self.rooms, self.metrics.observe))
            turn = TurnServer(self._settings.turn_url, self._settings.turn_secret.get_secret_value())
            app = build_app(self.rooms, self.port, verifier, turn)
            app[PUBLIC_ORIGIN] = self._settings.public_origin
            app[control.METRICS], app[control.INSIGHTS] = self.metrics, self.insights
            await self._listen(stack, app)
            self.media_port = self.port.number
            self._stack = stack.pop_all()
        return self

    def _adopts(self, holder: str) -> bool:
        """Its own recordings; the first process also those of processes that there are no more."""
        here = [str(number) for number in range(self._settings.media_processes)]
        return holder == str(self._number) or (self._number == 0 and holder not in here)

    async def _listen(self, stack: AsyncExitStack, app: web.Application) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handle_signals=False)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", self._settings.media_http_port_of(self._number)).start()
        self.http_port = runner.addresses[0][1]

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


def build_app(rooms: Rooms, port: MediaPort, verifier: GrantVerifier, turn: TurnServer) -> web.Application:
    """All URLs of the media role."""
    app = web.Application(middlewares=[problem_middleware], client_max_size=control.MAX_BODY)
    app.on_response_prepare.extend([mark_started, add_security_headers])
    app[ROOMS] = rooms
    app[VERIFIER] = verifier
    app[TURN] = turn
    app[control.PORT] = port
    app.router.add_get("/media/ws", serve_socket)
    whip.add_routes(app)
    control.add_routes(app)
    return app
