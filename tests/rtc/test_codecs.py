"""A room in which not everybody can show H.264: publishers turn to VP8, and who cannot be helped is told."""

from __future__ import annotations

import asyncio
import secrets
from itertools import pairwise
from pathlib import Path

import av
import pytest
from playwright.async_api import Page

from recordings.timeline import read_timeline
from tests.rtc.conftest import Media, OpenPage
from tests.rtc.offers import offer
from tests.rtc.raw_peer import RawPeer, UdpChannel, call
from tests.rtc.test_call import decodes, holds

ROOM = "/control/rooms/mt_test"
ONLY_VP8 = """
for (const one of [RTCRtpSender, RTCRtpReceiver]) {
  const all = one.getCapabilities.bind(one);
  one.getCapabilities = (kind) => {
    const known = all(kind);
    return { ...known, codecs: known.codecs.filter((codec) => codec.mimeType !== "video/H264") };
  };
}
"""
SEEN = "(name) => seen.filter(([kind]) => kind === name).length"
VP8_OFFER = ("a=rtpmap:102 H264/90000", "a=rtpmap:102 VP8/90000")
BOTH_OFFER = ("SAVPF 102\r\na=mid:0", "SAVPF 102 96\r\na=mid:0\r\na=rtpmap:96 VP8/90000")


async def codecs(media: Media) -> list[str]:
    """Those of the pictures that are published now."""
    _, room = await media.control("GET", ROOM)
    return [track["codec"] for track in room["tracks"] if track["kind"] == "video"]


async def enter_with_vp8_alone(media: Media, page: Page, person: str, *, publishes: bool = True) -> None:
    await page.add_init_script(ONLY_VP8)
    await media.enter(page, person, publishes=publishes)


async def watch(media: Media, person: str, change: tuple[str, str]) -> tuple[int, str, str]:
    """Posts a player's offer; status, body, and the ufrag it was made with."""
    ufrag = secrets.token_hex(4)
    body = offer("recvonly", ufrag, (1, 2)).replace(*change)
    headers = {"Authorization": f"Bearer {media.grant(person)}", "Content-Type": "application/sdp"}
    async with media.http.post(f"{media.url}/whep/mt_test", data=body, headers=headers) as answer:
        return answer.status, await answer.text(), ufrag


async def pictures_arrive(peer: RawPeer, channel: UdpChannel, payload_type: int) -> None:
    """Waits for new video packets of that type."""
    begun = len(peer.media)
    async with asyncio.timeout(20):
        while sum(packet[1] & 0x7F == payload_type for packet in peer.media[begun:]) < 50:
            await peer.take(channel)


@pytest.mark.parametrize("first", ["vp8", "both"])
async def test_a_browser_without_h264_sees_and_is_seen(media: Media, open_page: OpenPage, first: str) -> None:
    """Whoever comes first, both end up with pictures in VP8."""
    one, other = await open_page(), await open_page()
    if first == "vp8":
        await enter_with_vp8_alone(media, other, "boris")
    await media.enter(one, "anna")
    if first == "both":
        await decodes_own(media)
        await enter_with_vp8_alone(media, other, "boris")
    for page in (one, other):
        await decodes(page, 20)
    assert await codecs(media) == ["vp8", "vp8"]
    assert await other.evaluate(SEEN, "unplayable") <= 1  # until the other codec came


async def decodes_own(media: Media) -> None:
    """Waits until the publisher's pictures flow in H.264."""
    async with asyncio.timeout(20):
        while await codecs(media) != ["h264"]:
            await asyncio.sleep(0.05)


async def test_sizes_survive_the_change(media: Media, open_page: OpenPage) -> None:
    """A large camera goes on in three sizes after the change, and the whole picture arrives."""
    one, other, third = await open_page(), await open_page(), await open_page()
    await media.enter(one, "anna", publishes=False)
    await one.evaluate(
        """async () => {
          const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 } });
          await room.publish(stream.getVideoTracks()[0], "camera");
        }"""
    )
    await media.enter(other, "boris", publishes=False)
    await decodes(other, 10)
    await enter_with_vp8_alone(media, third, "clara", publishes=False)
    for page in (third, other):
        await holds(page, "async () => (await room.stats()).down.some((s) => s.height === 720 && s.framesDecoded > 10)")
    (source,) = media.server.rooms.rooms["mt_test"].sources.values()
    assert source.track.state.codec == "vp8"
    async with asyncio.timeout(20):
        while [layer.height for layer in source.track.layers] != [180, 360, 720]:
            await asyncio.sleep(0.05)


async def test_the_recording_goes_on_through_the_change(media: Media, open_page: OpenPage) -> None:
    """Both codecs are in the recording, one file each, and no second is without a picture."""
    one, other = await open_page(), await open_page()
    await media.enter(one, "anna")
    await media.control("POST", ROOM + "/recording", {"action": "start"})
    folder = media.settings.data / "recordings" / "mt_test"
    await wait_for_pictures(folder, 1)
    await enter_with_vp8_alone(media, other, "boris", publishes=False)
    await decodes(other, 20)
    await media.control("POST", ROOM + "/recording", {"action": "stop"})
    await media.control("DELETE", ROOM)
    cameras = [track for track in read_timeline(folder).tracks if track.info.source == "camera"]
    assert [track.info.codec for track in cameras] == ["h264", "vp8"]
    times = sorted(at for track in cameras for at in decoded_at_s(folder / track.file))
    assert max(after - before for before, after in pairwise(times)) < 2.0


async def wait_for_pictures(folder: Path, count: int) -> None:
    async with asyncio.timeout(30):
        while sum(path.stat().st_size > 20_000 for path in folder.glob("*-camera.mkv")) < count:
            await asyncio.sleep(0.05)


def decoded_at_s(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0) if frame.time is not None]


async def test_a_player_of_vp8_alone_gets_the_picture(media: Media, open_page: OpenPage) -> None:
    """It is answered when the publisher has turned to VP8; a player that was there goes on without a new offer."""
    page = await open_page()
    await media.enter(page, "anna")
    await decodes_own(media)
    status, body, ufrag = await watch(media, "boris", BOTH_OFFER)
    assert status == 201
    before, channel = RawPeer(body, ufrag, ""), UdpChannel("127.0.0.1", media.server.media_port)
    await before.connect(channel)
    await pictures_arrive(before, channel, 102)

    status, body, ufrag = await watch(media, "clara", VP8_OFFER)
    assert (status, body.count("a=sendonly")) == (201, 2)
    late, other = RawPeer(body, ufrag, ""), UdpChannel("127.0.0.1", media.server.media_port)
    await late.connect(other)
    await pictures_arrive(late, other, 102)
    await pictures_arrive(before, channel, 96)
    pictures = [packet for packet in before.media if packet[1] & 0x7F in (96, 102)]
    numbers = sorted({int.from_bytes(packet[2:4]) for packet in pictures})
    assert len({packet[8:12] for packet in pictures}) == 1
    assert numbers[-1] - numbers[0] < len(numbers) + 20  # no break but for packets that this peer overslept
    channel.close()
    other.close()


async def test_who_cannot_be_helped_is_told(media: Media, open_page: OpenPage) -> None:
    """An encoder that sends H.264 alone stays with it: a player of VP8 is refused by name, a page is told."""
    await call(media, "whip", "anna")
    status, body, _ = await watch(media, "boris", VP8_OFFER)
    assert (status, "H264" in body, "no-codec" in body) == (422, True, True)
    assert "boris" not in media.server.rooms.rooms["mt_test"].members
    page = await open_page()
    await enter_with_vp8_alone(media, page, "clara", publishes=False)
    await page.wait_for_function("seen.some(([name, detail]) => name === 'unplayable' && !detail.willChange)")
