"""WHIP, WHEP, signalling and control over HTTP, with aiortc as the encoder and the player."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from av import VideoFrame

from recordings.frames import read_records
from station.base.grants import Right
from tests.rtc.conftest import Media

SDP = {"Content-Type": "application/sdp"}


@asynccontextmanager
async def peer() -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection()
    try:
        yield connection
    finally:
        await connection.close()


async def offer_of(connection: RTCPeerConnection) -> str:
    await connection.setLocalDescription(await connection.createOffer())
    return str(connection.localDescription.sdp)


async def post(media: Media, path: str, grant: str, sdp: str, **headers: str) -> tuple[int, dict[str, str], str]:
    sent = {**SDP, "Authorization": f"Bearer {grant}", **headers}
    async with media.http.post(media.url + path, data=sdp, headers=sent) as answer:
        return answer.status, dict(answer.headers), await answer.text()


async def until(condition: Callable[[], Any], timeout_s: float = 15) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


async def publish_by_whip(media: Media, connection: RTCPeerConnection, person: str = "encoder") -> dict[str, str]:
    connection.addTrack(VideoStreamTrack())
    connection.addTrack(AudioStreamTrack())
    status, headers, answer = await post(media, "/whip/mt_test", media.grant(person), await offer_of(connection))
    assert status == 201
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return headers


async def test_whip_in_whep_out_and_feed(media: Media) -> None:
    """What an encoder publishes by WHIP reaches a WHEP player and, frame by frame, the feed for the broadcast."""
    async with peer() as encoder, peer() as player:
        headers = await publish_by_whip(media, encoder)
        assert headers["Location"].startswith("/whip/mt_test/")
        player.addTransceiver("video", direction="recvonly")
        player.addTransceiver("audio", direction="recvonly")
        seen: dict[str, MediaStreamTrack] = {}
        player.on("track", lambda track: seen.update({track.kind: track}))
        status, whep, answer = await post(media, "/whep/mt_test", media.grant("player"), await offer_of(player))
        assert (status, whep["Content-Type"]) == (201, "application/sdp")
        await player.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        frame = await asyncio.wait_for(seen["video"].recv(), 15)
        assert isinstance(frame, VideoFrame)
        assert (frame.width, frame.height) == (640, 480)
        await asyncio.wait_for(seen["audio"].recv(), 15)
        await check_feed(media)
        await check_resource(media, headers)


async def check_feed(media: Media) -> None:
    headers = {"Authorization": f"Bearer {media.signer.service_token()}"}
    url = f"{media.url}/control/rooms/mt_test/feed?person=encoder"
    frames = []
    async with media.http.get(url, headers=headers) as answer:
        async for frame in read_records(answer.content):  # type: ignore[arg-type]
            frames.append(frame)
            if sum(frame.is_video for frame in frames) >= 20:
                break
    video = [frame for frame in frames if frame.is_video]
    assert video[0].keyframe
    assert frames[0].is_video
    assert any(not frame.is_video for frame in frames)
    assert all(0 < b.at_ms - a.at_ms < 200 for a, b in itertools.pairwise(video))


async def check_resource(media: Media, created: dict[str, str]) -> None:
    url = media.url + created["Location"]
    mine = {"Authorization": f"Bearer {media.grant('encoder')}"}
    async with media.http.delete(url, headers={"Authorization": f"Bearer {media.grant('player')}"}) as answer:
        assert answer.status == 404
    async with media.http.delete(url, headers=mine) as answer:
        assert answer.status == 200
    _, room = await media.control("GET", "/control/rooms/mt_test")
    assert [member["person"] for member in room["members"]] == ["player"]


async def test_refusals_of_whip_are_clear_and_leave_nothing(media: Media) -> None:
    """Grants and offers that do not do get their status and a problem document, and no room is half made."""
    async with peer() as encoder:
        encoder.addTrack(AudioStreamTrack())
        offer = await offer_of(encoder)
    whole = media.grant("encoder")
    forged = whole[:-8] + "AAAAAAAA"
    strange = offer.replace("opus", "speex").replace("PCMU", "G729").replace("PCMA", "G728").replace("G722", "G7xx")
    cases = [
        (401, "grant-invalid", forged, offer, {}),
        (401, "grant-invalid", media.grant("encoder", ttl_s=-5), offer, {}),
        (401, "grant-invalid", "", offer, {}),
        (403, "not-allowed", media.grant("encoder", Right.SUBSCRIBE), offer, {}),
        (403, "not-allowed", media.grant("encoder", room="mt_other"), offer, {}),
        (415, "unsupported-media", whole, offer, {"Content-Type": "text/plain"}),
        (422, "bad-offer", whole, "v=0\r\nrubbish", {}),
        (422, "bad-offer", whole, "", {}),
        (422, "no-codec", whole, strange, {}),
        (413, "offer-too-large", whole, offer + "a=x:y\r\n" * 20_000, {}),
    ]
    for status, code, grant, sdp, headers in cases:
        got, sent, body = await post(media, "/whip/mt_test", grant, sdp, **headers)
        assert (got, json.loads(body)["type"]) == (status, f"/problems/{code}")
        assert sent["Content-Type"].startswith("application/problem+json")
    assert not [room for room in media.server.rooms.rooms.values() if room.members]
    assert not media.server.port.sessions
    status, _, body = await post(media, "/whep/mt_test", media.grant("player"), offer)
    assert (status, json.loads(body)["type"]) == (409, "/problems/nothing-to-watch")


async def connect(media: Media, grant: str) -> tuple[ClientWebSocketResponse, dict[str, Any]]:
    socket = await media.http.ws_connect(media.url + "/media/ws")
    await socket.send_json({"type": "join", "id": "1", "grant": grant})
    return socket, await receive(socket, "joined", "failed")


async def receive(socket: ClientWebSocketResponse, *types: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = await socket.receive_json()
            if message["type"] in types:
                return message


async def test_a_forged_or_expired_grant_does_not_join(media: Media) -> None:
    """Signalling answers a bad grant with `failed` and closes; a service's pass is no seat either."""
    good = media.grant("anna")
    for grant in (good[:-6] + "AAAAAA", media.grant("anna", ttl_s=-1), media.signer.service_token(), "", "x" * 9000):
        socket, answer = await connect(media, grant)
        assert (answer["type"], answer["re"], answer["code"]) == ("failed", "1", "grant-invalid")
        assert (await socket.receive()).data is not None
        assert socket.closed
    assert media.server.rooms.rooms == {}


async def test_members_come_go_are_replaced_and_removed(media: Media) -> None:
    """Others hear of each change; who joins twice replaces himself; who is removed comes in by no grant of before."""
    anna, joined = await connect(media, media.grant("anna"))
    assert joined["recording"] == {"state": "off", "alarm": None}
    boris_grant, spare = media.grant("boris"), media.grant("boris")
    boris, joined = await connect(media, boris_grant)
    assert [member["person"] for member in joined["members"]] == ["anna", "boris"]
    assert (await receive(anna, "member_joined"))["member"] == {"person": "boris", "name": "Boris"}
    again, _ = await connect(media, media.grant("boris"))
    assert (await receive(boris, "closed"))["reason"] == "replaced"
    assert (await receive(anna, "member_left"))["person"] == "boris"
    assert (await media.control("DELETE", "/control/rooms/mt_test/members/boris"))[0] == 204
    assert (await receive(again, "closed"))["reason"] == "removed"
    _, refused = await connect(media, spare)
    assert refused["code"] == "put-out"
    assert (await media.control("DELETE", "/control/rooms/mt_test"))[0] == 204
    assert (await receive(anna, "closed"))["reason"] == "ended"
    _, page = await media.control("GET", "/journal?after=0")
    kinds = [(event["kind"], event["person"]) for event in page["events"]]
    assert kinds == [
        ("joined", "anna"), ("joined", "boris"), ("left", "boris"), ("joined", "boris"), ("put_out", "boris"),
        ("left", "boris"), ("left", "anna"), ("room_closed", ""),
    ]  # fmt: skip


async def test_requests_that_cannot_be_are_failed_and_the_rest_goes_on(media: Media) -> None:
    """Bad offers and foreign tracks are answered with `failed`; the conversation survives them, rubbish ends it."""
    socket, _ = await connect(media, media.grant("anna"))
    async with peer() as encoder:
        encoder.addTrack(VideoStreamTrack())
        offer = await offer_of(encoder)
    no_codec = offer.replace("H264", "H265").replace("VP8", "VP7")
    requests: list[tuple[str, dict[str, object]]] = [
        ("bad-offer", {"type": "publish", "sdp": "v=0\r\nm=", "sources": {}}),
        ("no-codec", {"type": "publish", "sdp": no_codec, "sources": {"0": "camera"}}),
        ("bad-source", {"type": "publish", "sdp": offer, "sources": {"0": "microphone"}}),
        ("bad-source", {"type": "publish", "sdp": offer, "sources": {"0": "../x"}}),
        ("offer-too-large", {"type": "publish", "sdp": offer + "a=x:y\r\n" * 20_000, "sources": {}}),
        ("not-found", {"type": "mute", "track": "tk_x", "muted": True}),
    ]
    for number, (code, request) in enumerate(requests):
        await socket.send_json({"id": str(number), **request})
        answer = await receive(socket, "failed")
        assert (answer["re"], answer["code"]) == (str(number), code)
    await socket.send_json({"type": "ping", "id": "p"})
    assert (await receive(socket, "pong"))["re"] == "p"
    assert not media.server.port.sessions
    await socket.send_str("{rubbish")
    assert (await receive(socket, "failed"))["code"] == "not-understood"
    await until(lambda: not media.server.rooms.rooms["mt_test"].members)


@pytest.mark.parametrize("path", ["/control/rooms/mt_test", "/journal", "/control/rooms/mt_test/feed?person=x"])
async def test_control_is_for_services_only(media: Media, path: str) -> None:
    """A citizen's grant opens no control interface."""
    for headers in ({}, {"Authorization": f"Bearer {media.grant('anna')}"}):
        async with media.http.get(media.url + path, headers=headers) as answer:
            assert answer.status in (401, 403)


async def test_health_and_metrics(media: Media) -> None:
    """The process says that it lives, that it can serve, and how busy it is."""
    for path, part in (("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "station_media_sessions 0")):
        async with media.http.get(media.url + path) as answer:
            assert answer.status == 200
            assert part in await answer.text()


async def test_figures_have_their_former_names_too(media: Media) -> None:
    """A dashboard made before goes on: what was renamed is told under both names, with the same figures."""
    async with media.http.get(media.url + "/metrics") as answer:
        lines = [line for line in (await answer.text()).splitlines() if not line.startswith("#")]
    renamed = {
        "packets_asked_again_total": "packets_nacked_total",
        "packets_repeated_total": "packets_retransmitted_total",
        "picture_pauses_total": "video_pauses_total",
        "paused_pictures": "paused_videos",
        "viewer_estimate_bits_per_second_count": "subscriber_estimate_bits_per_second_count",
    }
    for former, name in renamed.items():
        figures = [line.replace(former, name) for line in lines if line.startswith("station_media_" + former)]
        assert figures == [line for line in lines if line.startswith("station_media_" + name)] != []


async def test_a_silent_session_is_removed(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that vanishes without a goodbye leaves no ghost behind."""
    monkeypatch.setattr("station.rtc.transport.session.CONSENT_S", 0.3)
    monkeypatch.setattr("station.rtc.transport.session.FIRST_CONTACT_S", 0.3)
    async with peer() as encoder:
        encoder.addTrack(AudioStreamTrack())
        status, _, _ = await post(media, "/whip/mt_test", media.grant("encoder"), await offer_of(encoder))
        assert status == 201  # but its answer is never applied: no check ever comes
        await until(lambda: not media.server.port.sessions)
    assert not media.server.rooms.rooms["mt_test"].members
