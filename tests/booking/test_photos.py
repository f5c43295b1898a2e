"""Photos on the booking's pages, as a browser without script sends them, and with the draft on both databases."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import IO

import pytest

from station.base.clock import FixedClock
from station.base.errors import NotFound
from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.drafts import drop_draft, forget_old_drafts, get_draft, save_draft, start_draft
from station.booking.model import Booking, Matter, Mode
from station.booking.photos import add_photo, booking_photos, draft_photos, open_draft_photo
from station.booking.rota import list_slots
from station.booking.service import cancel_booking, confirm_draft, open_booking_photo
from station.cases.records import OpenCase
from station.cases.steps.intake import open_case
from station.demo.booking import LIN
from station.ledger.service import timeline
from station.photos import service
from station.photos.decoding import Decoded, decode
from station.work import expire_photos
from tests.fixtures import MONDAY_TEN, Person
from tests.photos.pictures import PROGRAM, phone_photo, picture

NewPerson = Callable[..., Awaitable[Person]]
ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")
LI = Principal("ac_demo_citizen2", Role.CITIZEN, "李国强")
LIN_HERSELF = Principal("ac_demo_deputy1", Role.DEPUTY, "林秀兰", LIN)
TYPED = {"topic": "路灯不亮", "description": "东门口第二盏。", "mode": "video"}


async def first_slot(station: Station) -> str:
    return next(slot.id for slot in await list_slots(station, LI, LIN) if not slot.full and Mode.VIDEO in slot.modes)


def files(station: Station) -> list[str]:
    return sorted(path.name for path in (station.settings.data / "photos").glob("*"))


def shown(page: str) -> list[str]:
    """Where the pictures of a page are."""
    return re.findall(r'<img src="(/[^"]+\.jpg)"', page)


async def booked(station: Station, *sent: bytes) -> Booking:
    """A booking of 赵玉梅 with photos."""
    slot = await first_slot(station)
    await save_draft(station, ZHAO, slot, Matter(Mode.VIDEO, "路灯不亮"))
    for content in sent:
        await add_photo(station, ZHAO, io.BytesIO(content))
    draft = await get_draft(station, ZHAO)
    assert draft is not None
    return await confirm_draft(station, ZHAO, slot, draft.key)


# --- with the draft --------------------------------------------------------------------------------------------------


async def test_one_person_leaves_others_a_way_to_send_photos(town: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many sent by one person at once are decoded one after another; what somebody else sends is not behind them."""
    begun: list[bytes] = []
    others_turn = asyncio.Event()

    async def decode_in_turn(sent: IO[bytes], to: Path) -> Decoded:
        content = sent.read()
        begun.append(content)
        if content != hers:
            await others_turn.wait()
        return await decode(sent, to)

    monkeypatch.setattr(service, "decode", decode_in_turn)
    hers, his = picture(size=(9, 9)), [picture(size=(10 + n, 10)) for n in range(3)]
    sending = [asyncio.create_task(add_photo(town, LI, io.BytesIO(content))) for content in his]
    await add_photo(town, ZHAO, io.BytesIO(hers))
    assert [content for content in begun if content != hers] == his[:1]
    others_turn.set()
    await asyncio.gather(*sending)
    assert len(await draft_photos(town, LI)) == 3


async def test_photos_go_with_the_booking(both_towns: Station) -> None:
    """Confirming hands them on; the ledger ties them to the booking; only those of the booking may open them."""
    booking = await booked(both_towns, picture(), phone_photo())
    photos = await booking_photos(both_towns, ZHAO, booking)
    assert len(photos) == 2 and await draft_photos(both_towns, ZHAO) == []
    tied = [e.data for e in await timeline(both_towns, f"booking:{booking.id}") if e.action == "booking.photos_added"]
    assert tied == [{"photos": {photo.id: photo.sha256 for photo in photos}}]
    for who in (ZHAO, LIN_HERSELF):
        assert (await open_booking_photo(both_towns, who, booking.id, photos[0].id)).is_file()
    for call in (
        open_booking_photo(both_towns, LI, booking.id, photos[0].id),
        open_draft_photo(both_towns, ZHAO, photos[0].id),
        open_draft_photo(both_towns, LI, photos[0].id),
    ):
        with pytest.raises(NotFound):
            await call


async def test_photos_of_a_cancelled_booking_go_unless_a_matter_came_of_it(both_towns: Station) -> None:
    """Thirty days after the time that was cancelled; what stands, or became a matter, keeps them."""
    cancelled, matter = await booked(both_towns, picture()), await booked(both_towns, picture())
    await open_case(both_towns, LIN_HERSELF, OpenCase("路灯不亮", "", LIN, ZHAO.account, booking_id=matter.id))
    for booking in (cancelled, matter):
        await cancel_booking(both_towns, ZHAO, booking.id)
    kept = await booked(both_towns, picture())
    soon, later = (replace(both_towns, clock=FixedClock(MONDAY_TEN + timedelta(days=days))) for days in (29, 60))
    assert await expire_photos(soon) == 0
    assert await expire_photos(later) == 1
    assert await expire_photos(later) == 0
    left = [len(await booking_photos(both_towns, ZHAO, booking)) for booking in (cancelled, matter, kept)]
    assert left == [0, 1, 1]
    assert len(files(both_towns)) == 2


async def test_photos_go_when_the_draft_is_given_up(both_towns: Station) -> None:
    """Neither rows nor files stay behind."""
    await start_draft(both_towns, ZHAO, await first_slot(both_towns))
    await add_photo(both_towns, ZHAO, io.BytesIO(picture()))
    await drop_draft(both_towns, ZHAO)
    assert await draft_photos(both_towns, ZHAO) == [] and files(both_towns) == []


async def test_photos_go_when_the_draft_is_too_old(both_towns: Station) -> None:
    """After a week those of a draft never sent are gone; those of a booking and of a fresh draft stay."""
    booking = await booked(both_towns, picture())
    await start_draft(both_towns, LI, await first_slot(both_towns))
    await add_photo(both_towns, LI, io.BytesIO(picture(colour="olive")))
    both_towns.clock.at = MONDAY_TEN + timedelta(days=6)  # type: ignore[attr-defined]
    await forget_old_drafts(both_towns)
    assert len(await draft_photos(both_towns, LI)) == 1
    both_towns.clock.at = MONDAY_TEN + timedelta(days=8)  # type: ignore[attr-defined]
    await forget_old_drafts(both_towns)
    assert await draft_photos(both_towns, LI) == []
    assert files(both_towns) == [f"{photo.id}.jpg" for photo in await booking_photos(both_towns, ZHAO, booking)]


# --- on the pages ----------------------------------------------------------------------------------------------------


async def test_photos_are_kept_shown_and_taken_away(town: Station, new_person: NewPerson) -> None:
    """Chosen on the matter's page, on the check, after going back, on the confirmation; one taken away on the way."""
    citizen, slot = await new_person("ac_demo_citizen"), await first_slot(town)
    await citizen.get(f"/book/{slot}")
    check = await citizen.upload(
        f"/book/{slot}", [("a.jpg", phone_photo()), ("b", picture(form="PNG"))], status=200, **TYPED
    )
    assert "核对一下" in check and len(shown(check)) == 2
    back = await citizen.get(f"/book/{slot}")
    assert shown(back) == shown(check) and "路灯不亮" in back
    ids = re.findall(r'name="remove" value="(ph_\w+)"', back)
    left = await citizen.upload(f"/book/{slot}", [], status=200, **TYPED | {"topic": "还在写", "remove": ids[0]})
    assert shown(left) == [f"/book/photos/{ids[1]}.jpg"] and "还在写" in left and "您想说什么事" in left
    check = await citizen.upload(f"/book/{slot}", [], status=200, **TYPED)
    key = re.search(r'name="key" value="(\w+)"', check)
    assert key
    done = await citizen.post(f"/book/{slot}/check", key=key[1], use="yes")
    assert "约好了" in done
    (address,) = shown(done)
    assert re.fullmatch(rf"/bookings/bk_\w+/photos/{ids[1]}\.jpg", address)
    assert files(town) == [f"{ids[1]}.jpg"]


async def test_adding_stays_on_the_page(town: Station, new_person: NewPerson) -> None:
    """The button beside the field takes photos in one after another; what was typed so far stays, complete or not."""
    citizen, slot = await new_person("ac_demo_citizen"), await first_slot(town)
    page = ""
    for number, shade in enumerate(("navy", "olive", "gray", "black"), 1):
        page = await citizen.upload(
            f"/book/{slot}", [("x.jpg", picture(colour=shade))], topic="", description="写了一半", then="add"
        )
        assert len(shown(page)) == number and "写了一半" in page and "处要改" not in page
    assert 'type="file"' not in page  # four are there: nothing more to choose


async def test_a_photo_is_served_for_looking_at_only(town: Station, new_person: NewPerson) -> None:
    """As a JPEG, inline, kept by no cache, sniffed by nobody, under our own name."""
    citizen, slot = await new_person("ac_demo_citizen"), await first_slot(town)
    (address,) = shown(await citizen.upload(f"/book/{slot}", [("evil.html", phone_photo())], status=200, **TYPED))
    async with citizen.client.get(address) as answer:
        body = await answer.read()
        assert answer.status == 200 and answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert re.fullmatch(r'inline; filename="ph_\w+\.jpg"', answer.headers["Content-Disposition"])
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert body.startswith(b"\xff\xd8") and b"PhoneMaker" not in body


async def test_deputy_and_clerk_see_them(town: Station, new_person: NewPerson) -> None:
    """On the booking's page; others who are signed in get a 404, a guest is asked to sign in."""
    booking = await booked(town, picture())
    (photo,) = await booking_photos(town, ZHAO, booking)
    address = f"/bookings/{booking.id}/photos/{photo.id}.jpg"
    for name in ("ac_demo_deputy1", "ac_demo_clerk"):
        person = await new_person(name)
        assert shown(await person.get(f"/bookings/{booking.id}")) == [address]
        async with person.client.get(address) as answer:
            assert answer.status == 200
        if name == "ac_demo_deputy1":
            day = await person.get("/deputy")
            assert f'href="/bookings/{booking.id}"' in day and "1 张照片" in day
            assert address in await person.get(f"/meet/booking/{booking.id}")
    for name in ("ac_demo_citizen2", "ac_demo_deputy2", "ac_demo_unit", "ac_demo_supervisor"):
        await (await new_person(name)).get(address, status=404)
    assert "用手机号登录" in await (await new_person()).get(address)


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "没有收下"), ("en", "was not taken")])
async def test_a_good_photo_stays_when_its_neighbour_is_none(
    town: Station, new_person: NewPerson, language: str, words: str
) -> None:
    """The one that is a photo is kept, the other told by its place, in the visitor's language."""
    citizen, slot = await new_person("ac_demo_citizen"), await first_slot(town)
    citizen.headers = {"Accept-Language": language}
    sent = [("fine.jpg", picture()), ("<b>holiday</b>.jpg", PROGRAM)]
    page = await citizen.upload(f"/book/{slot}", sent, status=415, **TYPED)
    assert words in page and "holiday" not in page and len(shown(page)) == 1
    assert ("File 2: " if language == "en" else "第 2 个文件：") in page
    assert TYPED["description"] in page
