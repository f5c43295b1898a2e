"""Pages come back by themselves."""

from __future__ import annotations

import time
from pathlib import Path

from aiohttp import ClientSession

from station.base.grants import GrantSigner
from tests.rtc.conftest import Media, MediaProcess, OpenPage
from tests.rtc.test_call import decodes, holds


async def test_pages_return_when_media_was_killed(
    tmp_path: Path, signer: GrantSigner, page_server: str, open_page: OpenPage
) -> None:
    """After kill -9 and a restart of the media role, pages join, publish and watch again without being asked."""
    async with ClientSession() as http:
        process = MediaProcess(tmp_path, http, signer, page_server)
        media = Media(None, signer, process, page_server, http)  # type: ignore[arg-type]
        one, other = await open_page(), await open_page()
        async with process.running() as running:
            await media.enter(one, "anna")
            await media.enter(other, "boris")
            await decodes(other, 10)
            running.kill()
            killed = time.monotonic()
            await running.wait()
            await holds(one, "() => room.state === 'reconnecting'")
        async with process.running():
            for page in (one, other):
                await holds(page, "() => room.state === 'connected' && room.members.size === 2")
                await decodes(page, 1)
            print(f"killed, started and seen again within {time.monotonic() - killed:.1f} s")
            for page in (one, other):
                await decodes(page, 10)
            room = await process.control("GET", "/control/rooms/mt_test")
            assert len(room["tracks"]) == 4


async def test_a_page_whose_packets_were_blocked_rebuilds_its_connections(media: Media, open_page: OpenPage) -> None:
    """When all datagrams are lost for a while, sessions fall silent; afterwards the picture comes back."""
    blocked = False
    media.server.port.lose(lambda: blocked)
    one, other = await open_page(), await open_page()
    await media.enter(one, "anna")
    await media.enter(other, "boris")
    await decodes(other, 10)
    blocked = True
    await holds(other, "() => room.media.down !== 'connected'", timeout_s=40)
    blocked = False
    await decodes(other, 12, timeout_s=40)
