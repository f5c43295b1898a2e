"""The pages of a review: a broadcast's recording, and the way from a booking to its replay; without media and live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from sqlalchemy import insert, update

from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.model import Matter, Mode
from station.booking.rota import list_slots
from station.booking.service import book_slot, cancel_booking
from station.demo.booking import LIN, seed_booking
from station.live.web.service import get_broadcast
from station.live.web.store import broadcast_sources, broadcasts
from station.meeting import store
from station.meeting.lobby import enter_lobby
from station.meeting.model import Meeting
from station.meeting.service import meeting_of_booking
from station.people.model import ConsentKind
from station.people.service import give_consent
from station.people.store import accounts
from tests.archive.conftest import CLERK, DEPUTY
from tests.fixtures import MONDAY_TEN, Person
from tests.servers import pick_port

NewPerson = Callable[..., Awaitable[Person]]
ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
PATH = "/desk/broadcasts/bc_1"
STILL_ON_AIR = {
    "zh-CN": "还在直播，停了以后才能审核公开",
    "en": "It can be reviewed and published once it has stopped",
}
PUBLISH = {"zh-CN": ("审核过了，公开", "撤回公开"), "en": ("Reviewed, publish", "Withdraw from the public")}
REFUSED = {"zh-CN": "赵玉梅 不同意公开", "en": "赵玉梅 did not agree"}


@pytest.fixture
def station(station: Station) -> Station:
    """The same, with media and live to be found where nobody listens."""
    ports = {"media_http_port": pick_port(), "live_http_port": pick_port()}
    return replace(station, settings=station.settings.model_copy(update=ports))


async def set_broadcast(station: Station, **values: object) -> None:
    """Changes the row as the service would, without the live role."""
    async with station.database.transaction() as work:
        await work.execute(update(broadcasts).values(**values))


@pytest_asyncio.fixture
async def broadcast(station: Station, hearing: Meeting) -> str:
    """A broadcast of the hearing that has ended and that 赵玉梅, who agreed to it, was shown in; not reviewed yet."""
    await enter_lobby(station, ZHAO, hearing.id)
    for kind in (ConsentKind.RECORDED, ConsentKind.BROADCAST, ConsentKind.PUBLISHED):
        await give_consent(station, ZHAO, kind, hearing.subject, True)
    row = {"id": "bc_1", "meeting_id": hearing.id, "title": hearing.title, "host": "林秀兰", "state": "ended"}
    seen = {"person": ZHAO.account, "source_name": "赵玉梅", "started_at": MONDAY_TEN, "ended_at": MONDAY_TEN}
    async with station.database.transaction() as work:
        await work.execute(insert(broadcasts).values(**row, **seen))
        await work.execute(insert(broadcast_sources).values(broadcast_id="bc_1", person=ZHAO.account, hidden=False))
    return "bc_1"


@pytest.mark.parametrize("language", list(PUBLISH))
async def test_a_clerk_publishes_and_recalls(
    station: Station, new_person: NewPerson, broadcast: str, language: str
) -> None:
    """The button changes what guests find, in both directions and also when it is pressed twice."""
    clerk, guest = await new_person(CLERK.account), await new_person()
    clerk.headers = guest.headers = {"Accept-Language": language}
    publish, recall = PUBLISH[language]
    page = await clerk.get(PATH)
    assert publish in page and recall not in page and "/index.m3u8" in page
    for wanted, shown in (("yes", recall), ("yes", recall), ("no", publish), ("no", publish)):
        page = await clerk.post(f"{PATH}/publish", published=wanted)
        assert shown in page
        assert (await get_broadcast(station, broadcast)).public is (wanted == "yes")
        async with guest.client.get(f"/live/{broadcast}") as answer:
            assert ('id="video"' in await answer.text()) is (wanted == "yes")


@pytest.mark.parametrize("language", list(PUBLISH))
async def test_what_is_on_air_or_refused_cannot_be_published(
    station: Station, new_person: NewPerson, broadcast: str, language: str
) -> None:
    """The page says why and has no button; the form of a page left open is refused with the same words."""
    clerk = await new_person(CLERK.account)
    clerk.headers = {"Accept-Language": language}
    await set_broadcast(station, state="live")
    for page in (await clerk.get(PATH), await clerk.post(f"{PATH}/publish", status=409, published="yes")):
        assert STILL_ON_AIR[language] in page and 'id="publish"' not in page
    await set_broadcast(station, state="ended")
    await give_consent(
        station, ZHAO, ConsentKind.PUBLISHED, f"meeting:{(await get_broadcast(station, broadcast)).meeting_id}", False
    )
    for page in (await clerk.get(PATH), await clerk.post(f"{PATH}/publish", status=409, published="yes")):
        assert REFUSED[language] in page and 'id="publish"' not in page
    assert not (await get_broadcast(station, broadcast)).public


async def test_only_the_clerks_of_its_station_review_it(
    station: Station, new_person: NewPerson, broadcast: str
) -> None:
    """Others learn nothing of it: no page, no file, no form; an unknown one and an unsafe file are not found."""
    for account in (DEPUTY.account, ZHAO.account, "ac_demo_unit"):
        person = await new_person(account)
        await person.get(PATH, status=403)
        await person.get(f"{PATH}/index.m3u8", status=403)
        await person.post(f"{PATH}/publish", status=403, published="yes")
    guest = await new_person()
    assert 'name="login"' in await guest.get(PATH)  # staff are asked for their password
    clerk = await new_person(CLERK.account)
    for path in ("/desk/broadcasts/bc_nowhere", "/desk/broadcasts/bc_nowhere/index.m3u8", f"{PATH}/..%2f..%2fhealthz"):
        await clerk.get(path, status=404)
    await clerk.post("/desk/broadcasts/bc_nowhere/publish", status=404, published="yes")
    await clerk.get(f"{PATH}/index.m3u8", status=503)  # it may; the live role is away
    async with clerk.client.post(f"{PATH}/publish", data={"published": "yes"}) as answer:
        assert answer.status == 403  # a form of another site, without the token
    async with station.database.transaction() as work:
        await work.execute(update(accounts).where(accounts.c.id == CLERK.account).values(scope="st_demo_wangjiang"))
    await clerk.get(PATH, status=404)
    await clerk.get(f"{PATH}/index.m3u8", status=404)
    await clerk.post(f"{PATH}/publish", status=404, published="yes")
    assert not (await get_broadcast(station, broadcast)).public


@dataclass(frozen=True)
class Held:
    """A booking and its meeting."""

    booking: str
    meeting: Meeting


@pytest_asyncio.fixture
async def reception(station: Station, hearing: Meeting) -> Held:
    """赵玉梅's booking with 林秀兰 and its meeting, which has not been held."""
    await seed_booking(station)
    slot = next(s for s in await list_slots(station, ZHAO, LIN) if not s.full)
    booking = await book_slot(station, ZHAO, slot.id, Matter(Mode.VIDEO, "7 号楼想装电梯"), "key-replay")
    return Held(booking.id, await meeting_of_booking(station, ZHAO, booking.id))


async def end(station: Station, meeting: Meeting) -> None:
    """As the row says it once the meeting is over."""
    async with station.database.transaction() as work:
        await work.execute(update(store.meetings).where(store.meetings.c.id == meeting.id).values(state="ended"))


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_a_booking_leads_to_its_replay_once_it_was_held(
    station: Station, new_person: NewPerson, reception: Held, language: str
) -> None:
    """Before that there is none; then its citizen, deputy and clerk come to the record in their language."""
    path = f"/bookings/{reception.booking}/replay"
    people = [await new_person(account) for account in (ZHAO.account, DEPUTY.account, CLERK.account)]
    for person in people:
        person.headers = {"Accept-Language": language}
        await person.get(path, status=404)
    await end(station, reception.meeting)
    for person in people:
        page = await person.get(path)
        assert ("这场见面没有录像。" if language == "zh-CN" else "This meeting was not recorded.") in page
        async with person.client.get(path, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, f"/replay/{reception.meeting.id}")


async def test_strangers_and_cancelled_bookings_lead_nowhere(
    station: Station, new_person: NewPerson, reception: Held
) -> None:
    """Another citizen or deputy learns nothing; a guest is asked to sign in; what was cancelled was never held."""
    path = f"/bookings/{reception.booking}/replay"
    citizen = await new_person(ZHAO.account)
    await cancel_booking(station, ZHAO, reception.booking)
    await citizen.get(path, status=404)
    await end(station, reception.meeting)
    for account in ("ac_demo_citizen2", "ac_demo_deputy2"):
        await (await new_person(account)).get(path, status=404)
    await citizen.get("/bookings/bk_nowhere/replay", status=404)
    assert 'name="phone"' in await (await new_person()).get(path)
