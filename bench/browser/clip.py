"""What a fake camera and a fake microphone show: a picture that moves, somebody who speaks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import av

FPS = 25
WORDS = (
    "The water pipe in our street has been leaking since March. The neighbours have written twice. "
    "We would like to know who is responsible, and when somebody will come to look at it. Thank you for your time."
)


def write_moving_picture(path: Path, width: int, height: int, seconds: int = 6) -> Path:
    """A test picture with moving parts, as Y4M: Chromium plays it again and again."""
    with av.open(f"testsrc2=size={width}x{height}:rate={FPS}:duration={seconds}", format="lavfi") as source:
        write_y4m(path, width, height, (planes(frame) for frame in source.decode(video=0)))
    return path


def write_speech(path: Path) -> Path:
    """Somebody speaking, as WAV. Raises RuntimeError without espeak-ng."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise RuntimeError("espeak-ng was not found: run make test, which installs it")
    subprocess.run([program, "-w", str(path), WORDS], check=True)
    return path


def write_y4m(path: Path, width: int, height: int, frames: Iterable[bytes]) -> None:
    """Writes frames of 4:2:0 planes without gaps."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n" + frame)


def planes(frame: av.VideoFrame) -> bytes:
    """The planes of a frame without the gaps at the end of lines."""
    return b"".join(_rows(plane) for plane in frame.planes)


def _rows(plane: av.video.plane.VideoPlane) -> bytes:
    data, step, width = bytes(plane), plane.line_size, plane.width
    if step == width:
        return data
    return b"".join(data[at : at + width] for at in range(0, step * plane.height, step))
