"""Players that are not ours read a broadcast that was interrupted and changed its source."""

from __future__ import annotations

import asyncio

from tests.live.media import FakeMedia
from tests.live.studio import Studio, closed


async def run(*command: str) -> tuple[int, str]:
    """Exit code and what was written, errors among it."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    written, _ = await process.communicate()
    return process.returncode or 0, written.decode(errors="replace")


async def test_ffmpeg_and_mpv_play_through_an_interruption_and_a_switch(studio: Studio, media: FakeMedia) -> None:
    """Both play the replay to its end, without a decoding error, over a source that was away and another person."""
    await studio.go_live()
    await studio.playlist_when(lambda text: closed(text) >= 2)
    await media.stop()
    await studio.state_when("state", "interrupted")
    await media.start()
    await studio.playlist_when(lambda text: text.count("#EXT-X-DISCONTINUITY") == 1 and closed(text) >= 4)
    await studio.go_live(person="p2")
    await studio.playlist_when(lambda text: text.count("#EXT-X-DISCONTINUITY") == 2 and closed(text) >= 6)
    await studio.control("DELETE", "b1")
    url = f"{studio.url}/live/b1/index.m3u8"
    code, said = await run("ffmpeg", "-v", "error", "-i", url, "-f", "null", "-")
    assert (code, said.strip()) == (0, "")
    code, said = await run("mpv", "--no-config", "--vo=null", "--ao=null", "--untimed", url)
    assert code == 0 and "Exiting... (End of file)" in said, said[-1500:]
