"""A broadcast's room moves to another media process: the broadcast finds it there by itself."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest_asyncio

from station.base.grants import GrantSigner
from station.base.settings import Settings
from station.live.origin.main import LiveServer
from tests.live.media import FakeMedia, encoded_tone, encoded_video, interleaved
from tests.live.reading import read
from tests.live.studio import Studio
from tests.servers import pick_ports


@pytest_asyncio.fixture
async def processes() -> AsyncIterator[list[FakeMedia]]:
    """Two media processes, neither of which has the room yet."""
    first = pick_ports(2)
    made = []
    for number in range(2):
        media = FakeMedia()
        media.clip, media.clip_ms, media.speed = interleaved(encoded_video(4), encoded_tone(4)), 4000, 4.0
        media.port = first + number
        await media.start()
        made.append(media)
    yield made
    for media in made:
        await media.stop()


@pytest_asyncio.fixture
async def studio(tmp_path: Path, processes: list[FakeMedia]) -> AsyncIterator[Studio]:
    """A live role beside them."""
    settings = Settings(
        data=tmp_path, media_http_port=processes[0].port, live_http_port=0, media_processes=2, _env_file=None
    )
    signer = GrantSigner.load(settings.keys)

    @asynccontextmanager
    async def run() -> AsyncIterator[LiveServer]:
        async with AsyncExitStack() as stack:
            yield await stack.enter_async_context(LiveServer(settings))

    async with Studio(signer, run, tmp_path) as made:
        yield made


async def test_a_broadcast_follows_its_room(studio: Studio, processes: list[FakeMedia]) -> None:
    """It waits until somebody shows something, takes the picture there, and from the other process after a death."""
    first, second = processes
    await studio.go_live()
    assert (await studio.control("GET", "b1"))[1]["state"] == "waiting"
    assert first.requests == second.requests == []
    second.shows.add("p1")
    await studio.state_when("state", "live")
    await second.stop()
    await studio.state_when("state", "interrupted")
    first.shows.add("p1")
    text = await studio.playlist_when(lambda text: "#EXT-X-DISCONTINUITY" in text and text.count("#EXTINF") >= 3)
    pictures = read(await studio.file(text)).pictures
    assert pictures == sorted(pictures)
    assert max(b - a for a, b in itertools.pairwise(pictures)) < 0.3
    assert [len(media.requests) for media in processes] == [1, 1]
