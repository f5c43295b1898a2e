from __future__ import annotations

import asyncio
import random
from functools import partial

from station.live.origin.live_cache import LiveCache
from station.live.packaging.playlist import MediaPlaylist, PartLine


async def test_nobody_who_waits_is_forgotten() -> None:
    """Thousands of waits begun at any moment all end with the part they are for, none at its time limit."""
    shelf, playlist = LiveCache(MediaPlaylist()), MediaPlaylist()
    shelf.playlist = playlist
    chance = random.Random(7)
    late = 0

    async def viewer() -> None:
        nonlocal late
        for _ in range(30):
            late += not await shelf.wait_until(partial(playlist.has, *playlist.next_part), 20.0)
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)

    async def source() -> None:
        while True:
            playlist.open_segment(0, 0, False)
            for index in range(chance.randrange(1, 7)):
                playlist.add_part(PartLine(1 / 3, index == 0))
                shelf.wake()
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
            playlist.close_segment(2.0)
            shelf.wake()

    feeding = asyncio.create_task(source())
    async with asyncio.timeout(20):
        await asyncio.gather(*(viewer() for _ in range(200)))
    feeding.cancel()
    assert late == 0


async def test_a_wait_ends_at_its_limit() -> None:
    """Without any change the wait gives up, and says so."""
    assert not await LiveCache(MediaPlaylist()).wait_until(lambda: False, 0.01)


async def test_bodies_are_rendered_once_per_change() -> None:
    """All viewers get the same bytes object until something changes."""
    shelf = LiveCache(MediaPlaylist())
    shelf.playlist.open_segment(0, 0, False)
    first, _ = shelf.body(skip=False, packed=False)
    assert shelf.body(skip=False, packed=False)[0] is first
    shelf.playlist.add_part(PartLine(0.3, True))
    shelf.wake()
    assert shelf.body(skip=False, packed=False)[0] != first


def test_answers_of_another_second_are_forgotten() -> None:
    """While nothing changes answers do not pile up: only those with this second's date stay."""
    cache = LiveCache(MediaPlaylist())
    for unix_s in range(1000, 1100):
        for part in range(3):
            cache.answers_of(unix_s)[0, part] = b"part"
    assert len(cache.answers_of(1099)) == 3 and not cache.answers_of(1100)
    cache.answers_of(1100)["playlist"] = b"playlist"
    cache.wake()
    assert not cache.answers_of(1100)
