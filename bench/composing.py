"""Composing a recording into one video, beside an ffmpeg command line on the same tracks in the same places.

`python -m bench composing [--beside CHECKOUT] [--seconds S] [--people N…] [--tries T]`. The recording is made here:
people of several sizes and rates who move before a still room with a camera's noise, all of them speaking. The command
line cuts, scales (bilinear, as we do), stacks, mixes and encodes with the same settings of x264, but writes no names,
which favours it. CPU time is of the whole process, its start included. Each figure is the least of the tries.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
from PIL import Image, ImageDraw, ImageFilter

from bench.measures import machine
from recordings import layout
from recordings.frames import EncodedFrame
from recordings.timeline import TrackInfo, read_timeline
from tests.recordings.media import EPOCH_MS, feed, record, sound

ROOT = Path(__file__).parent.parent
PEOPLE = (2, 6, 9)
SECONDS = 60
TRIES = 3
GROUND = "0x101820"
HEAD = "| people | by | s | CPU s | × real time | MB | s ÷ ffmpeg | CPU ÷ ffmpeg |"


@dataclass(frozen=True, slots=True)
class Camera:
    """What somebody sends: frames a second, bits a second."""

    codec: str
    width: int
    height: int
    fps: int
    bit_rate: int


CLIP_S = 4
# In turn for one person after the other: a large picture and small ones, a telephone held upright, one of VP8.
CAMERAS = (
    Camera("h264", 1280, 720, 25, 1_500_000),
    Camera("h264", 640, 480, 25, 800_000),
    Camera("h264", 640, 360, 30, 700_000),
    Camera("vp8", 640, 360, 25, 700_000),
    Camera("h264", 360, 640, 25, 700_000),
)
_ENCODERS = {
    "h264": ("libx264", {"profile": "baseline", "tune": "zerolatency", "preset": "veryfast"}),
    "vp8": ("libvpx", {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run: seconds by the clock, seconds of CPU, size of the video in bytes."""

    seconds: float
    cpu_s: float
    size: int


def encode_clip(camera: Camera, seconds: float = CLIP_S) -> list[EncodedFrame]:
    """Somebody who moves before a still room, seen by a camera with some noise."""
    name, options = _ENCODERS[camera.codec]
    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height, context.pix_fmt = camera.width, camera.height, "yuv420p"
    context.framerate, context.time_base = Fraction(camera.fps), Fraction(1, camera.fps)
    context.bit_rate, context.gop_size, context.options = camera.bit_rate, camera.fps * CLIP_S, options
    frames = round(seconds * camera.fps)
    noise: Any = av.filter.Graph()
    source = noise.add_buffer(width=camera.width, height=camera.height, format="yuv420p", time_base=context.time_base)
    noise.link_nodes(source, noise.add("noise", "alls=6:allf=t"), noise.add("buffersink")).configure()
    packets = []
    for index in range(frames):
        frame: Any = _picture(camera, index / frames).reformat(format="yuv420p")
        frame.pts, frame.time_base = index, context.time_base
        noise.push(frame)
        packets += context.encode(noise.pull())
    packets += context.encode(None)
    return [
        EncodedFrame(camera.codec, 1000 * index / camera.fps, bool(packet.is_keyframe), bytes(packet))
        for index, packet in enumerate(packets)
    ]


def _picture(camera: Camera, at: float) -> Any:
    """At a part of the clip, which ends as it began: a head and shoulders that sway, a hand that is waved."""
    width, height = camera.width, camera.height
    image = _room(width, height).copy()
    draw = ImageDraw.Draw(image)
    sway = abs(at * 4 % 2 - 1) - 0.5  # there and back, twice in a clip
    unit = min(width, height)
    x, y = width / 2 + sway * unit * 0.25, height * 0.45 + sway * unit * 0.05
    draw.ellipse((x - unit * 0.4, y + unit * 0.2, x + unit * 0.4, y + unit * 1.1), (52, 66, 110))
    draw.ellipse((x - unit * 0.17, y - unit * 0.24, x + unit * 0.17, y + unit * 0.24), (214, 170, 140))
    open_by = abs(at * 24 % 2 - 1)
    draw.ellipse((x - unit * 0.06, y + unit * 0.1, x + unit * 0.06, y + unit * (0.11 + 0.05 * open_by)), (120, 50, 50))
    hand = abs(at * 8 % 2 - 1)
    draw.ellipse(
        (x + unit * 0.4, y + unit * (0.1 - 0.4 * hand), x + unit * 0.55, y + unit * (0.28 - 0.4 * hand)),
        (214, 170, 140),
    )
    frame: Any = av.VideoFrame
    return frame.from_image(image)


_rooms: dict[tuple[int, int], Image.Image] = {}


def _room(width: int, height: int) -> Image.Image:
    """Wallpaper and shelves, a little out of focus."""
    if (width, height) not in _rooms:
        grain = Image.effect_noise((width // 4, height // 4), 60).resize((width, height), Image.Resampling.BICUBIC)
        image = Image.merge("RGB", (grain, grain.point(lambda v: v * 0.9), grain.point(lambda v: v * 0.75)))
        draw = ImageDraw.Draw(image)
        for shelf in range(1, 5):
            draw.rectangle((0, height * shelf // 5, width, height * shelf // 5 + height // 50), (70, 50, 40))
        _rooms[width, height] = image.filter(ImageFilter.GaussianBlur(height / 240))
    return _rooms[width, height]


def make_recording(folder: Path, people: int, seconds: int) -> None:
    """So many people, all with a camera and a microphone from the first moment to the last.

    Raises RuntimeError when it is too much for the recorder, which is given all at once.
    """
    clips = {camera: encode_clip(camera, min(seconds, CLIP_S)) for camera in CAMERAS[:people]}
    tone = sound(1, at_ms=0)
    events = []
    for number in range(people):
        camera = CAMERAS[number % len(CAMERAS)]
        person = (f"p{number}", f"代表{number}")
        pictures = _again(clips[camera], min(seconds, CLIP_S), seconds)
        events.append(feed(TrackInfo(f"c{number}", *person, "camera", "video", camera.codec), pictures))
        events.append(feed(TrackInfo(f"m{number}", *person, "microphone", "audio", "opus"), _again(tone, 1, seconds)))
    alarms = asyncio.run(record(folder, *events, stop_ms=EPOCH_MS + 1000 * seconds))
    if alarms or any(mark.name == "drop_began" for mark in read_timeline(folder).marks):
        raise RuntimeError("the recorder could not take so much at once")


def _again(clip: list[EncodedFrame], length_s: float, seconds: float) -> list[EncodedFrame]:
    """The clip over and over, from the epoch on."""
    rounds = range(int(-(-seconds // length_s)))
    moved = ((EPOCH_MS + 1000 * length_s * turn + frame.at_ms, frame) for turn in rounds for frame in clip)
    return [
        EncodedFrame(frame.codec, at_ms, frame.keyframe, frame.data)
        for at_ms, frame in moved
        if at_ms < EPOCH_MS + 1000 * seconds
    ]


def ffmpeg_command(folder: Path, output: Path, seconds: int) -> list[str]:
    """What somebody would type to get our picture and sound from these tracks."""
    tracks = read_timeline(folder).tracks
    cameras = [track for track in tracks if track.info.kind == "video"]
    voices = [track for track in tracks if track.info.kind == "audio"]
    chains, places = [], []
    for index, (track, rect) in enumerate(zip(cameras, layout.people(len(cameras)), strict=True)):
        width, height = _size(folder / track.file)
        placed = layout.place(rect, width, height)
        seen = placed.rect
        kept = width * seen.width // placed.width // 2 * 2
        cut = f"crop={kept}:{height}:{(width - kept) // 4 * 2}:0," if placed.left else ""
        chains.append(f"[{index}:v]fps=25,{cut}scale={seen.width}:{seen.height}:flags=bilinear,setsar=1[v{index}]")
        places.append(f"{seen.x}_{seen.y}")
    inputs = "".join(f"[v{index}]" for index in range(len(cameras)))
    chains.append(
        f"{inputs}xstack=inputs={len(cameras)}:layout={'|'.join(places)}:fill={GROUND},"
        f"pad={layout.WIDTH}:{layout.HEIGHT}:0:0:color={GROUND}[v]"
    )
    heard = "".join(f"[{len(cameras) + index}:a]" for index in range(len(voices)))
    chains.append(f"{heard}amix=inputs={len(voices)}:normalize=0[a]")
    files = [argument for track in (*cameras, *voices) for argument in ("-i", str(folder / track.file))]
    return [
        "ffmpeg", "-v", "error", "-nostdin", "-y", *files, "-filter_complex", ";".join(chains),
        "-map", "[v]", "-map", "[a]", "-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-g", "50",
        "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-t", str(seconds),
        "-movflags", "+faststart", str(output),
    ]  # fmt: skip


def _size(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return context.width, context.height


def run(command: list[str], output: Path, checkout: Path = ROOT) -> Cost:
    """Run it and tell what it cost. Raises CalledProcessError."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=checkout, env=environment) as process:
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(seconds, used.ru_utime + used.ru_stime, output.stat().st_size)


def measure(people: int, seconds: int, tries: int = TRIES, beside: Path | None = None) -> dict[str, Cost]:
    """The least cost of each way."""
    with tempfile.TemporaryDirectory(prefix="bench-composing-") as name:
        folder, output = Path(name) / "room", Path(name) / "out.mp4"
        make_recording(folder, people, seconds)
        ours = [sys.executable, "-m", "recordings", "compose", str(folder), str(output)]
        ways = {"ours": (ours, ROOT)}
        if beside is not None:
            ways["beside"] = (ours, beside.resolve())
        if shutil.which("ffmpeg"):
            ways["ffmpeg"] = (ffmpeg_command(folder, output, seconds), ROOT)
        costs: dict[str, list[Cost]] = {way: [] for way in ways}
        for _ in range(tries):
            for way, (command, checkout) in ways.items():
                costs[way].append(run(command, output, checkout))
    return {
        way: Cost(min(c.seconds for c in found), min(c.cpu_s for c in found), found[0].size)
        for way, found in costs.items()
    }


def rows(people: int, seconds: int, costs: dict[str, Cost]) -> list[str]:
    """Lines of the table."""
    peer = costs.get("ffmpeg")
    lines = []
    for way, cost in costs.items():
        ratios = f"{cost.seconds / peer.seconds:.2f} | {cost.cpu_s / peer.cpu_s:.2f}" if peer else "– | –"
        lines.append(
            f"| {people} | {way} | {cost.seconds:.1f} | {cost.cpu_s:.1f} | {seconds / cost.seconds:.2f} |"
            f" {cost.size / 1e6:.1f} | {ratios} |"
        )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench composing")
    parser.add_argument("--beside", type=Path, help="another checkout, whose build composes the same recordings")
    parser.add_argument("--people", type=int, nargs="+", default=list(PEOPLE))
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--tries", type=int, default=TRIES)
    options = parser.parse_args()
    print(f"{machine()}; {options.seconds} s of recording\n\n{HEAD}\n|---:|---|---:|---:|---:|---:|---:|---:|")
    for people in options.people:
        costs = measure(people, options.seconds, options.tries, options.beside)
        print("\n".join(rows(people, options.seconds, costs)), flush=True)


if __name__ == "__main__":
    main()
