"""The one place that joins: settings become a station, the table of URLs becomes the web application."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial, wraps
from pathlib import Path

import structlog
from aiohttp import ClientSession, TCPConnector, web

from station.base.bus import Bus, LocalBus
from station.base.clock import SystemClock
from station.base.database import Database
from station.base.deadlines import DEADLINES, HEADER_S, Deadlines
from station.base.errors import NotAllowed, NotSignedIn
from station.base.events import MAX_STREAMS, OPEN_STREAMS, STREAMS_RETRY_S
from station.base.fast_path import listen
from station.base.grants import GrantSigner
from station.base.key_files import load_secret
from station.base.keyed_requests import answer_once
from station.base.limits import ConcurrencyLimit
from station.base.middleware import HSTS, add_cors, add_hsts, csrf, errors, well_formed
from station.base.open_files import allow_many_connections
from station.base.origin import is_shared_address, is_trusted
from station.base.problems import mark_started
from station.base.security_headers import add_security_headers
from station.base.settings import Settings
from station.base.shared_pages import SHARED_PAGES, SharedPages
from station.base.station import Station
from station.base.stylesheets import stylesheet_handler
from station.base.templates import WEB, add_names
from station.base.web import CSRF_KEY, HTTP, ROUTE_KEY, SIGN_IN_PAGE, STATION, Handler, Route, principal_of
from station.booking.find_pages import HOME_BLOCKS
from station.cases.pages.forms import WORDS
from station.gateway import JOIN_WITHIN_S, MAX_UNJOINED, UNJOINED
from station.holidays.service import follow_notices
from station.home import live_card
from station.live.edge.fast_path import EdgeFastPath
from station.meeting.occupancy import end_sessions, watch_rooms
from station.nodes.journal import follow_journal
from station.nodes.placement import all_nodes
from station.nodes.reconcile import reconcile_forever
from station.notices.pages import unread_notices
from station.operations.metrics import METRICS, WebMetrics
from station.operations.pages import READINESS
from station.operations.proxy_watch import ProxyWatch, mark_of
from station.operations.readiness import ReadinessCheck
from station.people.kept_form_pages import kept_forms
from station.people.pages import sessions
from station.people.rights import Action, allowed
from station.people.way_in import sign_in_page
from station.routes import ROUTES
from station.setup.service import follow_identity, load_identity_or_go_on

log = structlog.get_logger()
BACKLOG = 1024  # a hall opens the page of a hearing at once
MAX_BODY = 2**20  # of what is read whole; forms with files are read as they arrive, under caps of their own


def open_station(settings: Settings) -> Station:
    """The parts of a running station, from its settings."""
    settings.data.mkdir(parents=True, exist_ok=True)
    return Station(
        settings,
        Database(settings.resolved_database_url),
        _open_bus(settings.redis_url),
        SystemClock(),
        GrantSigner.load(settings.keys),
    )


def _open_bus(redis_url: str) -> Bus:
    if not redis_url:
        return LocalBus()
    from station.base.redis_bus import RedisBus  # noqa: PLC0415  the client is large, and most stations have no Redis

    return RedisBus(redis_url)


async def close_station(station: Station) -> None:
    """Let go of the database and the bus."""
    await station.inner_http.close()
    await station.bus.close()
    await station.database.close()


def build_app(station: Station, routes: tuple[Route, ...] = ROUTES) -> web.Application:
    """The web role's application: every route behind the check of its action."""
    # `errors` comes first of what answers: what fails in another one still ends as a page of ours, with telephone.
    deadlines = Deadlines(partial(is_shared_address, station.settings))
    figures = WebMetrics()
    middlewares = [
        deadlines.middleware,
        figures.middleware,
        errors,
        well_formed,
        ProxyWatch(station.settings).middleware,
        sessions,
        unread_notices,
        kept_forms,
        csrf,
    ]
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY)
    app.on_response_prepare.extend([mark_started, add_hsts, add_cors, add_security_headers, figures.count])
    app[DEADLINES] = deadlines
    app[STATION] = station
    add_names(WORDS)  # reads all texts now, rather than while the first visitor waits
    app[CSRF_KEY] = load_secret(station.settings.keys / "csrf.key")
    app[HOME_BLOCKS] = (live_card,)
    app[SIGN_IN_PAGE] = sign_in_page
    app[READINESS] = ReadinessCheck()
    app[METRICS] = figures
    app[SHARED_PAGES] = SharedPages(station)
    app[OPEN_STREAMS] = ConcurrencyLimit(MAX_STREAMS, STREAMS_RETRY_S)
    app[UNJOINED] = ConcurrencyLimit(MAX_UNJOINED, int(JOIN_WITHIN_S))
    app.cleanup_ctx.append(_http_client)
    app.on_startup.append(_load_identity)
    for route in routes:
        handler = _guarded(route)
        app.router.add_route(route.method, route.path, handler)
        if route.method == "GET":  # RFC 9110 §9.1: monitors and link previews ask by HEAD
            app.router.add_route("HEAD", route.path, handler)
    for name in ("components.css", "stage.css"):
        app.router.add_get(f"/static/css/{name}", stylesheet_handler(WEB / "css" / name))
    for name in ("css", "js", "vendor"):
        if (WEB / name).is_dir():
            app.router.add_static(f"/static/{name}", WEB / name)
    for name in ("icons.svg", "mark.svg"):
        app.router.add_get(f"/static/{name}", _file_handler(WEB / name))
    app.router.add_get("/favicon.ico", _file_handler(WEB / "mark.svg"))
    return app


def _guarded(route: Route) -> Handler:
    @wraps(route.handler)
    async def handler(request: web.Request) -> web.StreamResponse:
        who = principal_of(request)
        if not allowed(who, Action(route.action)):
            raise NotAllowed if who.signed_in else NotSignedIn
        if route.shared and not who.signed_in:
            return await request.app[SHARED_PAGES].answer(request, route.handler)
        if route.once:
            return await answer_once(request, route.handler)
        return await route.handler(request)

    setattr(handler, ROUTE_KEY, route)
    return handler


async def _load_identity(app: web.Application) -> None:
    await load_identity_or_go_on(app[STATION])


def _file_handler(path: Path) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers={"Cache-Control": "public, max-age=3600"})

    return handler


async def _http_client(app: web.Application) -> AsyncIterator[None]:
    # Every viewer of a broadcast waits in one connection to live: the usual limit of 100 would hold up all others.
    async with ClientSession(auto_decompress=False, connector=TCPConnector(limit=0)) as session:
        app[HTTP] = session
        yield


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """HTTPS where a certificate is set; the supervisor makes one when the address is not loopback."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context


async def _background(app: web.Application) -> AsyncIterator[None]:
    station, http = app[STATION], app[HTTP]
    tasks = [asyncio.create_task(follow_journal(station, http, node.url)) for node in all_nodes(station)]
    tasks.append(asyncio.create_task(reconcile_forever(station, http)))
    tasks.append(asyncio.create_task(watch_rooms(station)))
    tasks.append(asyncio.create_task(end_sessions(station)))
    tasks.append(asyncio.create_task(follow_identity(station)))
    tasks.append(asyncio.create_task(follow_notices(station)))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def edge_of(app: web.Application) -> AsyncIterator[EdgeFastPath]:
    """The fast path of a started application: viewers of broadcasts, with the headers that all answers have."""
    settings = app[STATION].settings
    is_https = settings.tls_cert is not None or settings.public_origin.startswith("https:")
    headers = {"Strict-Transport-Security": HSTS} if is_https else {}
    is_proxy = partial(is_trusted, settings)
    edge = EdgeFastPath(app[HTTP], lambda: settings.live_url, headers, app[METRICS].count_viewing, is_proxy)
    try:
        yield edge
    finally:
        await edge.close()


async def run_web(settings: Settings) -> None:
    """The web role: serve until cancelled."""
    allow_many_connections()
    station = open_station(settings)
    mark_of(settings.data).unlink(missing_ok=True)  # said anew if it is still so
    app = build_app(station)
    app.cleanup_ctx.append(_background)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(close_station, station)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2, keepalive_timeout=HEADER_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        assert runner.server is not None
        watching = asyncio.create_task(app[DEADLINES].watch(runner.server))
        stack.callback(watching.cancel)
        listening = await listen(
            runner,
            await stack.enter_async_context(edge_of(app)),
            host=settings.host,
            port=settings.http_port,
            keepalive_s=HEADER_S,
            ssl=tls_context(settings),
            backlog=BACKLOG,
        )
        stack.callback(listening.close)
        log.info("web_ready", host=settings.host, port=settings.http_port)
        await asyncio.Event().wait()
