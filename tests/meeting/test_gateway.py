"""What passes through web on its way to media: nothing is lost, and nobody stays who has gone."""

from __future__ import annotations

import asyncio
import time

from aiohttp import ClientSession

from station.base.grants import Grant, GrantSigner, Right
from tests.rtc.offers import offer
from tests.servers import RunningStation

FRAGMENT = "m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:0\r\na=ice-ufrag:later\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"


def signer_of(station: RunningStation) -> GrantSigner:
    return GrantSigner.load(station.data / "keys")


def grant_for(station: RunningStation, room: str, *rights: Right) -> str:
    return signer_of(station).sign(Grant(room, "encoder", "Encoder", frozenset(rights), int(time.time()) + 600))


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


async def test_a_page_that_fell_silent_is_gone_within_15_seconds(running_station: RunningStation) -> None:
    """With the WebSocket half open between browser and web, the room is empty again in time."""
    async with ClientSession() as http:
        url = running_station.address + "/media/0/ws"
        silent = await http.ws_connect(url, autoping=False)
        grant = grant_for(running_station, "mt_lid", Right.PUBLISH, Right.SUBSCRIBE)
        await silent.send_json({"type": "join", "id": "1", "grant": grant})
        assert (await silent.receive_json())["type"] == "joined"
        assert await members(running_station, http) == ["encoder"]
        async with asyncio.timeout(15):
            while await members(running_station, http):
                await asyncio.sleep(0.2)
        await silent.close()


async def members(station: RunningStation, http: ClientSession) -> list[str]:
    url = f"http://127.0.0.1:{station.environment['STATION_MEDIA_HTTP_PORT']}/control/rooms/mt_lid"
    headers = {"Authorization": f"Bearer {signer_of(station).service_token()}"}
    async with http.get(url, headers=headers) as answer:
        return [member["person"] for member in (await answer.json())["members"]]
