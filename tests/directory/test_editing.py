"""An administrator writes the directory on pages: stations and units, one edit one event, nothing lost between two."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest_asyncio
from sqlalchemy import select

from station.base.principal import SYSTEM
from station.base.station import Station
from station.demo.accounts import seed_accounts
from station.directory import edit_service, store
from station.directory.entries_model import StationEntry, check_station
from station.directory.service import list_stations, list_units
from station.ledger.store import ledger_events
from station.ledger.verify import verify_chain
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
GUIHUA, JIXIE = "st_demo_guihua", "st_demo_jixie"
NEW = {"name": "河西社区联络站", "tier": "street", "address": "河西路 8 号", "phone": "0000 8800501"}


@pytest_asyncio.fixture
async def admin(town: Station, new_person: NewPerson) -> Person:
    await seed_accounts(town)
    return await new_person("ac_demo_admin")


async def send(person: Person, path: str, fields: dict[str, str], status: int = 200) -> str:
    """Send a form of the administrator's."""
    return await person.post(f"/admin/{path}", status, **fields)


async def events(station: Station, action: str) -> list[Any]:
    async with station.database.read() as connection:
        query = select(ledger_events).where(ledger_events.c.action == action)
        return list(await connection.execute(query))


async def row_of(station: Station, identity: str) -> Any:
    async with station.database.read() as connection:
        return (await connection.execute(select(store.stations).where(store.stations.c.id == identity))).one()


async def test_a_new_station_is_found_by_everybody(town: Station, admin: Person) -> None:
    """All that was written stands on the public page; the ledger has one event without any of it."""
    words = {
        "hours": "周一到周五 9:00–17:00",
        "directions": "河西桥下车往北",
        "accessibility": "有坡道",
    }
    page = await send(admin, "stations", NEW | words | {"parent": "st_demo_main"})
    assert "存好了" in page and NEW["name"] in page
    public = await admin.get("/stations")
    assert all(text in public for text in (NEW["name"], *words.values()))
    (event,) = await events(town, "directory.station-added")
    assert NEW["name"] not in str(event) and (await verify_chain(town.database)).ok
    assert NEW["name"] in await admin.get("/admin/stations?q=河西")


async def test_faults_stand_beside_their_fields(town: Station, admin: Person) -> None:
    """What was typed stays; nothing is stored."""
    page = await send(admin, "stations", NEW | {"address": "", "phone": "12"}, 422)
    assert "请写地址，群众要找得到" in page and "这个电话号码不对" in page and NEW["name"] in page
    assert NEW["name"] not in {one.name for one in await list_stations(town)}


async def test_two_stations_of_one_name_are_asked_about(town: Station, admin: Person) -> None:
    """Also in traditional characters; with the box ticked both stand."""
    named = NEW | {"name": "桂花街道中心站"}
    page = await send(admin, "stations", named, 422)
    assert "确实是另外一个" in page and 'name="sure"' in page
    await send(admin, "stations", named | {"name": "桂花街道 中心站"}, 422)
    await send(admin, "stations", named | {"sure": "yes"})
    assert [one.name for one in await list_stations(town)].count("桂花街道中心站") == 2


async def test_the_second_of_two_sees_both(town: Station, admin: Person, new_person: NewPerson) -> None:
    """What the first saved stands beside what the second typed; sent once more, the second's counts."""
    shown = await admin.get(f"/admin/stations/{GUIHUA}")
    seen = re.search(r'name="seen" value="(\d+)"', shown)
    assert seen
    base = {
        "name": "桂花街道中心站",
        "tier": "center",
        "parent": "st_demo_main",
        "phone": "(0000) 880 0201",
        "seen": seen[1],
    }
    town.clock.at += timedelta(minutes=3)  # type: ignore[attr-defined]  # a dynamic code signs in once
    other = await new_person("ac_demo_admin")
    await send(other, f"stations/{GUIHUA}", base | {"address": "桂花路 20 号"})
    page = await send(admin, f"stations/{GUIHUA}", base | {"address": "桂花路 22 号"}, 409)
    assert "别人刚存的" in page and "桂花路 20 号" in page and "桂花路 22 号" in page
    again = re.search(r'name="seen" value="(\d+)"', page)
    assert again
    await send(admin, f"stations/{GUIHUA}", base | {"seen": again[1], "address": "桂花路 22 号"})
    assert (await row_of(town, GUIHUA)).address == "桂花路 22 号"
    changes = await events(town, "directory.station-changed")
    assert [json.loads(event.data)["fields"] for event in changes] == [["address"], ["address"]]


async def test_a_station_where_somebody_receives_is_not_closed(town: Station, admin: Person) -> None:
    """The reason names them; one that nobody needs is gone from the public page, and opened again it is back."""
    page = await admin.post(f"/admin/stations/{JIXIE}/close", status=409, closed="yes", seen="1")
    assert "欧阳青" in page and "先给他们换一个站" in page and not (await row_of(town, JIXIE)).closed
    empty = await edit_service.save_station(town, SYSTEM, "", StationEntry(**NEW))
    await admin.post(f"/admin/stations/{empty}/close", closed="yes", seen="1")
    assert NEW["name"] not in await admin.get("/stations")
    await admin.post(f"/admin/stations/{empty}/close", status=409, closed="", seen="1")
    await admin.post(f"/admin/stations/{empty}/close", closed="", seen="2")
    assert NEW["name"] in await admin.get("/stations")


async def test_a_station_cannot_stand_below_itself(town: Station) -> None:
    """Neither directly nor by way of another; one that is unknown is refused as well."""
    known = await list_stations(town)
    entry = {"name": "桂花", "tier": "center", "address": "x", "phone": "12345"}
    for parent, is_right in ((GUIHUA, False), ("st_demo_liuyin", False), ("st_nowhere", False), ("st_demo_main", True)):
        assert ("parent" not in check_station(StationEntry(**entry, parent=parent), GUIHUA, known)) is is_right


async def test_a_retired_unit_gets_nothing_new(town: Station, admin: Person) -> None:
    """It is not offered when a matter is assigned, and keeps its place in what has been."""
    contacts = "林工 科长 880 1001\n周工 880 1002"
    await admin.post("/admin/units/un_demo_water", name="区供水公司", phone="880 1002", contacts=contacts, seen="1")
    assert "周工 880 1002" in await admin.get("/admin/units/un_demo_water")
    await admin.post("/admin/units/un_demo_water/retire", retired="yes", seen="2")
    assert "un_demo_water" not in {unit.id for unit in await list_units(town)}
    assert "un_demo_water" in {unit.id for unit in await list_units(town, retired=True)}
    await admin.post("/admin/units/un_demo_water/retire", retired="", seen="3")
    assert "un_demo_water" in {unit.id for unit in await list_units(town)}
