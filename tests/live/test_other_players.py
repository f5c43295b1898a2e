"""Players that are not ours read a broadcast that was interrupted and changed its source."""

from __future__ import annotations

import asyncio
import itertools
import re

import pytest_asyncio

from tests.live.media import FakeMedia, encoded_tone, encoded_video, interleaved
from tests.live.studio import Studio, closed

LARGER = interleaved(encoded_video(4, width=640, height=360), encoded_tone(4))


async def run(*command: str) -> tuple[int, str]:
    """Exit code and what was written, errors among it."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    written, _ = await process.communicate()
    return process.returncode or 0, written.decode(errors="replace")


@pytest_asyncio.fixture
async def replay(studio: Studio, media: FakeMedia) -> str:
    """A broadcast whose source was away, changed to another person, and came back larger; ended. Its address."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 2)
    await media.stop()
    await studio.state_when("state", "interrupted")
    await media.start()
    await studio.playlist_when(lambda text: text.count("#EXT-X-DISCONTINUITY") == 1 and closed(text) >= 4)
    await studio.go_live(person="p2")
    await studio.playlist_when(lambda text: text.count("#EXT-X-DISCONTINUITY") == 2 and closed(text) >= 6)
    media.clip = LARGER
    await studio.go_live(person="p1")
    await studio.playlist_when(lambda text: text.count("#EXT-X-MAP") == 2 and closed(text) >= 8)
    await studio.control("DELETE", "b1")
    await studio.set_access(public=True)
    return f"{studio.url}/live/b1/index.m3u8"


async def test_ffmpeg_and_mpv_play_through_an_interruption_a_switch_and_a_change_of_size(replay: str) -> None:
    """Both decode the replay to its end without an error, and show the pictures in both sizes."""
    frames = ("-show_entries", "frame=width,height", "-of", "csv=p=0")
    code, said = await run("ffprobe", "-v", "error", "-select_streams", "v", *frames, replay)
    assert code == 0
    assert [size for size, _ in itertools.groupby(re.findall(r"^\d+,\d+", said, re.M))] == ["320,180", "640,360"], said
    code, said = await run("ffmpeg", "-v", "error", "-i", replay, "-f", "null", "-")
    assert (code, said.strip()) == (0, "")
    code, said = await run("mpv", "--no-config", "--vo=null", "--ao=null", "--untimed", replay)
    assert code == 0 and "Exiting... (End of file)" in said, said[-1500:]
    assert re.findall(r"VO: \[null\] (\d+x\d+)", said) == ["320x180", "640x360"]
    assert "rror" not in said, said[-1500:]
