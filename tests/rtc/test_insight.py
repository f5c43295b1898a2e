"""What is told of a room's lines: read off real peers, compared over time, kept without names, and counted."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from aiortc import RTCSessionDescription
from prometheus_client.parser import text_string_to_metric_families

from station.base.grants import Grant, Right
from station.rtc.insight import insight_log
from station.rtc.insight.insight import network_of
from station.rtc.rooms.member import NoChannel
from station.rtc.rooms.messages import TrackReport
from station.rtc.rooms.receiver_stats import ReceiverStats
from tests.rtc.conftest import ROOM, Media
from tests.rtc.raw_peer import VIDEO_SSRC, RawPeer, TcpChannel, UdpChannel, call, flows
from tests.rtc.test_http import offer_of, peer, post, publish_by_whip, until
from tests.servers import wait_for

Families = dict[tuple[str, str], float]


async def insight(media: Media) -> dict[str, Any]:
    status, told = await media.control("GET", f"/control/rooms/{ROOM}/insight")
    assert status == 200
    assert isinstance(told, dict)
    return told


async def counters(media: Media) -> Families:
    """(name, first label's value) → value, by Prometheus' own parser."""
    async with media.http.get(media.url + "/metrics") as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    for family in families:
        assert family.documentation, family.name
        assert family.type in ("gauge", "counter", "histogram"), family.name
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in families
        for sample in family.samples
    }


async def send(peer: RawPeer, channel: UdpChannel | TcpChannel, count: int, *, lose_every: int = 0) -> None:
    """So many packets of sound, some of which are never sent."""
    for number in range(count):
        packet = peer.rtp()
        if not lose_every or number % lose_every:
            await channel.send(packet)
            await asyncio.sleep(0)


async def test_a_call_is_told_from_end_to_end(media: Media) -> None:
    """Of an encoder and a player the snapshot has lines, networks, bit rates and who is given what."""
    async with peer() as encoder, peer() as player:
        await publish_by_whip(media, encoder)
        player.addTransceiver("video", direction="recvonly")
        player.addTransceiver("audio", direction="recvonly")
        status, _, answer = await post(media, "/whep/mt_test", media.grant("player"), await offer_of(player))
        assert status == 201
        await player.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        async with asyncio.timeout(20):
            while True:
                told = await insight(media)
                people = {person["person"]: person for person in told["people"]}
                given = people["player"]["down"][0].get("tracks", [])
                if len(given) == 2 and all(track.get("bits_per_s", 0) > 1000 for track in given):
                    break
                await asyncio.sleep(0.1)
        up = people["encoder"]["up"]
        assert up["line"]["transport"] == "udp"
        assert up["line"]["network"].endswith(("/24", "/48"))
        assert {track["source"] for track in up["tracks"]} == {"camera", "microphone"}
        camera = next(track for track in up["tracks"] if track["source"] == "camera")["layers"][0]
        assert camera["is_sending"] and camera["height"] == 480 and "loss" not in camera
        assert {track["person"] for track in given} == {"encoder"}
        assert told["recording"] == "off"


async def test_loss_is_of_the_last_seconds(media: Media) -> None:
    """A line that lost every tenth packet says ten per cent, and nothing any more once it is whole again."""
    publisher = await call(media, "whip", "anna")
    channel = UdpChannel("127.0.0.1", media.server.media_port)
    await publisher.connect(channel)
    log, now_s = media.server.insights, time.monotonic()

    async def loss() -> float:
        log._fresh = {}
        layers = [layer for track in (await insight(media))["people"][0]["up"]["tracks"] for layer in track["layers"]]
        return max(float(layer.get("loss", 0)) for layer in layers)

    await send(publisher, channel, 300, lose_every=10)
    await until(lambda: media.server.port.packets_in > 270)
    assert 0.08 < await loss() < 0.12
    await log.take(now_s)
    before = media.server.port.packets_in
    await send(publisher, channel, 200)
    await until(lambda: media.server.port.packets_in >= before + 200)
    assert await loss() == 0
    channel.close()


async def test_tcp_is_told_apart(media: Media) -> None:
    """Who comes over TCP, as UDP is blocked there, is told so and counted so."""
    publisher = await call(media, "whip", "anna")
    channel = await TcpChannel.open("127.0.0.1", media.server.media_port)
    await publisher.connect(channel)
    assert (await insight(media))["people"][0]["up"]["line"]["transport"] == "tcp"
    seen = await counters(media)
    assert seen["station_media_connections", "tcp"] == 1
    assert seen["station_media_connections", "udp"] == 0
    channel.close()


async def test_counters_never_fall(media: Media) -> None:
    """What was counted for people who have left still counts; gauges forget them."""
    publisher, subscriber = await call(media, "whip", "anna"), await call(media, "whep", "boris")
    sending, receiving = (UdpChannel("127.0.0.1", media.server.media_port) for _ in range(2))
    await publisher.connect(sending)
    await subscriber.connect(receiving)
    await flows(publisher, sending, subscriber, receiving)
    await sending.send(publisher.rtp(bytes([0x10, 0x01]) + bytes(20), ssrc=VIDEO_SSRC, payload_type=96))
    during = await counters(media)
    assert during["station_media_packets_received_total", "audio"] >= 1
    assert during["station_media_packets_forwarded_total", "audio"] >= 1
    assert during["station_media_members", ""] == 2
    for person in ("anna", "boris"):
        await media.control("DELETE", f"/control/rooms/{ROOM}/members/{person}")
    after = await counters(media)
    assert after["station_media_members", ""] == after["station_media_sessions", ""] == 0
    falling = {key: (value, after[key]) for key, value in during.items() if key[0].endswith("_total")}
    assert {key for key, (before, now) in falling.items() if now < before} == set()
    assert after["station_media_packets_received_total", "audio"] >= 1
    for channel in (sending, receiving):
        channel.close()


async def test_the_history_has_no_names(media: Media) -> None:
    """What is kept for bug reports tells people apart and no more: no name, no account, no whole address."""
    room = media.server.rooms.open(ROOM)
    for person in ("ac_zhao", "ac_lin"):
        room.join(Grant(ROOM, person, "赵玉梅", frozenset({Right.PUBLISH}), 0), NoChannel())
    for at_s in (0.0, 5.0):
        await media.server.insights.take(at_s)
    path = f"/control/rooms/{ROOM}/insight/history"
    status, history = await media.control("GET", path)
    assert status == 200
    text = json.dumps(history, ensure_ascii=False)
    assert "赵" not in text and "ac_" not in text
    first, second = ({person["person"] for person in snapshot["people"]} for snapshot in history)
    assert first == second and len(first) == 2
    await media.control("DELETE", f"/control/rooms/{ROOM}")
    assert len((await media.control("GET", path))[1]) == 2
    await media.server.insights.take(insight_log.KEPT_S + 2)
    assert len((await media.control("GET", path))[1]) == 1


async def test_the_log_is_bounded(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rooms and people: the oldest snapshots make place."""
    monkeypatch.setattr(insight_log, "MAX_OCTETS", 2000)
    room = media.server.rooms.open(ROOM)
    room.join(Grant(ROOM, "anna", "", frozenset({Right.PUBLISH}), 0), NoChannel())
    for at_s in range(100):
        await media.server.insights.take(float(at_s))
    kept = media.server.insights.history(ROOM)
    assert 1 < len(kept) < 100
    assert sum(map(len, kept)) <= 2000


@pytest.mark.parametrize("path", [f"/control/rooms/{ROOM}/insight", f"/control/rooms/{ROOM}/insight/history"])
async def test_insight_is_for_services_only(media: Media, path: str) -> None:
    """A citizen's grant shows nobody's line; a room that is nowhere has none."""
    async with media.http.get(media.url + path, headers={"Authorization": f"Bearer {media.grant('anna')}"}) as answer:
        assert answer.status in (401, 403)
    status, _ = await media.control("GET", path.replace(ROOM, "mt_nowhere"))
    assert status == (200 if path.endswith("history") else 404)


def test_freezes_count_for_a_minute() -> None:
    """A page's reports of freezes add up, and are forgotten after a minute or when the track is gone."""
    reported = ReceiverStats()
    reported.note({"tk_a": TrackReport(freezes=2, frozen_s=1.5)}, 0.0)
    reported.note({"tk_a": TrackReport(freezes=1, frozen_s=0.5), "tk_b": TrackReport(frames_per_s=20)}, 30.0)
    assert reported.frozen("tk_a", 40.0) == (3, 2.0)
    assert reported.frozen("tk_a", 70.0) == (1, 0.5)
    assert reported.frozen("tk_b", 40.0) == (0, 0.0)
    assert reported.latest["tk_b"].frames_per_s == 20
    reported.note({"tk_b": TrackReport()}, 71.0)
    assert reported.frozen("tk_a", 71.0) == (0, 0.0)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
    ],
)
def test_addresses_are_cut_to_their_network(host: str, network: str) -> None:
    """Enough to know the provider by, not the home."""
    assert network_of(host) == network


@pytest.mark.parametrize(
    ("order", "has_b_frames"),
    [
        ((0, 3, 1, 2, 6, 4, 5, 9, 7, 8), True),
        ((0, 1, 1, 2, 3, 3, 4, 5, 6, 7), False),
        ((5, 6, 0, 1, 2, 3, 4, 5), False),
    ],
)
async def test_frames_out_of_order_are_told(media: Media, order: tuple[int, ...], has_b_frames: bool) -> None:
    """An encoder with B-frames sends pictures before those that are shown first; the desk is told.

    Pictures of several packets, and a clock that begins anew once, are none. The clock passes its own end meanwhile.
    """
    publisher = await call(media, "whip", "anna")
    channel = UdpChannel("127.0.0.1", media.server.media_port)
    await publisher.connect(channel)
    for frame in order:
        picture = publisher.rtp(b"\x41" + bytes(20), ssrc=VIDEO_SSRC, payload_type=102, at=3000 * (frame - 2))
        await channel.send(picture)

    async def arrived() -> bool:
        (person,) = (await insight(media))["people"]
        (video,) = (track for track in person["up"]["tracks"] if track["kind"] == "video")
        return bool(video["layers"][0].get("packets", 0) == len(order))

    await wait_for(arrived, "all pictures")
    (person,) = (await insight(media))["people"]
    told = {track["kind"]: track.get("has_b_frames", False) for track in person["up"]["tracks"]}
    assert told == {"video": has_b_frames, "audio": False}
    _, room = await media.control("GET", f"/control/rooms/{ROOM}")
    assert {track["kind"]: track["has_b_frames"] for track in room["tracks"]} == told
    channel.close()
