"""GStreamer's webrtcbin on libnice, which makes no checks once it is connected, publishes and watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from station.rtc.transport.session import CONSENT_S
from tests.rtc.conftest import ROOM, Media
from tests.rtc.test_http import until

CLIENT = Path(__file__).with_name("gstreamer_client.py")
STAYS_S = 40.0
FRAMES_PER_S = 15  # of the client's test picture


class GStreamer:
    """A client in a process of its own, and what it has said so far."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @property
    def frames(self) -> int:
        """How many pictures it has decoded."""
        counts = [int(line.split()[1]) for line in self.lines if line.startswith("frames ")]
        return counts[-1] if counts else 0

    async def listen(self, output: asyncio.StreamReader) -> None:
        async for line in output:
            self.lines.append(line.decode().strip())


@asynccontextmanager
async def gstreamer(media: Media, way: str, person: str, bundle: str) -> AsyncIterator[GStreamer]:
    """Runs the client with the system's Python, which has GStreamer's bindings."""
    client = GStreamer()
    arguments = [str(CLIENT), way, f"{media.url}/{way}/{ROOM}", media.grant(person), bundle]
    process = await asyncio.create_subprocess_exec("/usr/bin/python3", *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    listening = asyncio.create_task(client.listen(process.stdout))
    try:
        yield client
    finally:
        process.kill()
        await process.wait()
        await listening


@pytest.mark.timeout(150)
async def test_an_encoder_and_a_player_without_checks_stay(media: Media) -> None:
    """For much longer than the limit for silence, what GStreamer sends is shown by a player of its own kind."""
    async with gstreamer(media, "whip", "encoder", "max-compat") as encoder:
        await until(lambda: len(published(media)) == 2, 40)
        async with gstreamer(media, "whep", "player", "max-compat") as player:
            await until(lambda: player.frames > 0, 40)
            assert STAYS_S > 2 * CONSENT_S
            stays, wanted = members(media), player.frames + int(STAYS_S * FRAMES_PER_S)
            await until(lambda: player.frames >= wanted or left(media), 2 * STAYS_S)
            assert not left(media)
            assert members(media) == stays
        assert not [line for line in [*encoder.lines, *player.lines] if line.startswith("error")]


def published(media: Media) -> list[str]:
    room = media.server.rooms.rooms.get(ROOM)
    return sorted(source.track.state.source for source in room.sources.values()) if room is not None else []


def members(media: Media) -> dict[str, str]:
    """Which stay each person has in the room."""
    return {person: member.id for person, member in media.server.rooms.rooms[ROOM].members.items()}


def left(media: Media) -> list[str]:
    """Why anybody has left so far."""
    return [str(event["data"]["reason"]) for event in media.server.rooms.journal.read(0) if event["kind"] == "left"]
