"""Redis is away: people sign in, limits hold, and what was done is told as done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from station.app import build_app
from station.base.principal import Principal, Role
from station.base.redis_bus import RedisBus
from station.base.station import Station
from station.booking.model import Matter, Mode
from station.booking.rota import list_slots
from station.booking.service import book_slot
from station.demo.booking import LIN, seed_booking
from station.demo.directory import seed_directory
from tests.fixtures import Person, seed
from tests.servers import pick_port

ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")


@pytest_asyncio.fixture
async def town(station: Station) -> AsyncIterator[Station]:
    """The demo's town, with nothing where its Redis should be."""
    await seed(station, seed_directory, seed_booking)
    bus = RedisBus(f"redis://127.0.0.1:{pick_port()}/0")
    yield replace(station, bus=bus)
    await bus.close()


async def test_people_sign_in_and_their_changes_are_told_as_done(town: Station) -> None:
    """A citizen and a clerk sign in, the citizen gives a booking up; no page says that something went wrong."""
    async with TestClient(TestServer(build_app(town))) as client:
        citizen = Person(client, town)
        await citizen.sign_in("ac_demo_citizen")
        slot = next(s for s in await list_slots(town, ZHAO, LIN) if not s.full)
        booking = await book_slot(town, ZHAO, slot.id, Matter(Mode.VIDEO, "路灯坏了"), "key-1")
        assert "已取消" in await citizen.post(f"/bookings/{booking.id}/cancel")
        async with client.get("/readyz") as answer:
            told = await answer.json()
            assert answer.status == 503 and told["parts"]["bus"] is False and told["parts"]["database"] is True
    async with TestClient(TestServer(build_app(town))) as client:
        clerk = Person(client, town)
        await clerk.sign_in("ac_demo_clerk")
        await clerk.get("/desk")


async def test_limits_hold_without_it(town: Station) -> None:
    """Codes for one telephone are still limited, by this process alone."""
    async with TestClient(TestServer(build_app(town))) as client:
        stranger = Person(client, town)
        token = await stranger.token()
        statuses = []
        for _ in range(12):
            form = {"phone": "13912345678", "csrf": token}
            async with client.post("/signin", data=form, allow_redirects=False) as answer:
                statuses.append(answer.status)
        assert statuses[0] == 303 and statuses[-1] == 429
        assert set(statuses) == {303, 429}
