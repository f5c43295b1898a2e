"""Health for supervisors, and the demo's page of logins and outbox."""

from __future__ import annotations

from aiohttp import ClientError, ClientTimeout, web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from station.base.errors import NotFound
from station.base.web import HTTP, answer_json, client_address, render, station_of
from station.demo.accounts import DEMO_ACCOUNTS, PASSWORD
from station.meeting.placement import all_nodes
from station.notices.service import list_newest


async def healthz(request: web.Request) -> web.StreamResponse:
    """Alive: the process answers."""
    return answer_json({"status": "ok"})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Can serve: the database and live answer, and a media process that can hold rooms."""
    station = station_of(request)
    media = {f"media-{node.name}": await _answers(request, node.url + "/healthz") for node in all_nodes(station)}
    others = {
        "database": await _database_answers(request),
        "live": await _answers(request, station.settings.live_url + "/healthz"),
    }
    ready = all(others.values()) and any(media.values())
    return answer_json({"ready": ready, "parts": {**others, **media}}, 200 if ready else 503)


async def metrics(request: web.Request) -> web.StreamResponse:
    """Prometheus metrics, for this machine only."""
    if client_address(request) not in ("127.0.0.1", "::1"):
        raise NotFound
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def demo(request: web.Request) -> web.StreamResponse:
    """Logins with their current dynamic codes, and the outbox. Not there outside the demo."""
    station = station_of(request)
    if not station.settings.demo:
        raise NotFound
    now_s = station.clock.now().timestamp()
    logins = [(account, account.otp_now(now_s)) for account in DEMO_ACCOUNTS]
    outbox = [n for n in await list_newest(station, 60) if n.channel in ("sms", "mail")][:20]
    return render(request, "operations/demo.html", logins=logins, password=PASSWORD, outbox=outbox)


async def _database_answers(request: web.Request) -> bool:
    try:
        async with station_of(request).database.read() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception:
        return False
    return True


async def _answers(request: web.Request, url: str) -> bool:
    try:
        async with request.app[HTTP].get(url, timeout=ClientTimeout(total=2)) as answer:
            return answer.status == 200
    except (ClientError, TimeoutError, OSError):
        return False
