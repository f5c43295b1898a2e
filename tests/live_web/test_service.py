"""Broadcasts on the web's side, told to the real live role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from station.base.errors import NotFound, Unavailable
from station.base.principal import Principal, Role
from station.base.station import Station
from station.ledger.service import timeline
from station.live.origin.main import LiveServer
from station.live.web import client
from station.live.web.model import Broadcast, BroadcastEnded, OnAir
from station.live.web.service import (
    AlreadyOnAir,
    change_source,
    get_broadcast,
    get_status,
    list_broadcasts,
    start_broadcast,
    stop_broadcast,
    stop_broadcasts_of,
)
from tests.fixtures import Person
from tests.servers import pick_port

CLERK = Principal("ac_demo_clerk", Role.CLERK, "何晓雯", "st_demo_guihua")
MEETING = "mt_hearing"


@pytest.fixture
def town(station: Station) -> Station:
    """A station whose live role listens at a port of its own."""
    ports = {"media_http_port": pick_port(), "live_http_port": pick_port()}
    return replace(station, settings=station.settings.model_copy(update=ports))


@pytest_asyncio.fixture
async def live(town: Station) -> AsyncIterator[LiveServer]:
    """The live role; there is no media to read from, so it waits for a picture."""
    async with LiveServer(town.settings) as server:
        yield server


async def start(station: Station) -> Broadcast:
    return await start_broadcast(station, CLERK, MEETING, "听证会", "林秀兰", "ac_demo_deputy1", "林秀兰代表")


async def test_a_broadcast_goes_on_changes_and_ends(town: Station, live: LiveServer) -> None:
    """Each step is known to the live role and stands in the ledger; ending twice changes nothing."""
    broadcast = await start(town)
    assert live.registry.on_air[0].programme.person == "ac_demo_deputy1"
    assert (await get_status(town, broadcast.id)) is not None
    await change_source(town, CLERK, broadcast.id, "ac_demo_deputy2", "陈立新代表")
    assert live.registry.on_air[0].programme.person == "ac_demo_deputy2"
    for _ in range(2):
        assert (await stop_broadcast(town, CLERK, broadcast.id)).state is OnAir.ENDED
    assert not list(live.registry.on_air)
    with pytest.raises(BroadcastEnded):
        await change_source(town, CLERK, broadcast.id, "ac_demo_deputy1", "林秀兰代表")
    actions = [event.action for event in await timeline(town, broadcast.subject)]
    assert actions == ["broadcast.started", "broadcast.source-changed", "broadcast.ended"]


async def test_a_change_whose_answer_is_lost_is_taken_back(
    town: Station, live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clerk is told that it failed, and the page names whom viewers see: the one before."""
    broadcast = await start(town)
    put = client.put_broadcast

    async def lose_answer(station: Station, broadcast_id: str, room: str, person: str) -> None:
        await put(station, broadcast_id, room, person)
        monkeypatch.setattr(client, "put_broadcast", put)
        raise Unavailable

    monkeypatch.setattr(client, "put_broadcast", lose_answer)
    with pytest.raises(Unavailable):
        await change_source(town, CLERK, broadcast.id, "ac_demo_deputy2", "陈立新代表")
    assert (await get_broadcast(town, broadcast.id)).person == "ac_demo_deputy1"
    assert live.registry.on_air[0].programme.person == "ac_demo_deputy1"


async def test_of_two_changes_at_once_viewers_see_the_one_that_stands(
    town: Station, live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live role is told of both in one order, the rows are written in the other: then it is told once more."""
    broadcast = await start(town)
    put, shown, stored = client.put_broadcast, asyncio.Event(), asyncio.Event()

    async def hold_up_the_first(station: Station, broadcast_id: str, room: str, person: str) -> None:
        await put(station, broadcast_id, room, person)
        if person == "ac_first" and not shown.is_set():
            shown.set()
            await stored.wait()

    monkeypatch.setattr(client, "put_broadcast", hold_up_the_first)
    first = asyncio.create_task(change_source(town, CLERK, broadcast.id, "ac_first", "甲"))
    await asyncio.wait_for(shown.wait(), 10)
    await change_source(town, CLERK, broadcast.id, "ac_second", "乙")
    stored.set()
    await first
    assert (await get_broadcast(town, broadcast.id)).person == "ac_first"
    assert live.registry.on_air[0].programme.person == "ac_first"


async def test_a_meeting_has_one_broadcast_at_a_time(town: Station, live: LiveServer) -> None:
    """A second start is refused and leaves nothing in the live role; after the end one may start anew."""
    await start(town)
    with pytest.raises(AlreadyOnAir):
        await start(town)
    assert len(list(live.registry.on_air)) == 1
    await stop_broadcasts_of(town, CLERK, MEETING)
    await start(town)
    assert [b.live for b in await list_broadcasts(town)].count(True) == 1


async def test_without_the_live_role_nothing_is_kept(town: Station) -> None:
    """The clerk is told to try again, and no page shows a broadcast that is none."""
    with pytest.raises(Unavailable):
        await start(town)
    assert await list_broadcasts(town) == []
    with pytest.raises(NotFound):
        await get_broadcast(town, "bc_nothing")


async def test_guests_see_what_is_on_air(town: Station, live: LiveServer, new_person: object) -> None:
    """The list, the page and its state need no sign-in; an unknown broadcast is not found."""
    broadcast = await start(town)
    guest: Person = await new_person()  # type: ignore[operator]
    assert f"/live/{broadcast.id}" in await guest.get("/live")
    page = await guest.get(f"/live/{broadcast.id}")
    assert "听证会" in page and "林秀兰代表" in page and "/static/js/pages/live.js" in page
    async with guest.client.get(f"/api/v1/broadcasts/{broadcast.id}") as answer:
        assert (await answer.json())["live"] is True
    await guest.get("/live/bc_nothing", status=404)
    await stop_broadcast(town, CLERK, broadcast.id)
    assert "回看" in await guest.get("/live")
