"""A page that comes to another network keeps its connections, and finds new paths for them."""

from __future__ import annotations

import time

from playwright.async_api import Page

from tests.rtc.conftest import Media, OpenPage
from tests.rtc.test_call import decodes, holds
from tests.rtc.test_publishing import arrives
from tests.rtc.test_simulcast import PEERS

OPEN = "peers.filter((peer) => peer.connectionState !== 'closed')"
UFRAGS = f"{OPEN}.map((peer) => /a=ice-ufrag:(\\S+)/.exec(peer.remoteDescription?.sdp)?.[1]).join()"


async def meet(media: Media, open_page: OpenPage) -> tuple[Page, Page]:
    one, other = await open_page(), await open_page()
    for page, person in ((one, "anna"), (other, "boris")):
        await page.add_init_script(PEERS)
        await media.enter(page, person)
    for page in (one, other):
        await decodes(page, 10)
    return one, other


async def test_when_the_network_changes_the_connections_look_for_a_new_path(media: Media, open_page: OpenPage) -> None:
    """Told of another network, a page restarts ICE in both directions on the connections that are there."""
    one, other = await meet(media, open_page)
    made, ufrags = await one.evaluate("peers.length"), await one.evaluate(UFRAGS)
    await one.evaluate("dispatchEvent(new Event('online'))")
    await holds(one, f"(old) => {UFRAGS}.split(',').every((ufrag) => !old.includes(ufrag))", ufrags)
    await arrives(one, "camera")
    await arrives(other, "camera")
    assert await one.evaluate("peers.length") == made
    assert await one.evaluate("room.media.up + room.media.down") == "connectedconnected"


async def test_a_short_blackout_is_over_without_new_connections(media: Media, open_page: OpenPage) -> None:
    """When no datagram passes until the page looks for another path, it goes on over the same connections."""
    blocked = False
    media.server.port.lose(lambda: blocked)
    one, other = await meet(media, open_page)
    made, ufrags = await other.evaluate("peers.length"), await other.evaluate(UFRAGS)
    blocked = True
    await holds(other, f"(old) => {UFRAGS}.split(',').some((ufrag) => !old.includes(ufrag))", ufrags, timeout_s=40)
    blocked = False
    began = time.monotonic()
    await arrives(other, "camera")
    print(f"picture {time.monotonic() - began:.1f} s after the blackout")
    await arrives(one, "camera")
    assert await other.evaluate("peers.length") == made


async def test_a_page_that_media_has_forgotten_begins_anew(media: Media, open_page: OpenPage) -> None:
    """If media has dropped the sessions meanwhile, the answer says so, and the page builds its connections anew."""
    blocked = False
    media.server.port.lose(lambda: blocked)
    one, other = await meet(media, open_page)
    member = media.server.rooms.open("mt_test").members["boris"]
    assert member.up is not None
    blocked = True
    member.up.session.close("silent")
    for connection in member.down.values():
        connection.session.close("silent")
    made = await other.evaluate("peers.length")
    await other.evaluate("dispatchEvent(new Event('online'))")
    await other.wait_for_function(f"peers.length === {made + 2}")
    blocked = False
    await arrives(other, "camera")
    await arrives(one, "camera")
