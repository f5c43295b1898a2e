from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio

from station.base.grants import GrantSigner
from station.base.settings import Settings
from station.live.origin.main import LiveServer
from tests.live.media import FakeMedia, encoded_tone, encoded_video, fake_media, interleaved
from tests.live.studio import Studio


@pytest_asyncio.fixture
async def media() -> AsyncIterator[FakeMedia]:
    """A media role with one camera and one microphone, four times as fast as life."""
    async with fake_media(interleaved(encoded_video(4), encoded_tone(4)), 4) as running:
        running.speed = 4.0
        yield running


@pytest_asyncio.fixture
async def studio(tmp_path: Path, media: FakeMedia) -> AsyncIterator[Studio]:
    """A live role beside it, with nothing on air yet."""
    settings = Settings(data=tmp_path, media_http_port=media.port, live_http_port=0, media_processes=1, _env_file=None)
    signer = GrantSigner.load(settings.keys)

    @asynccontextmanager
    async def run() -> AsyncIterator[LiveServer]:
        async with LiveServer(settings) as server:
            yield server

    async with Studio(signer, run, tmp_path) as made:
        yield made
