"""A camera is sent in several sizes where media takes them, and whole in any case."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.rtc.conftest import Media, OpenPage
from tests.rtc.test_call import decodes, holds
from tests.rtc.test_publishing import arrives

# Every connection of the page, so that a test can ask what the browser itself offered.
PEERS = """
window.peers = [];
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...given) { super(...given); window.peers.push(this); }
};
"""
CAMERA = """
async ([width, height]) => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width, height } });
  await room.publish(stream.getVideoTracks()[0], "camera");
}
"""
SIZES = """
async () => (await room.stats()).up.find((stats) => stats.source === "camera")
  .layers.filter((layer) => layer.framesPerSecond > 0).map((layer) => layer.height)
"""
SEES = "async (height) => (await room.stats()).down.some((stats) => stats.height === height)"
FIRST_OFFER = """
async () => {
  const { addSender, tune } = await import("/js/media/encodings.js");
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  const pc = new RTCPeerConnection();
  const { sender } = addSender(pc, "camera", stream.getVideoTracks()[0], true);
  await tune(sender, "camera");
  const { encodings, degradationPreference } = sender.getParameters();
  const { sdp } = await pc.createOffer();
  pc.close();
  return { encodings, degradationPreference, sizes: /a=simulcast:send .*/.exec(sdp)?.[0] };
}
"""


async def enter(media: Media, page: Page, person: str) -> None:
    await page.add_init_script(PEERS)
    await media.enter(page, person, publishes=False)


async def test_a_camera_is_offered_in_sizes_from_small_to_large(media: Media, open_page: OpenPage) -> None:
    """Of a low camera half and whole are offered in the first two sizes, for Chromium would not send the third."""
    page = await open_page()
    await page.goto(media.pages)
    offered = await page.evaluate(FIRST_OFFER)
    layers = [(layer["rid"], layer["scaleResolutionDownBy"], layer["active"]) for layer in offered["encodings"]]
    assert layers == [("q", 2, True), ("h", 1, True), ("f", 1, False)]
    assert offered["sizes"] == "a=simulcast:send q;h;~f"
    assert offered["degradationPreference"] == "balanced"


@pytest.mark.parametrize(
    ("width", "height", "sizes"),
    [(320, 240, 1), (640, 360, 2), (640, 480, 2), (480, 640, 2), (960, 540, 3), (1280, 720, 3), (720, 1280, 3)],
)
async def test_small_cameras_have_fewer_sizes(
    media: Media, open_page: OpenPage, width: int, height: int, sizes: int
) -> None:
    """Below 640 × 360 pixels a camera is sent in one size, below 960 × 540 in two, whichever way it is held."""
    page = await open_page()
    await page.goto(media.pages)
    counted = "async (camera) => (await import('/js/media/encodings.js')).countSizes(camera)"
    assert await page.evaluate(counted, {"width": width, "height": height}) == sizes


async def test_all_sizes_are_sent_and_the_one_that_is_wanted_arrives(media: Media, open_page: OpenPage) -> None:
    """A camera of 720 lines sends 180, 360 and 720; a subscriber who shows it small gets it small, then large again."""
    one, other = await open_page(), await open_page()
    await enter(media, one, "anna")
    await media.enter(other, "boris", publishes=False)
    await one.evaluate(CAMERA, [1280, 720])
    await holds(one, f"async () => (await ({SIZES})()).join() === '180,360,720'", timeout_s=30)
    await other.wait_for_function("room.tracks.size === 1")
    for shown, seen in ((720, 720), (100, 180), (720, 720)):
        await other.evaluate("(height) => room.show({ [[...room.tracks.keys()][0]]: height })", shown)
        await holds(other, SEES, seen)


async def test_the_whole_picture_arrives_however_the_camera_changes(media: Media, open_page: OpenPage) -> None:
    """The others see the camera at its full size: at first, after muting, after another camera took its place."""
    one, other = await open_page(), await open_page()
    await enter(media, one, "anna")
    await media.enter(other, "boris", publishes=False)
    await one.evaluate(CAMERA, [640, 480])
    await holds(other, SEES, 480)
    await one.evaluate("room.setMuted('camera', true)")
    await other.wait_for_function("[...room.tracks.values()].some((track) => track.muted)")
    await one.evaluate("room.setMuted('camera', false)")
    await arrives(other, "camera")
    await one.evaluate(CAMERA, [320, 240])
    await holds(other, SEES, 240)
    await one.evaluate(CAMERA, [640, 480])
    await holds(other, SEES, 480)
    assert await other.evaluate("room.tracks.size") == 1


async def test_a_camera_goes_on_while_other_sources_come_and_go(media: Media, open_page: OpenPage) -> None:
    """Offers made later on the same connection are taken, and the camera's picture is not disturbed by them."""
    one, other = await open_page(), await open_page()
    await enter(media, one, "anna")
    await media.enter(other, "boris", publishes=False)
    await one.evaluate(CAMERA, [640, 480])
    await decodes(other, 10)
    connections = await one.evaluate("peers.length")
    for _ in range(2):
        await one.evaluate(CAMERA.replace('"camera"', '"screen"'), [640, 360])
        await arrives(other, "screen")
        await one.evaluate("room.unpublish('screen')")
        await arrives(other, "camera")
    assert await one.evaluate("peers.length") == connections
