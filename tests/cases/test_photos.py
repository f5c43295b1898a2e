"""Photos of a booking on the pages of the case that came of it: for its parties, and for nobody else."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable

import pytest_asyncio

from station.base.station import Station
from station.booking.drafts import get_draft, save_draft
from station.booking.model import Matter, Mode
from station.booking.photos import add_photo
from station.booking.rota import list_slots
from station.booking.service import confirm_draft
from station.cases import service
from station.cases.records import Case, OpenCase
from station.demo.booking import seed_booking
from tests.cases.conftest import CITIZEN, CLERK, DEPUTY, UNIT, Town, move_clerk
from tests.fixtures import Person
from tests.photos.pictures import picture

NewPerson = Callable[..., Awaitable[Person]]


@pytest_asyncio.fixture
async def case(town: Town) -> Case:
    """A case of a booking with one photo, accepted by the station."""
    station = town.station
    await seed_booking(station)
    slots = await list_slots(station, CITIZEN, DEPUTY.scope)
    slot = next(s.id for s in slots if not s.full and Mode.VIDEO in s.modes)
    await save_draft(station, CITIZEN, slot, Matter(Mode.VIDEO, "路灯不亮"))
    await add_photo(station, CITIZEN, io.BytesIO(picture()))
    draft = await get_draft(station, CITIZEN)
    assert draft is not None
    booking = await confirm_draft(station, CITIZEN, slot, draft.key)
    request = OpenCase("路灯不亮", "", DEPUTY.scope, CITIZEN.account, booking_id=booking.id)
    opened = await service.open_case(station, DEPUTY, request)
    return await service.accept_case(station, CLERK, opened.id)


def pictures(page: str) -> list[str]:
    return re.findall(r'<img src="(/cases/[^"]+\.jpg)"', page)


async def status_of(person: Person, address: str) -> int:
    async with person.client.get(address, allow_redirects=False) as answer:
        if answer.status == 200:
            assert (await answer.read()).startswith(b"\xff\xd8")
            assert answer.headers["Cache-Control"] == "private, no-store"
        return answer.status


async def test_the_parties_see_it_and_nobody_else(case: Case, station: Station, new_person: NewPerson) -> None:
    """Citizen, deputy, clerk and supervisor at once, the unit from the day it has the case; never strangers."""
    citizen = await new_person("ac_demo_citizen")
    (address,) = pictures(await citizen.get(f"/cases/{case.id}"))
    unit = await new_person("ac_demo_unit")
    assert await status_of(unit, address) == 404
    await service.assign_case(station, CLERK, case.id, UNIT.scope)
    pages = {
        "ac_demo_citizen": f"/cases/{case.id}",
        "ac_demo_deputy1": f"/cases/{case.id}",
        "ac_demo_clerk": f"/desk/cases/{case.id}",
        "ac_demo_unit": f"/unit/cases/{case.id}",
        "ac_demo_supervisor": f"/oversight/cases/{case.id}",
    }
    signed_in = {"ac_demo_citizen": citizen, "ac_demo_unit": unit}
    for name, page in pages.items():
        person = signed_in[name] = signed_in.get(name) or await new_person(name)
        assert pictures(await person.get(page)) == [address], name
        assert await status_of(person, address) == 200, name
    for other in ("ac_demo_citizen2", "ac_demo_deputy2", None):
        stranger = await new_person(other) if other else await new_person()
        assert "/photos/" not in await stranger.get(f"/cases/{case.id}")
        assert await status_of(stranger, address) == (404 if other else 303), other
    await move_clerk(station, "st_demo_wangjiang")
    assert await status_of(signed_in["ac_demo_clerk"], address) == 404


async def test_publishing_a_case_does_not_publish_its_photos(
    case: Case, station: Station, new_person: NewPerson
) -> None:
    """After the review the title is public; the photos stay with the parties, on pages and in the API."""
    await service.publish_case(station, CLERK, case.id, "路灯不亮", "")
    guest = await new_person()
    page = await guest.get(f"/cases/{case.id}")
    assert "路灯不亮" in page and "/photos/" not in page
    assert "photos" not in await guest.get("/api/v1/cases")
