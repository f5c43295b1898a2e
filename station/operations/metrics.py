"""What Prometheus is told of the web role: requests, sign-ins, and from the database jobs, notices and cases."""

from __future__ import annotations

import time
from datetime import datetime

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from station.base.errors import StationError
from station.base.heartbeats import last_beats
from station.base.jobs import count_unfinished
from station.base.station import Station
from station.base.web import Handler, route_of
from station.cases.queries import count_open
from station.notices.store import count_unsent

BEGUN: web.RequestKey[float] = web.RequestKey("begun", float)
SIGN_INS = {"/signin/code": "code", "/signin/staff": "password"}
_SLOWEST_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class WebMetrics:
    """The figures of one web process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Counter(
            "station_web_requests",
            "Answers, by route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "station_web_request_seconds",
            "Until the answer began.",
            ["route"],
            buckets=_SLOWEST_S,
            registry=self.registry,
        )
        self._sign_ins = Counter(
            "station_sign_ins", "Sign-ins, by way and outcome.", ["way", "outcome"], registry=self.registry
        )
        self._up = Gauge("station_database_up", "Whether the database answered.", registry=self.registry)
        self._jobs = Gauge("station_jobs", "Long jobs, by state.", ["state"], registry=self.registry)
        self._notices = Gauge(
            "station_notices", "Notices, by channel and state.", ["channel", "state"], registry=self.registry
        )
        self._cases = Gauge("station_cases", "Cases, open and overdue.", ["state"], registry=self.registry)
        self._beats = Gauge(
            "station_role_silent_seconds", "Since a role's last sign.", ["role"], registry=self.registry
        )

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Notes when the request came; `count` is told when the answer begins."""
        request[BEGUN] = time.monotonic()
        return await handler(request)

    async def count(self, request: web.Request, response: web.StreamResponse) -> None:
        """Signal handler (`on_response_prepare`): one answer more. Paths are not labels: strangers choose them."""
        found = route_of(request)
        route = found.path if found is not None else "other"
        self._requests.labels(request.method, route, str(response.status)).inc()
        if (begun := request.get(BEGUN)) is not None:
            self._seconds.labels(route).observe(time.monotonic() - begun)
        if request.method == "POST" and route in SIGN_INS:
            self._sign_ins.labels(SIGN_INS[route], "done" if response.status == 303 else "refused").inc()

    def count_viewing(self, status: int, count: int) -> None:
        """So many answers of the fast path for viewers of broadcasts, which no handler of ours sees."""
        self._requests.labels("GET", "/live/{broadcast}/{file}", str(status)).inc(count)

    async def render(self, station: Station) -> bytes:
        """All figures as text; those of the database are left out while it is away."""
        for gauge in (self._jobs, self._notices, self._cases, self._beats):
            gauge.clear()
        try:
            await self._read(station, station.clock.now())
            self._up.set(1)
        except StationError:
            self._up.set(0)
        return generate_latest(self.registry)

    async def _read(self, station: Station, now: datetime) -> None:
        async with station.database.read() as connection:
            for status, count in (await count_unfinished(connection)).items():
                self._jobs.labels(status).set(count)
            for (channel, state), count in (await count_unsent(connection)).items():
                self._notices.labels(channel, state).set(count)
            for role, at in (await last_beats(connection)).items():
                self._beats.labels(role).set((now - at).total_seconds())
            self._cases.labels("open").set(await count_open(connection))
            self._cases.labels("overdue").set(await count_open(connection, due_before=now))


METRICS: web.AppKey[WebMetrics] = web.AppKey("metrics", WebMetrics)
