"""WHIP and WHEP by clients that nobody here wrote: FFmpeg's muxer, and Eyevinn's from npm in a real browser.

aiortc's own connection publishes and watches in `test_http.py`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.async_api import Page

from tests.rtc.conftest import Media, OpenPage
from tests.rtc.test_call import holds
from tests.rtc.test_http import until
from tests.servers import ROOT

# In a process of its own: the muxer's handshake is blocking C, and a mistake in it would end the tests.
FFMPEG = """
import sys, time, av
url, grant, certificate, key = sys.argv[1:]
options = {"authorization": grant, "cert_file": certificate, "key_file": key}
with av.open(url, "w", format="whip", options=options) as out:
    video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "tune": "zerolatency", "g": "25"})
    video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
    video.profile = "Baseline"
    audio = out.add_stream("libopus", rate=48000, layout="stereo")
    began = time.monotonic()
    for n in range(25 * 60):
        picture = av.VideoFrame(320, 240, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([n * 4 % 256]) * plane.buffer_size)
        picture.pts = n
        out.mux(video.encode(picture))
        sound = av.AudioFrame("s16", "stereo", 1920)
        sound.planes[0].update(bytes(sound.planes[0].buffer_size))
        sound.sample_rate, sound.pts = 48000, n * 1920
        out.mux(audio.encode(sound))
        time.sleep(max(0.0, began + n / 25 - time.monotonic()))
"""
PUBLISH = """async ([endpoint, authkey]) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  window.client = new whip.WHIPClient({ endpoint, opts: { authkey, iceServers: [] } });
  await client.setIceServersFromEndpoint();
  await client.ingest(stream);
}"""
WATCH = """async ([endpoint, authKey]) => {
  const video = document.createElement("video");
  document.body.append(video);
  Object.assign(video, { autoplay: true, muted: true });
  window.player = new whep.WebRTCPlayer({ video, type: "whep", iceServers: [] });
  await player.load(new URL(endpoint), authKey);
}"""
PLAYING = "(n) => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames >= n"
STREAM = "document.querySelector('video').srcObject.getTracks().map((track) => track.kind).sort().join()"


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate on P-256: what FFmpeg makes itself with GnuTLS is on P-224, which WebRTC has not."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=e",
         "-keyout", key, "-out", certificate], check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@contextmanager
def ffmpeg(media: Media, folder: Path) -> Iterator[subprocess.Popen[str]]:
    url = f"{media.url}/whip/mt_test"
    arguments: list[str | Path] = [
        sys.executable,
        "-c",
        FFMPEG,
        url,
        media.grant("encoder"),
        *write_certificate(folder),
    ]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def is_published(media: Media) -> bool:
    """Whether picture and sound are there to be watched."""
    return len(media.server.rooms.open("mt_test").sources) == 2


async def run_package(page: Page, package: str, name: str) -> None:
    """Loads a package of npm into the page under a name."""
    bundle = await asyncio.create_subprocess_exec(
        "node", ROOT / "tests/rtc/bundle.cjs", package, name, cwd=ROOT, stdout=subprocess.PIPE
    )
    script, _ = await bundle.communicate()
    assert bundle.returncode == 0
    await page.add_script_tag(content=script.decode())


async def play(media: Media, page: Page, person: str = "boris") -> None:
    """Watches with Eyevinn's player until frames are shown."""
    await page.goto(media.pages)
    await run_package(page, "@eyevinn/webrtc-player", "whep")
    await page.evaluate(WATCH, [f"{media.url}/whep/mt_test", f"Bearer {media.grant(person)}"])
    await holds(page, PLAYING, 20)
    assert await page.evaluate(STREAM) == "audio,video"


async def test_ffmpeg_publishes_and_a_player_watches(media: Media, open_page: OpenPage, tmp_path: Path) -> None:
    """FFmpeg's WHIP muxer is let in and seen in Eyevinn's WHEP player, a page of another origin."""
    with ffmpeg(media, tmp_path) as encoder:
        await until(lambda: encoder.poll() is not None or is_published(media), 20)
        assert encoder.poll() is None, encoder.stdout and encoder.stdout.read()
        await play(media, await open_page())


async def test_a_client_from_npm_publishes_and_leaves(media: Media, open_page: OpenPage) -> None:
    """Eyevinn's WHIP client publishes from a page of another origin, is watched, and ends its session by DELETE."""
    publisher, subscriber = await open_page(), await open_page()
    await publisher.goto(media.pages)
    await run_package(publisher, "@eyevinn/whip-web-client", "whip")
    await publisher.evaluate(PUBLISH, [f"{media.url}/whip/mt_test", media.grant("anna")])
    await until(lambda: is_published(media))
    await play(media, subscriber)
    await subscriber.evaluate("player.unload?.()")
    await publisher.evaluate("client.destroy()")
    await until(lambda: "anna" not in media.server.rooms.rooms["mt_test"].members)
