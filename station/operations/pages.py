"""Health for supervisors, and the demo's page of logins and outbox."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from station.base.errors import NotFound
from station.base.origin import is_local
from station.base.web import HTTP, answer_json, render, station_of
from station.demo.logins import DEMO_ACCOUNTS, PASSWORD
from station.notices.service import list_newest
from station.operations.metrics import METRICS
from station.operations.readiness import ReadinessCheck
from station.people.store import used_steps

READINESS: web.AppKey[ReadinessCheck] = web.AppKey("readiness", ReadinessCheck)


async def healthz(request: web.Request) -> web.StreamResponse:
    """Alive: the process answers."""
    return answer_json({"status": "ok"})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Can do all it is for: every part by name, and in a phrase what is wrong with it."""
    found = await request.app[READINESS].look(station_of(request), request.app[HTTP])
    body = {"ready": found.ready, "parts": found.parts, "problems": found.problems}
    return answer_json(body, 200 if found.ready else 503)


async def metrics(request: web.Request) -> web.StreamResponse:
    """Prometheus metrics, for this machine only: never through a proxy, trusted or not."""
    if not is_local(request):
        raise NotFound
    body = await request.app[METRICS].render(station_of(request))
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def demo(request: web.Request) -> web.StreamResponse:
    """Logins with their current dynamic codes, and the outbox. Not there outside the demo."""
    station = station_of(request)
    if not station.settings.demo:
        raise NotFound
    now_s = station.clock.now().timestamp()
    async with station.database.read() as connection:
        used = await used_steps(connection, [account.id for account in DEMO_ACCOUNTS])
    logins = [(account, account.otp_now(now_s, used.get(account.id, 0))) for account in DEMO_ACCOUNTS]
    outbox = [n for n in await list_newest(station, 60) if n.channel in ("sms", "mail")][:20]
    return render(request, "operations/demo.html", logins=logins, password=PASSWORD, outbox=outbox)
