"""A town with the real media and live roles beside it, a booking, and the people of one reception."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest_asyncio
from aiohttp import ClientSession, ClientWebSocketResponse

from station.base.clock import FixedClock
from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.model import Booking, Matter, Mode
from station.booking.rota import list_slots
from station.booking.service import book_slot
from station.demo.booking import LIN, seed_booking
from station.demo.directory import seed_directory
from station.live.origin.main import LiveServer
from station.meeting.admission import sign_grant
from station.meeting.consent import answer_consent
from station.meeting.lobby import admit, enter_lobby
from station.meeting.model import Meeting, asked_kinds
from station.meeting.service import meeting_of_booking
from station.rtc.http.main import MediaServer
from tests.fixtures import seed
from tests.servers import pick_port

ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
LI = Principal("ac_demo_citizen2", Role.CITIZEN, "李国强")
DEPUTY = Principal("ac_demo_deputy1", Role.DEPUTY, "林秀兰", LIN)
OTHER_DEPUTY = Principal("ac_demo_deputy2", Role.DEPUTY, "陈立新", "dp_demo_chenlixin")
CLERK = Principal("ac_demo_clerk", Role.CLERK, "何晓雯", "st_demo_guihua")
Enter = Callable[[Station, Principal, str], Awaitable[ClientWebSocketResponse]]


@dataclass(frozen=True)
class Roles:
    """The media and live roles that a test may also take away."""

    media: MediaServer
    live: LiveServer


@pytest_asyncio.fixture
async def town(station: Station) -> Station:
    """The demo's directory and rota; media and live are to be found at ports of their own."""
    await seed(station, seed_directory, seed_booking)
    ports = {"media_http_port": pick_port(), "live_http_port": pick_port(), "media_port": 0}
    return replace(station, settings=station.settings.model_copy(update=ports))


@pytest_asyncio.fixture
async def roles(town: Station) -> AsyncIterator[Roles]:
    """Media and live, running in this process."""
    async with AsyncExitStack() as stack:
        media = await stack.enter_async_context(MediaServer(town.settings))
        live = await stack.enter_async_context(LiveServer(town.settings))
        yield Roles(media, live)


@pytest_asyncio.fixture
async def booking(town: Station) -> Booking:
    """赵玉梅 has booked 林秀兰's first free time."""
    slot = next(s for s in await list_slots(town, ZHAO, LIN) if not s.full)
    return await book_slot(town, ZHAO, slot.id, Matter(Mode.VIDEO, "7 号楼想装电梯"), f"key-{time.monotonic_ns()}")


@pytest_asyncio.fixture
async def reception(town: Station, booking: Booking) -> Meeting:
    """The meeting of that booking."""
    return await meeting_of_booking(town, ZHAO, booking.id)


async def let_in(station: Station, meeting: Meeting, recorded: bool, who: Principal = ZHAO) -> None:
    """A citizen answers all questions and is admitted."""
    await enter_lobby(station, who, meeting.id, ready=True)
    for kind in asked_kinds(meeting):
        await answer_consent(station, who, meeting.id, kind, recorded)
    await admit(station, DEPUTY, meeting.id, who.account)


def tick(station: Station, seconds: int = 1) -> None:
    """Time goes on."""
    assert isinstance(station.clock, FixedClock)
    station.clock.at += timedelta(seconds=seconds)


@pytest_asyncio.fixture
async def enter(roles: Roles) -> AsyncIterator[Enter]:
    """Go into the room over the real signalling, with a real pass; without camera."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())

        async def go_in(station: Station, who: Principal, meeting_id: str) -> ClientWebSocketResponse:
            signed = await sign_grant(station, replace(who, session=who.session or f"of {who.account}"), meeting_id)
            socket = await session.ws_connect(station.settings.media_urls["0"] + "/media/ws")
            stack.push_async_callback(socket.close)
            await socket.send_json({"type": "join", "id": "1", "grant": signed.grant})
            answer = await socket.receive_json(timeout=10)
            assert answer["type"] == "joined", answer
            return socket

        yield go_in
