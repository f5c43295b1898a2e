"""Hostile and mistaken input: a clear answer in the visitor's language, the right status, nothing half-done."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientSession

from station.base.grants import Grant, GrantSigner, Right
from station.base.settings import Settings
from tests.fixtures import Person
from tests.servers import RunningStation

NewPerson = Callable[..., Awaitable[Person]]

OFFER_WITHOUT_OURS = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\na=setup:actpass\r\na=rtpmap:98 VP9/90000\r\n"
)


def signer_of(station: RunningStation) -> GrantSigner:
    return GrantSigner.load(settings_of(station).keys)


def settings_of(station: RunningStation) -> Settings:
    return Settings(data=station.data, _env_file=None)  # type: ignore[call-arg]


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


async def test_a_deputy_cannot_enter_anothers_meeting(new_person: NewPerson) -> None:
    """Another deputy's booking is as if it were not there."""
    citizen = await new_person("ac_demo_citizen")
    await citizen.get("/my")
    stranger = await new_person("ac_demo_deputy2")
    await stranger.get("/meet/booking/bk_abcdefghjkmnpq", status=404)
    await stranger.get("/bookings/bk_abcdefghjkmnpq", status=404)


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
