"""The live role: joins registry, control and origin on one loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from station.base.fast_path import listen
from station.base.grants import GrantVerifier
from station.base.open_files import allow_many_connections
from station.base.problems import mark_started, problem_middleware
from station.base.security_headers import add_security_headers
from station.base.settings import Settings
from station.live.origin import access, control, origin
from station.live.origin.fast_path import OriginFastPath
from station.live.origin.registry import Registry

# Longer than the gateway and nginx keep their connections open (60 s): a request must not meet a closing one.
KEEPALIVE_S = 75.0


async def run_live(settings: Settings) -> None:
    """Serve until cancelled. Raises OSError if the port is taken, FileNotFoundError before the keys are made."""
    allow_many_connections()
    async with LiveServer(settings):
        await asyncio.Event().wait()


class LiveServer:
    """The role as an async context manager; `port` is the one it listens on (settings may say 0)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self.registry = Registry(settings.data / "live", tuple(settings.media_urls.values()))
        self.port = 0

    async def __aenter__(self) -> LiveServer:
        app = build_app(self.registry, GrantVerifier.load(self._settings.keys))
        await self.registry.__aenter__()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handle_signals=False)
        await self._runner.setup()
        try:
            self._listening = await listen(
                self._runner,
                OriginFastPath(self.registry),
                host="127.0.0.1",
                port=self._settings.live_http_port,
                keepalive_s=KEEPALIVE_S,
                backlog=1024,
            )
        except OSError:
            await self.__aexit__()
            raise
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening:
            self._listening.close()
        await self.registry.__aexit__()
        if self._runner:
            await self._runner.cleanup()


def build_app(registry: Registry, verifier: GrantVerifier) -> web.Application:
    """All URLs of the live role."""
    app = web.Application(middlewares=[problem_middleware], client_max_size=control.MAX_BODY)
    app.on_response_prepare.extend([mark_started, add_security_headers])
    app[origin.REGISTRY] = registry
    app[access.VERIFIER] = verifier
    app.router.add_get("/control/broadcasts", control.list_broadcasts)
    app.router.add_put("/control/broadcasts/{broadcast}", control.put_broadcast)
    app.router.add_get("/control/broadcasts/{broadcast}", control.get_broadcast)
    app.router.add_delete("/control/broadcasts/{broadcast}", control.delete_broadcast)
    app.router.add_put("/control/broadcasts/{broadcast}/access", control.put_access)
    app.router.add_get("/live/{broadcast}/{file}", origin.serve_file)
    app.router.add_options("/live/{broadcast}/{file}", origin.allow_players)
    app.on_response_prepare.append(origin.add_cors)
    app.router.add_get("/healthz", _healthy)
    app.router.add_get("/readyz", _healthy)
    app.router.add_get("/metrics", _metrics)
    return app


async def _healthy(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _metrics(request: web.Request) -> web.Response:
    registry = CollectorRegistry()
    registry.register(_Figures(request.app[origin.REGISTRY]))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Figures(Collector):
    """What Prometheus is told."""

    def __init__(self, registry: Registry) -> None:
        self._on_air = registry.on_air

    def collect(self) -> Iterator[Metric]:
        """Read when it asks."""
        viewers = sum(broadcast.viewers.now() for broadcast in self._on_air)
        yield GaugeMetricFamily("station_live_broadcasts", "Broadcasts on air.", len(self._on_air))
        yield GaugeMetricFamily("station_live_viewers", "People who watch them.", viewers)
