"""A city's set-up: two web processes on one PostgreSQL and one Redis are one station."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout, CookieJar

from tests.servers import ROOT, answers, end_process, pick_port, wait_for

pytestmark = pytest.mark.heavy

CITIZEN = "13800001234"


def settings(folder: Path, database_url: str, redis_url: str, port: int) -> dict[str, str]:
    """The environment of one web process; only the port differs between the two."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("STATION_")},
        "PYTHONPATH": str(ROOT),
        "STATION_DEMO": "true",
        "STATION_DATA": str(folder / "var"),
        "STATION_DATABASE_URL": database_url.replace("+asyncpg", ""),
        "STATION_REDIS_URL": redis_url,
        "STATION_HTTP_PORT": str(port),
        "STATION_MEDIA_HTTP_PORT": str(pick_port()),
        "STATION_LIVE_HTTP_PORT": str(pick_port()),
        "STATION_MEDIA_PROCESSES": "1",
    }


SEED = """
import asyncio
from station.app import close_station, open_station
from station.base.settings import Settings
from station.demo import seed

async def main():
    station = open_station(Settings())
    await seed(station)
    await close_station(station)

asyncio.run(main())
"""


def run_seed(folder: Path, environment: dict[str, str]) -> None:
    """The demo's data, as `station serve` would put it in before any role starts."""
    subprocess.run([sys.executable, "-c", SEED], env=environment, cwd=folder, check=True, timeout=120)


def start_web(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "station", "serve", "--role", "web"]
    with (folder / f"web-{environment['STATION_HTTP_PORT']}.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)


@asynccontextmanager
async def web(folder: Path, environment: dict[str, str]) -> AsyncIterator[str]:
    """One web process; yields its address."""
    port = int(environment["STATION_HTTP_PORT"])
    process = start_web(folder, environment)

    async def listens() -> bool:
        return answers(port)

    try:
        await wait_for(listens, "a web process", 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        end_process(process)


async def token_of(session: ClientSession, address: str) -> str:
    async with session.get(address + "/signin") as page:
        found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', await page.text())
    assert found
    return found[1]


async def ask_for_code(session: ClientSession, address: str, phone: str) -> int:
    data = {"phone": phone, "csrf": await token_of(session, address)}
    async with session.post(address + "/signin", data=data, allow_redirects=False) as answer:
        return answer.status


async def sign_in(session: ClientSession, address: str) -> None:
    """Sign the demo's citizen in at one of the two."""
    assert await ask_for_code(session, address, CITIZEN) == 303
    async with session.get(address + "/demo") as page:
        found = re.search(rf'data-to="{CITIZEN}">[^<]*?(\d{{6}})', await page.text())
    assert found
    data = {"phone": CITIZEN, "code": found[1], "csrf": await token_of(session, address), "next": "/privacy"}
    async with session.post(address + "/signin/code", data=data, allow_redirects=False) as answer:
        assert answer.status == 303


def visitor() -> ClientSession:
    jar = CookieJar(unsafe=True)  # both processes are one host: cookies know no ports
    return ClientSession(cookie_jar=jar, timeout=ClientTimeout(total=30))


async def test_two_webs_are_one_station(tmp_path: Path, postgres_database_url: str, redis_url: str) -> None:
    """A session of one is good at the other, a change at one is seen live at the other, and limits count over both."""
    first = settings(tmp_path, postgres_database_url, redis_url, pick_port())
    second = {**first, "STATION_HTTP_PORT": str(pick_port())}
    await asyncio.to_thread(run_seed, tmp_path, first)
    async with AsyncExitStack() as stack:
        a = await stack.enter_async_context(web(tmp_path, first))
        b = await stack.enter_async_context(web(tmp_path, second))
        citizen = await stack.enter_async_context(visitor())
        await sign_in(citizen, a)
        async with citizen.get(b + "/privacy") as page:
            assert "赵玉梅" in await page.text()
        await see_live(citizen, a, b)
        stranger = await stack.enter_async_context(visitor())
        phone = "139" + "".join(secrets.choice("0123456789") for _ in range(8))
        statuses = [await ask_for_code(stranger, address, phone) for address in (a, b, a, b, a, b)]
        assert statuses == [303] * 5 + [429]


async def see_live(citizen: ClientSession, a: str, b: str) -> None:
    """Coming to a meeting's door through B is told to the page that listens at A."""
    slot = await book(citizen, a)
    async with citizen.get(f"{a}/meet/booking/{slot}") as page:
        found = re.search(r"mt_\w+", str(page.url))
        assert found
        meeting = found[0]
    async with citizen.get(f"{a}/meet/{meeting}/events") as events:
        assert events.status == 200
        await events.content.readuntil(b"\n\n")  # the stream is open, so A listens
        headers = {"X-CSRF-Token": await token_of(citizen, b)}
        url = f"{b}/api/v1/meetings/{meeting}/door"
        async with citizen.post(url, json={"action": "ready"}, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        async for line in events.content:
            if line.startswith(b"data:") and json.loads(line[5:]).get("action") != "hello":
                return
    raise AssertionError("the stream ended without a word of the change")


async def book(citizen: ClientSession, address: str) -> str:
    """Take the first free time of 林秀兰; returns the booking's id."""
    async with citizen.get(address + "/deputies/dp_demo_linxiulan") as page:
        slots = re.findall(r'name="slot" value="(\w+)"', await page.text())
    token = await token_of(citizen, address)
    async with citizen.get(f"{address}/book/{slots[0]}"):
        pass
    matter = {"csrf": token, "topic": "路灯坏了", "description": "", "mode": "video"}
    async with citizen.post(f"{address}/book/{slots[0]}", data=matter) as page:
        text = await page.text()
        key = re.search(r'name="key" value="(\w+)"', text)
        assert key, text[:3000]
    sent = {"csrf": token, "key": key[1], "use": "yes"}
    async with citizen.post(f"{address}/book/{slots[0]}/check", data=sent) as page:
        found = re.search(r"bk_\w+", str(page.url))
        assert found, await page.text()
    return found[0]
