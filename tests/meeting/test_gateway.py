"""What passes through web on its way to media: nothing is lost, and nobody stays who has gone."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from yarl import URL

from station.base.grants import Grant, GrantSigner, Right
from station.base.station import Station
from station.gateway import MAX_UNJOINED
from station.nodes.media_client import get_room
from tests.meeting.conftest import DEPUTY, Roles
from tests.meeting.test_lobby import open_hearing
from tests.meeting.test_pages import NewPerson, visitor
from tests.rtc.offers import offer
from tests.servers import RunningStation

__all__ = ["visitor"]

FRAGMENT = "m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:0\r\na=ice-ufrag:later\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"


def signer_of(station: RunningStation) -> GrantSigner:
    return GrantSigner.load(station.data / "keys")


def grant_for(station: RunningStation, room: str, *rights: Right, session: str = "") -> str:
    until = int(time.time()) + 600
    return signer_of(station).sign(Grant(room, "encoder", "Encoder", frozenset(rights), until, session=session))


async def test_whip_passes_whole(running_station: RunningStation) -> None:
    """A session's answer, headers, restart and end reach an encoder that only knows the station's address."""
    mine = {"Authorization": f"Bearer {grant_for(running_station, 'mt_encoder', Right.PUBLISH)}"}
    url = running_station.address + "/whip/mt_encoder"
    async with ClientSession() as http:
        async with http.options(url, headers={"Origin": "https://else.example"}) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
        headers = {**mine, "Content-Type": "application/sdp", "Origin": "https://else.example"}
        async with http.post(url, data=offer("sendonly", "abcd", (1, 2)), headers=headers) as answer:
            assert (answer.status, answer.content_type) == (201, "application/sdp")
            tag, session = answer.headers["ETag"], running_station.address + answer.headers["Location"]
            assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        async with http.get(session) as answer:
            assert (answer.status, await answer.text()) == (204, "")
        headers = {**mine, "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
        async with http.patch(session, data=FRAGMENT, headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["ETag"] != tag
            assert "a=ice-lite" in await answer.text()
        for status in (200, 404):
            async with http.delete(session, headers=mine) as answer:
                assert answer.status == status


async def test_a_page_that_fell_silent_is_gone_within_15_seconds(
    town: Station, roles: Roles, visitor: NewPerson
) -> None:
    """With the WebSocket half open between browser and web, the room is empty again in time."""
    deputy, hearing = await visitor(DEPUTY.account), await open_hearing(town)
    signed = await deputy.post_json(f"/api/v1/meetings/{hearing.id}/grant", {})
    assert isinstance(signed, dict)
    silent = await deputy.client.ws_connect(signed["url"], autoping=False)
    await silent.send_json({"type": "join", "id": "1", "grant": signed["grant"]})
    assert (await silent.receive_json())["type"] == "joined"
    assert [member.person for member in (await get_room(town, hearing.id)).members] == [DEPUTY.account]
    async with asyncio.timeout(15):
        while (await get_room(town, hearing.id)).members:
            await asyncio.sleep(0.2)
    await silent.close()


@pytest.mark.parametrize(
    "path",
    [
        "/whip/%2e%2e/metrics", "/whep/%2E%2E/journal", "/whip/..%2fmetrics", "/whip/..%2f..%2fmetrics/x",
        "/whip/%2e/%2e%2e", "/whip/mt_hall/%2e%2e", "/whip/mt_hall/..%2f..%2fmetrics", "/whip/mt_hall%0a/x",
        "/whip/mt_hall%3fx/y", "/whip/mt_hall%23/y", "/whep/%5c%2e%2e/metrics", "/whip/%252e%252e/metrics",
        "/live/%2e%2e/metrics", "/live/bc_1/%2e%2e%2f%2e%2e%2fmetrics", "/live/bc_1/..", "/live/bc_1/%2e%2e",
        "/live/bc_1/index.m3u8%0a", "/live/bc_1%0a/index.m3u8", "/live/bc_1/x%3fy",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_no_path_leads_past_the_gateway(running_station: RunningStation, path: str, method: str) -> None:
    """Dots, slashes and line ends in what a stranger names reach nothing of the roles behind web."""
    async with (
        ClientSession() as http,
        http.request(method, URL(running_station.address + path, encoded=True), allow_redirects=False) as answer,
    ):
        assert 400 <= answer.status < 500
        assert "station_media" not in await answer.text()


async def test_sockets_without_a_grant_reach_no_media_and_are_counted(running_station: RunningStation) -> None:
    """Who opens sockets and shows no grant gets so many of them; a bad grant is refused in words."""
    url = running_station.address + "/media/0/ws"
    async with ClientSession() as http:
        held = [await http.ws_connect(url) for _ in range(MAX_UNJOINED)]
        with pytest.raises(WSServerHandshakeError) as refused:
            await http.ws_connect(url)
        assert refused.value.status == 429
        for number, first in enumerate(({"type": "join", "id": "7", "grant": "x.y.z"}, {"type": "join"}, {}, [])):
            await held[number].send_json(first)
            answer = await held[number].receive_json()
            assert answer["type"] == "failed"
            assert (await held[number].receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
            assert (answer["re"], answer["code"]) == (("7", "grant-invalid") if number == 0 else ("", "bad-input"))
        joining = held[-1]  # one of those that wait shows a good grant: it goes on
        grant = grant_for(running_station, "mt_counted", Right.SUBSCRIBE, session="of a page")
        await joining.send_json({"type": "join", "id": "1", "grant": grant})
        assert (await joining.receive_json())["type"] == "joined"
        for socket in held:
            await socket.close()
        again = await http.ws_connect(url)
        await again.close()
