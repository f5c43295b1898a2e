"""Players that are not ours, and hls.js in ours, read a broadcast that was interrupted and changed its source."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio
from aiohttp import web

from tests.live.media import FakeMedia, encoded_tone, encoded_video, interleaved
from tests.live.studio import Studio, closed
from tests.live.test_player import browser_at

ROOT = Path(__file__).parents[2]
LARGER = interleaved(encoded_video(4, width=640, height=360), encoded_tone(4))
PLAYERS = """<!doctype html><title>Another site</title>
<script>window.VIDEOJS_NO_DYNAMIC_STYLE = true;</script>
<script src="/node_modules/shaka-player/dist/shaka-player.hls.js"></script>
<script src="/node_modules/video.js/dist/video.min.js"></script>
<video id="shaka" muted></video> <video id="videojs" muted></video> <video id="ours" muted></video>
<script type="module" src="/page.js"></script>
"""
SCRIPT = """
import Hls from "/node_modules/hls.js/dist/hls.mjs";
import { LivePlayer } from "/js/live/player.js";

const url = new URLSearchParams(location.search).get("url");
window.seen = {};
function watch(video) {
  const own = (seen[video.id] = { sizes: [], errors: [], frames: 0 });
  video.addEventListener("resize", () => own.sizes.push(`${video.videoWidth}x${video.videoHeight}`));
  video.addEventListener("ended", () => (own.frames = video.getVideoPlaybackQuality().totalVideoFrames));
  video.addEventListener("playing", () => (video.playbackRate = 4));
  video.defaultPlaybackRate = 4; // shaka goes back to it
  return own;
}

const [first, second, third] = document.querySelectorAll("video");
const withShaka = watch(first);
const shakaPlayer = new shaka.Player();
shakaPlayer.addEventListener("error", (event) => withShaka.errors.push(`${event.detail.code}`));
await shakaPlayer.attach(first);
await shakaPlayer.load(url);
first.play();

const withVideojs = watch(second);
const vhs = { overrideNative: true };
const videojsPlayer = videojs(second, { html5: { vhs, nativeAudioTracks: false, nativeVideoTracks: false } });
videojsPlayer.on("error", () => withVideojs.errors.push(videojsPlayer.error().message));
videojsPlayer.src({ src: url, type: "application/vnd.apple.mpegurl" });
videojsPlayer.play();

const withOurs = watch(third);
const ours = new LivePlayer(third, url, { Hls });
ours.addEventListener("state", ({ detail }) => {
  if (["stalled", "reconnecting", "unsupported"].includes(detail.state)) withOurs.errors.push(detail.state);
});
"""


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


@asynccontextmanager
async def another_site() -> AsyncIterator[str]:
    """A page that is not of the station, with three players; its address."""

    async def page(request: web.Request) -> web.Response:
        if request.path == "/page.js":
            return web.Response(text=SCRIPT, content_type="text/javascript")
        return web.Response(text=PLAYERS, content_type="text/html")

    app = web.Application()
    app.router.add_static("/node_modules", ROOT / "node_modules")
    app.router.add_static("/js", ROOT / "web" / "js")
    app.router.add_get("/{page:.*}", page)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def test_shaka_videojs_and_our_player_play_through_the_same_on_another_site(replay: str) -> None:
    """All three show every picture of the replay, in both sizes, from another origin, without an error."""
    count = ("-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0")
    _, pictures = await run("ffprobe", "-v", "error", "-select_streams", "v", *count, replay)
    expected = {"sizes": ["320x180", "640x360"], "errors": [], "frames": int(pictures.split()[0])}
    came_to_an_end = "(own) => (own.frames && own.sizes.length > 1) || own.errors.length"
    async with another_site() as address, browser_at(f"{address}?url={replay}") as page:
        await page.wait_for_function(f"() => Object.values(seen).filter({came_to_an_end}).length === 3")
        assert await page.evaluate("seen") == dict.fromkeys(("shaka", "videojs", "ours"), expected)
