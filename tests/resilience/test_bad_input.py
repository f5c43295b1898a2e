"""Hostile and mistaken input: a clear answer in the visitor's language, the right status, nothing half-done."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientSession, WSMsgType
from sqlalchemy import Table, select

from station.base.grants import Grant, GrantSigner, Right
from station.base.settings import Settings
from station.base.station import Station
from station.booking.store import bookings
from station.demo.booking import seed_booking
from station.demo.directory import seed_directory
from station.meeting.store import meetings
from station.people.store import sign_in_codes
from tests.fixtures import Person, seed
from tests.servers import RunningStation

NewPerson = Callable[..., Awaitable[Person]]

BOOKING = "bk_demo_past"  # of the demo's first deputy
OFFER_WITHOUT_OURS = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\na=setup:actpass\r\na=rtpmap:98 VP9/90000\r\n"
)


def signer_of(station: RunningStation) -> GrantSigner:
    return GrantSigner.load(settings_of(station).keys)


def settings_of(station: RunningStation) -> Settings:
    return Settings(data=station.data, _env_file=None)


def publish_grant(lasts_s: int = 60) -> Grant:
    return Grant("badroom", "tk_bad", "encoder", frozenset({Right.PUBLISH}), int(time.time()) + lasts_s)


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "太大"), ("en", "too large")])
async def test_a_chat_message_of_ten_megabytes_is_refused(new_person: NewPerson, language: str, words: str) -> None:
    """413 as problem+json, in the visitor's language; nothing is stored."""
    citizen = await new_person("ac_demo_citizen")
    citizen.headers = {"Accept-Language": language}
    headers = {**citizen.headers, "X-CSRF-Token": await citizen.token(), "Content-Type": "application/json"}
    body = io.BytesIO(b'{"text": "' + b"x" * 10 * 2**20 + b'"}')
    async with citizen.client.post("/api/v1/meetings/mt_x/chat", data=body, headers=headers) as answer:
        assert answer.status == 413
        assert answer.content_type == "application/problem+json"
        assert words in (await answer.json(content_type=None))["title"]


async def test_a_page_that_is_not_there_says_what_to_do(new_person: NewPerson) -> None:
    """404 is a page with a way on; on the API it is a problem."""
    guest = await new_person()
    assert "回首页" in await guest.get("/nowhere", status=404)
    guest.headers = {"Accept-Language": "en"}
    page = await guest.get("/nowhere", status=404)
    assert 'lang="en"' in page and "回首页" not in page and 'href="/"' in page
    async with guest.client.get("/api/v1/nowhere") as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b'{"text": 5}', b"[" * 5000])
async def test_json_that_is_none_is_told(new_person: NewPerson, body: bytes) -> None:
    """Rubbish instead of JSON is the sender's fault, never ours."""
    citizen = await new_person("ac_demo_citizen")
    headers = {"X-CSRF-Token": await citizen.token(), "Content-Type": "application/json"}
    async with citizen.client.post("/api/v1/meetings/mt_x/chat", data=body, headers=headers) as answer:
        assert answer.status == 422, await answer.text()


async def test_forged_and_expired_grants_open_nothing(running_station: RunningStation) -> None:
    """A grant that we did not sign, or that is over, is a 401 with a problem, whatever the offer."""
    real = signer_of(running_station).sign(publish_grant())
    expired = signer_of(running_station).sign(publish_grant(lasts_s=-5))
    forged = real[:-6] + ("AAAAAA" if not real.endswith("AAAAAA") else "BBBBBB")
    async with ClientSession() as http:
        for grant in (forged, expired, "", "rubbish"):
            headers = {"Authorization": f"Bearer {grant}", "Content-Type": "application/sdp"}
            url = running_station.address + "/whip/badroom"
            async with http.post(url, data=OFFER_WITHOUT_OURS, headers=headers) as answer:
                assert answer.status == 401, (grant[:10], answer.status)
                assert answer.content_type == "application/problem+json"


async def test_an_offer_without_our_codecs_is_told(running_station: RunningStation) -> None:
    """An encoder that has only VP9 learns that it has none of our formats."""
    grant = signer_of(running_station).sign(publish_grant())
    headers = {"Authorization": f"Bearer {grant}", "Content-Type": "application/sdp"}
    async with (
        ClientSession() as http,
        http.post(running_station.address + "/whip/badroom", data=OFFER_WITHOUT_OURS, headers=headers) as answer,
    ):
        assert 400 <= answer.status < 500, answer.status
        assert answer.content_type == "application/problem+json"
    assert await room_status(running_station, "badroom") == 404


async def room_status(station: RunningStation, room: str) -> int:
    """What media says of a room; 404 when there is none."""
    url = f"http://127.0.0.1:{station.environment['STATION_MEDIA_HTTP_PORT']}/control/rooms/{room}"
    headers = {"Authorization": f"Bearer {signer_of(station).service_token()}"}
    async with ClientSession() as http, http.get(url, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize("grant", ["", "rubbish", "expired", "service"])
async def test_signalling_fails_in_words(running_station: RunningStation, grant: str) -> None:
    """A pass that opens nothing is `failed` with its code, then the socket closes; nobody has entered."""
    signer = signer_of(running_station)
    made = {"expired": signer.sign(publish_grant(lasts_s=-5)), "service": signer.service_token()}
    url = running_station.address + "/media/0/ws"
    async with ClientSession() as http, http.ws_connect(url) as socket:
        await socket.send_json({"type": "join", "id": "7", "grant": made.get(grant, grant)})
        answer = await socket.receive_json(timeout=10)
        assert (answer["type"], answer["re"], answer["code"]) == ("failed", "7", "grant-invalid")
        assert (await socket.receive(timeout=10)).type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)
    assert await room_status(running_station, "badroom") == 404


async def test_a_deputy_has_nothing_to_do_with_anothers_booking(station: Station, new_person: NewPerson) -> None:
    """Another deputy's booking is as if it were not there, to look at, to cancel and to meet in; it stays as it was."""
    await seed(station, seed_directory, seed_booking)
    stranger = await new_person("ac_demo_deputy2")
    own = await new_person("ac_demo_deputy1")
    await own.get(f"/bookings/{BOOKING}")
    before = await rows_of(station, bookings)
    for path in (f"/bookings/{BOOKING}", f"/bookings/{BOOKING}/calendar.ics", f"/meet/booking/{BOOKING}"):
        await stranger.get(path, status=404)
    await stranger.post(f"/bookings/{BOOKING}/cancel", status=404)
    assert await rows_of(station, bookings) == before
    assert await rows_of(station, meetings) == []


@pytest.mark.parametrize("foreign", [{}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_another_site_cannot_act_for_a_visitor(
    station: Station, new_person: NewPerson, foreign: dict[str, str]
) -> None:
    """A POST without the page's token, or from another site even with it, is 403 and does nothing."""
    citizen = await new_person("ac_demo_citizen")
    data = {"csrf": await citizen.token()} if foreign else {}
    codes = await rows_of(station, sign_in_codes)
    for path, fields in (("/signout", {}), ("/signin", {"phone": "13987654321"})):
        async with citizen.client.post(path, data={**data, **fields}, headers=foreign) as answer:
            assert answer.status == 403, path
            assert "请回去再试一次" in await answer.text()
    assert "赵玉梅" in await citizen.get("/privacy")
    assert await rows_of(station, sign_in_codes) == codes


async def rows_of(station: Station, table: Table) -> list[tuple[object, ...]]:
    async with station.database.read() as connection:
        return [tuple(row) for row in await connection.execute(select(table))]


async def test_signing_in_can_be_tried_by_many_at_once(new_person: NewPerson) -> None:
    """Twenty wrong codes at the same moment are each answered, none with an error of ours."""
    guest = await new_person()
    await guest.post("/signin", phone="13912345678")
    token = await guest.token()

    async def wrong() -> int:
        data = {"csrf": token, "phone": "13912345678", "code": "000000"}
        async with guest.client.post("/signin/code", data=data) as answer:
            return answer.status

    assert set(await asyncio.gather(*(wrong() for _ in range(20)))) <= {422}
