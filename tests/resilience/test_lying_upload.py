"""Uploads that lie about what they are: a page that says what to do, the right status, nothing half-done behind it."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
from PIL import Image
from sqlalchemy import select

from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.model import Mode
from station.booking.rota import list_slots
from station.demo.booking import LIN, seed_booking
from station.demo.directory import seed_directory
from station.photos.store import photos
from tests.fixtures import Person, seed
from tests.photos.pictures import PROGRAM, SECRET, SVG, bomb, phone_photo, picture, polyglot

NewPerson = Callable[..., Awaitable[Person]]
TYPED = {"topic": "路灯不亮", "description": "东门口第二盏。", "mode": "video"}
MB = 2**20
ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")


@pytest_asyncio.fixture
async def town(station: Station) -> Station:
    await seed(station, seed_directory, seed_booking)
    return station


@pytest_asyncio.fixture
async def citizen(town: Station, new_person: NewPerson) -> Person:
    return await new_person("ac_demo_citizen")


async def form_of(citizen: Person) -> str:
    """The address of the form in which the citizen writes what it is about."""
    slots = await list_slots(citizen.station, ZHAO, LIN)
    return "/book/" + next(slot.id for slot in slots if not slot.full and Mode.VIDEO in slot.modes)


async def kept(station: Station) -> tuple[list[str], list[str]]:
    """Ids of rows, and names of all files under the data folder that were not there before photos."""
    async with station.database.read() as connection:
        rows = sorted((await connection.execute(select(photos.c.id))).scalars())
    return rows, sorted(path.name for path in (station.settings.data / "photos").glob("*"))


LIES = {
    "an executable named .jpg": ("holiday.jpg", PROGRAM, 415, "不是 JPEG、PNG 或 WebP 照片"),
    "an SVG with a script": ("drawing.png", SVG, 415, "不是 JPEG、PNG 或 WebP 照片"),
    "a page": ("page.webp", b"<!doctype html><script>alert(1)</script>", 415, "不是 JPEG、PNG 或 WebP 照片"),
    "a picture cut short": ("half.jpg", picture((800, 600))[:-300], 415, "不是 JPEG、PNG 或 WebP 照片"),
    "a GIF, which we do not take": ("moving.jpg", picture(form="GIF"), 415, "不是 JPEG、PNG 或 WebP 照片"),
    "a bomb": ("small.png", bomb(), 413, "尺寸太大"),
    "too large": ("large.jpg", picture() + b"\x00" * (10 * MB), 413, "一张最多 10 MB"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_told_and_leaves_nothing(citizen: Person, lie: str) -> None:
    """The form again with the reason at its field, what was typed still in it; no row, no file, no case of it."""
    name, content, status, words = LIES[lie]
    page = await citizen.upload(await form_of(citizen), [(name, content)], status=status, **TYPED)
    assert "您想说什么事" in page and "有 1 处要改" in page
    assert page.count(words) == 2 and "没有收下" in page  # in the summary and at the field
    assert TYPED["topic"] in page and TYPED["description"] in page
    assert name not in page and "<img" not in page.replace('<img src="/static', "")
    assert await kept(citizen.station) == ([], [])


async def test_in_english_as_well(citizen: Person) -> None:
    """The same in the visitor's language."""
    citizen.headers = {"Accept-Language": "en"}
    page = await citizen.upload(await form_of(citizen), [("holiday.jpg", PROGRAM)], status=415, **TYPED)
    assert "This file is not a JPEG, PNG or WebP photo and was not taken. Choose another one" in page


async def stored(citizen: Person, sent: bytes) -> bytes:
    """What is kept of the one photo that was sent."""
    await citizen.upload(await form_of(citizen), [("a.jpg", sent)], status=200, **TYPED)
    rows, names = await kept(citizen.station)
    assert names == [f"{row}.jpg" for row in rows] and len(rows) == 1
    return (citizen.station.settings.data / "photos" / names[0]).read_bytes()


async def test_a_polyglot_is_only_a_picture_afterwards(citizen: Person) -> None:
    """A JPEG that is a page and an archive as well is taken for its picture; the rest is gone."""
    content = await stored(citizen, polyglot())
    assert SECRET not in content and b"<script" not in content and b"PK\x03\x04" not in content


async def test_the_place_is_gone_and_the_photo_upright(citizen: Person) -> None:
    """No EXIF at all, so no GPS; what the phone noted as its orientation is carried out."""
    image = Image.open(io.BytesIO(await stored(citizen, phone_photo(orientation=6, size=(64, 48)))))
    assert dict(image.getexif()) == {} and "exif" not in image.info
    assert image.size == (48, 64)


async def test_more_than_four_are_told(citizen: Person) -> None:
    """Four of six are kept, the page says so; a fifth later is refused as well."""
    shades = ("navy", "olive", "gray", "black", "white", "teal")
    sent = [(f"{shade}.jpg", picture(colour=shade)) for shade in shades]
    form = await form_of(citizen)
    page = await citizen.upload(form, sent, status=422, **TYPED)
    assert "照片最多 4 张，多出来的没有收下" in page
    rows, names = await kept(citizen.station)
    assert len(rows) == 4 and names == [f"{row}.jpg" for row in rows]
    assert "照片最多 4 张" in await citizen.upload(form, sent[5:], status=422, **TYPED)
    assert await kept(citizen.station) == (rows, names)


async def test_a_flood_is_cut_off(citizen: Person) -> None:
    """A form of more than twice what four photos may have is not read at all: 413, and nothing is kept."""
    await citizen.upload(await form_of(citizen), [("x.jpg", bytes(30 * MB))] * 3, status=413, **TYPED)
    assert await kept(citizen.station) == ([], [])


async def test_nobody_else_opens_it(citizen: Person, new_person: NewPerson) -> None:
    """Another citizen, and the deputy before it is booked, find nothing at the address; a guest is asked to sign in."""
    page = await citizen.upload(await form_of(citizen), [("a.jpg", picture())], status=200, **TYPED)
    (address,) = re.findall(r'<img src="(/book/photos/[^"]+)"', page)
    async with citizen.client.get(address) as answer:
        assert answer.status == 200
    await (await new_person("ac_demo_citizen2")).get(address, status=404)
    await (await new_person("ac_demo_deputy1")).get(address, status=403)
    assert "用手机号登录" in await (await new_person()).get(address)
    for path in ("/book/photos/..%2F..%2Fstation.db.jpg", "/book/photos/ph_none.jpg", "/photos/", "/static/photos/"):
        await citizen.get(path, status=404)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="photos"; filename="a"\r\n\r\nx\r\n--b--\r\n',
        b"--b\r\nContent-Disposition: nonsense\r\n\r\n" + b"x" * 5000,
        b"--b\r\n" + b"X: y\r\n" * 500,
        b"rubbish without a boundary" * 100,
    ],
)
async def test_forms_that_are_none_are_told(citizen: Person, body: bytes) -> None:
    """A body that is no form, or has no token in front, is the sender's fault and nothing of it is kept."""
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for path in (await form_of(citizen), "/signout"):
        async with citizen.client.post(path, data=body, headers=headers) as answer:
            assert answer.status in (400, 403, 413, 422), (path, answer.status)
            assert "<h1" in await answer.text()
    assert await kept(citizen.station) == ([], [])
