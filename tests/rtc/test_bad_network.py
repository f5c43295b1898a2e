"""A real call over a bad line: a relay before the media port loses or delays one person's datagrams."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Page

from bench.network.link import DARK, GOOD, Rules
from bench.network.relay import Relay, detour
from tests.rtc.conftest import Media, OpenPage
from tests.rtc.test_call import decodes, holds

PICTURE_AND_SOUND = """async () => {
  const down = (await room.stats()).down;
  return down.some((s) => s.framesDecoded > 0) && down.some((s) => s.audioEnergy > 0);
}"""


FRAMES = "(await room.stats()).down.reduce((most, s) => Math.max(most, s.framesDecoded), 0)"


@pytest_asyncio.fixture
async def relay(media: Media) -> AsyncIterator[Relay]:
    """The line of one person."""
    async with Relay(("127.0.0.1", media.server.media_port)) as made:
        yield made


async def call(media: Media, open_page: OpenPage, relay: Relay) -> tuple[Page, Page]:
    """Anna on a good line and Boris behind the relay, both publishing, until each sees and hears the other."""
    anna, boris = await open_page(), await open_page()
    await boris.add_init_script(detour(relay.address))
    await media.enter(anna, "anna")
    await media.enter(boris, "boris")
    for page in (anna, boris):
        await holds(page, PICTURE_AND_SOUND)
    return anna, boris


async def goes_on(page: Page) -> None:
    """Waits for twenty frames more."""
    before = await page.evaluate(f"async () => {FRAMES}")
    await holds(page, f"async (n) => {FRAMES} > n + 20", before)


async def test_a_call_survives_five_percent_loss(media: Media, open_page: OpenPage, relay: Relay) -> None:
    """With every twentieth datagram lost in each direction, both go on to see the other, over one connection each."""
    anna, boris = await call(media, open_page, relay)
    relay.set_rules(up=Rules(loss=0.05), down=Rules(loss=0.05))
    lost = relay.up.lost + relay.down.lost
    for page in (anna, boris):
        await decodes(page, 100, timeout_s=40)
    assert relay.up.lost + relay.down.lost > lost
    for page in (anna, boris):
        names = {name for name, _ in await page.evaluate("seen")}
        assert not names & {"trackremoved", "memberleft", "closed"}


async def test_a_call_goes_on_from_another_address(media: Media, open_page: OpenPage, relay: Relay) -> None:
    """A phone that changes its network in a call is seen and heard from its new address; nobody left meanwhile."""
    anna, boris = await call(media, open_page, relay)
    relay.change_address()
    for page in (anna, boris):
        await goes_on(page)
        assert "memberleft" not in {name for name, _ in await page.evaluate("seen")}


async def test_the_picture_comes_back_after_the_line_was_dark(media: Media, open_page: OpenPage, relay: Relay) -> None:
    """When nothing went through for a while and then everything does, both see each other again, by themselves."""
    anna, boris = await call(media, open_page, relay)
    relay.set_rules(up=DARK, down=DARK)
    await boris.wait_for_function("['disconnected', 'failed'].includes(room.media.down)", timeout=30_000)
    relay.set_rules(up=GOOD, down=GOOD)
    for page in (anna, boris):
        await page.wait_for_function("room.tracks.size === 2", timeout=20_000)
        await goes_on(page)
