"""The pages on which a person reads what they agreed to, and takes it back."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
from sqlalchemy import update

from station.archive.replay import is_public
from station.base.errors import StorageFull
from station.base.principal import SYSTEM, Principal, Role
from station.base.station import Station
from station.booking import service
from station.booking.drafts import get_draft, save_draft
from station.booking.model import Booking, BookingState, Matter, Mode
from station.booking.photos import add_photo, booking_photos
from station.booking.rota import list_slots
from station.booking.service import book_slot, cancel_booking, confirm_draft, get_booking
from station.cases.service import read_case
from station.demo.booking import LIN, seed_booking
from station.demo.directory import seed_directory
from station.meeting import service as meeting_service
from station.meeting import store
from station.meeting.consent import answer_consent, own_consents
from station.meeting.matters import note_matter
from station.meeting.model import Meeting
from station.meeting.service import get_meeting, meeting_of_booking
from station.notices.service import list_newest
from station.people.model import ConsentKind
from station.people.service import give_consent, my_consents
from tests.fixtures import Person, seed
from tests.photos.pictures import picture

NewPerson = Callable[..., Awaitable[Person]]
ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
DEPUTY = Principal("ac_demo_deputy1", Role.DEPUTY, "林秀兰", LIN)
WORDS = {
    "zh-CN": ("我的同意", "录像", "收回", "改成同意", "还没有问过您", "收回同意，不让用您的信息？", "已经收回了。"),
    "en": ("My consents", "Recordings", "Withdraw", "Agree after all", "You have not been asked yet",
           "Take your consent to the use of your data back?", "It has been taken back."),
}  # fmt: skip


@pytest_asyncio.fixture
async def booking(station: Station) -> Booking:
    """赵玉梅 has booked, and so agreed to the use of what she wrote."""
    await seed(station, seed_directory, seed_booking)
    slot = next(s for s in await list_slots(station, ZHAO, LIN) if not s.full)
    return await book_slot(station, ZHAO, slot.id, Matter(Mode.VIDEO, "7 号楼想装电梯"), "key-consents")


@pytest_asyncio.fixture
async def meeting(station: Station, booking: Booking) -> Meeting:
    """The meeting of that booking, at whose door she agreed to all she was asked."""
    made = await meeting_of_booking(station, ZHAO, booking.id)
    for kind in (ConsentKind.RECORDED, ConsentKind.PUBLISHED):
        await answer_consent(station, ZHAO, made.id, kind, True)
    return made


async def ids(station: Station) -> dict[str, str]:
    """Her answers of now: id by kind."""
    return {consent.kind: consent.id for consent in await my_consents(station, ZHAO)}


def table(page: str) -> str:
    """The list of answers, without what the page says around it."""
    return page.partition("<table")[2].partition("</table>")[0]


@pytest.mark.parametrize("language", list(WORDS))
async def test_each_answer_stands_once_with_a_button(
    station: Station, new_person: NewPerson, meeting: Meeting, language: str
) -> None:
    """Taken back at the press of it, agreed to again by the next; the use of data asks once more first."""
    citizen = await new_person(ZHAO.account)
    citizen.headers = {"Accept-Language": language}
    title, recorded, back, again, *_ = WORDS[language]
    page = await citizen.get("/my/consents")
    assert title in page
    page = table(page)
    assert recorded in page and back in page and again not in page
    answers = await ids(station)
    assert sorted(answers) == ["published", "recorded", "use"]
    assert len(re.findall(r'<form method="post" action="/my/consents/', page)) == 2
    assert f'href="/my/consents/{answers["use"]}"' in page
    page = table(await citizen.post(f"/my/consents/{answers['recorded']}", given="no"))
    assert again in page
    assert await own_consents(station, ZHAO, meeting) == {"recorded": False, "published": True}
    page = table(await citizen.post(f"/my/consents/{(await ids(station))['recorded']}", given="yes"))
    assert again not in page
    assert await own_consents(station, ZHAO, meeting) == {"recorded": True, "published": True}


async def test_a_no_counts_also_from_a_page_of_before(
    station: Station, new_person: NewPerson, meeting: Meeting
) -> None:
    """Taken back, agreed to again, taken back by the browser's way back to the first form: the last word is no."""
    citizen, recorded = await new_person(ZHAO.account), (await ids(station))["recorded"]
    for key in ("key-of-a-first-yes", "key-of-another-yes"):
        await citizen.post(f"/my/consents/{recorded}", given="no", form_key="key-of-the-first-no")
        assert not (await own_consents(station, ZHAO, meeting))[ConsentKind.RECORDED]
        await citizen.post(f"/my/consents/{recorded}", given="yes", form_key=key)
        assert (await own_consents(station, ZHAO, meeting))[ConsentKind.RECORDED]


@pytest.mark.parametrize("language", list(WORDS))
async def test_who_was_never_asked_reads_so(station: Station, new_person: NewPerson, language: str) -> None:
    """The list is empty in words; a guest is asked to sign in and comes back to it."""
    citizen = await new_person("ac_demo_citizen2")
    citizen.headers = {"Accept-Language": language}
    assert WORDS[language][4] in await citizen.get("/my/consents")
    guest = await new_person()
    assert 'name="next" value="/my/consents"' in await guest.get("/my/consents")


async def test_nobody_reads_or_changes_the_answer_of_another(
    station: Station, new_person: NewPerson, meeting: Meeting
) -> None:
    """For another citizen, the deputy, the clerk and a guest there is no such answer; nothing changes."""
    answers = await ids(station)
    for account in ("ac_demo_citizen2", "ac_demo_deputy1", "ac_demo_clerk"):
        other = await new_person(account)
        for consent in answers.values():
            await other.get(f"/my/consents/{consent}", status=404)
            await other.post(f"/my/consents/{consent}", status=404, given="no")
    guest = await new_person()
    assert 'name="phone"' in await guest.get(f"/my/consents/{answers['use']}")
    citizen = await new_person(ZHAO.account)
    await citizen.get("/my/consents/cn_nowhere", status=404)
    async with citizen.client.post(f"/my/consents/{answers['recorded']}", data={"given": "no"}) as answer:
        assert answer.status == 403  # a form of another site, without the token
    assert await ids(station) == answers


@pytest.mark.parametrize("language", list(WORDS))
async def test_taking_the_use_back_cancels_what_is_ahead(
    station: Station, new_person: NewPerson, booking: Booking, language: str
) -> None:
    """The page says what follows; then the booking is cancelled, staff are told once, and it cannot be un-taken."""
    citizen = await new_person(ZHAO.account)
    citizen.headers = {"Accept-Language": language}
    consent = (await ids(station))["use"]
    assert WORDS[language][5] in await citizen.get(f"/my/consents/{consent}")
    for _ in range(2):
        await citizen.post(f"/my/consents/{consent}", given="no")
        consent = (await ids(station))["use"]
    assert (await get_booking(station, ZHAO, booking.id)).state is BookingState.CANCELLED
    told = [n for n in await list_newest(station, 50) if n.address == DEPUTY.account and "收回了使用" in n.text]
    assert len(told) == 1
    assert WORDS[language][6] in await citizen.get(f"/my/consents/{consent}")
    await citizen.post(f"/my/consents/{consent}", status=404, given="yes")


async def test_what_was_written_is_no_longer_shown_once_its_use_is_taken_back(
    station: Station, new_person: NewPerson, booking: Booking
) -> None:
    """Deputy, clerk and administrator read that it was taken back, but no words, and see no photos; she does."""
    await save_draft(station, ZHAO, (await list_slots(station, ZHAO, LIN))[-1].id, Matter(Mode.VIDEO, "楼道"))
    await add_photo(station, ZHAO, io.BytesIO(picture()))
    draft = await get_draft(station, ZHAO)
    assert draft is not None
    private = await confirm_draft(station, ZHAO, draft.slot_id, draft.key)
    [photo] = await booking_photos(station, ZHAO, private)
    path, file = f"/bookings/{private.id}", f"/bookings/{private.id}/photos/{photo.id}.jpg"
    hosts = [await new_person(account) for account in ("ac_demo_deputy1", "ac_demo_clerk", "ac_demo_admin")]
    for host in hosts:
        assert "楼道" in await host.get(path)
        assert (await host.client.get(file)).status == 200
    await service.withdraw_use(station, ZHAO, private.id, [DEPUTY.account])
    for host in hosts:
        page = await host.get(path)
        assert "楼道" not in page and photo.id not in page and "本人收回了同意" in page
        assert (await host.client.get(file)).status == 404
    citizen = await new_person(ZHAO.account)
    assert "楼道" in await citizen.get(path)
    assert (await citizen.client.get(file)).status == 200


@pytest.mark.parametrize("is_made_before", [True, False])
async def test_the_meeting_is_no_longer_called_by_what_was_written(
    station: Station, new_person: NewPerson, booking: Booking, is_made_before: bool
) -> None:
    """Its title is the booking's number, whoever comes first; pressed again the button mends a crash in between."""
    consent = next(c.id for c in await my_consents(station, ZHAO) if c.kind is ConsentKind.USE)
    await service.mark_booking(station, SYSTEM, booking.id, "attended")
    if is_made_before:
        await meeting_of_booking(station, ZHAO, booking.id)
        citizen = await new_person(ZHAO.account)
        await service.withdraw_use(station, ZHAO, booking.id, [DEPUTY.account])  # and here the process ends
        await citizen.post(f"/my/consents/{consent}", given="no")
    else:
        await service.withdraw_use(station, ZHAO, booking.id, [DEPUTY.account])
    made = await meeting_of_booking(station, ZHAO, booking.id)
    assert made.title == booking.number
    assert (await get_meeting(station, DEPUTY, made.id)).title == booking.number


async def test_a_meeting_made_as_the_use_is_taken_back_forgets_its_topic(
    station: Station, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The topic was read before, the meeting is stored after: its title is the booking's number all the same."""
    await service.mark_booking(station, SYSTEM, booking.id, "attended")
    before = await get_booking(station, DEPUTY, booking.id)
    await service.withdraw_use(station, ZHAO, booking.id, [])

    async def read_before(*_: object) -> Booking:
        return before

    monkeypatch.setattr(meeting_service, "get_booking", read_before)
    made = await meeting_of_booking(station, DEPUTY, booking.id)
    assert made.title == booking.number
    assert (await get_meeting(station, DEPUTY, made.id)).title == booking.number


async def test_a_matter_noted_afterwards_hands_on_nothing_written(station: Station, booking: Booking) -> None:
    """The case of a meeting whose citizen took the use back knows no booking, hence no words and no photos."""
    made = await meeting_of_booking(station, DEPUTY, booking.id)
    await service.mark_booking(station, SYSTEM, booking.id, "attended")
    await service.withdraw_use(station, ZHAO, booking.id, [])
    noted = await note_matter(station, DEPUTY, made.id, "装电梯")
    case = await read_case(station, noted.id)
    assert (case.booking_id, case.citizen_topic, case.meeting_id) == (None, "", made.id)


async def test_the_desks_list_no_words_whose_use_is_taken_back(
    station: Station, new_person: NewPerson, booking: Booking
) -> None:
    """Of a meeting that was held: deputy and clerk see that it was, and no longer what it was about."""
    await service.mark_booking(station, SYSTEM, booking.id, "attended")
    desks = [(await new_person("ac_demo_deputy1"), "/deputy"), (await new_person("ac_demo_clerk"), "/desk")]
    assert all([booking.topic in await person.get(path) for person, path in desks])
    await service.withdraw_use(station, ZHAO, booking.id, [DEPUTY.account])
    for person, path in desks:
        page = await person.get(path)
        assert booking.topic not in page and booking.citizen_name in page and "已收回同意" in page
    assert [b.topic for b in await service.my_bookings(station, DEPUTY) if b.id == booking.id] == [""]


async def test_taking_the_use_back_is_all_or_nothing(
    station: Station, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails on its way leaves the booking as it was, so that trying again does all of it."""

    async def fail(*_: object, **__: object) -> None:
        raise StorageFull

    with monkeypatch.context() as patched, pytest.raises(StorageFull):
        patched.setattr(service, "record_consent", fail)
        await service.withdraw_use(station, ZHAO, booking.id, [DEPUTY.account])
    assert (await get_booking(station, ZHAO, booking.id)).state is BookingState.BOOKED
    await service.withdraw_use(station, ZHAO, booking.id, [DEPUTY.account])
    assert (await get_booking(station, ZHAO, booking.id)).state is BookingState.CANCELLED


async def test_what_was_cancelled_before_is_only_taken_back(
    station: Station, new_person: NewPerson, booking: Booking
) -> None:
    """A booking that is cancelled already stays as it is, and the answer still counts."""
    await cancel_booking(station, DEPUTY, booking.id, "代表生病")
    citizen = await new_person(ZHAO.account)
    await citizen.post(f"/my/consents/{(await ids(station))['use']}", given="no")
    assert (await get_booking(station, ZHAO, booking.id)).cancelled_by == "deputy"
    [use] = [c for c in await my_consents(station, ZHAO) if c.kind == "use"]
    assert not use.given


@pytest.mark.parametrize("kind", ["recorded", "published"])
async def test_long_after_the_meeting_the_button_recalls_what_is_public(
    station: Station, new_person: NewPerson, meeting: Meeting, kind: str
) -> None:
    """Guests see the replay until she presses it, and not again when she agrees anew: that takes a new review."""
    async with station.database.transaction() as work:
        await work.execute(update(store.meetings).values(state="ended", published=True))
    guest, citizen = await new_person(), await new_person(ZHAO.account)
    assert "7 号楼" in await guest.get(f"/replay/{meeting.id}")
    await citizen.post(f"/my/consents/{(await ids(station))[kind]}", given="no")
    assert 'name="phone"' in await guest.get(f"/replay/{meeting.id}")
    await citizen.post(f"/my/consents/{(await ids(station))[kind]}", given="yes")
    assert not await is_public(station, await get_meeting(station, SYSTEM, meeting.id))
    assert any("公开的录像已撤下" in n.text for n in await list_newest(station, 50) if n.address == DEPUTY.account)


async def test_an_answer_whose_meeting_is_gone_offers_no_button(station: Station, new_person: NewPerson) -> None:
    """What the answer was about has been deleted: it stays listed, and a form of before changes nothing."""
    await give_consent(station, ZHAO, ConsentKind.RECORDED, "meeting:mt_gone", True)
    await give_consent(station, ZHAO, ConsentKind.USE, "booking:bk_gone", True)
    citizen, answers = await new_person(ZHAO.account), await ids(station)
    listed = table(await citizen.get("/my/consents"))
    assert listed.count("<tr id=") == 2 and "<form" not in listed
    for kind, given in (("recorded", "no"), ("use", "no"), ("use", "yes")):
        await citizen.post(f"/my/consents/{answers[kind]}", status=404, given=given)
    assert await ids(station) == answers
