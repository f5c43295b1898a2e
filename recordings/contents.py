"""What a bag must hold to be of use: media that can be decoded, metadata that is complete."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import av
import av.error

from recordings.timeline import TIMELINE_FILE, read_timeline

COMPOSED = "meeting.mp4"
METADATA = "metadata.json"
REQUIRED_METADATA = ("id", "kind", "title", "starts_at", "recorded_s")
_DURATION_TOLERANCE_S = 1.0
# What a file is, its name says: else libavformat looks at its content, and reads what a playlist in it names.
_FORMATS = {".mkv": "matroska", ".mp4": "mp4"}
_UNREADABLE = (av.error.FFmpegError, OSError, ValueError, IndexError)

Finding = tuple[str, str, str]  # path within the bag, kind of fault, text


def check_contents(bag: Path, at_fault: Collection[str]) -> Iterator[Finding]:
    """Yields what makes a bag unusable or incomplete, as (path, kind, text).

    Files `at_fault` already are passed over: nothing they say counts.
    """
    for path in payload_files(bag):
        name = path.relative_to(bag).as_posix()
        if name in at_fault:
            continue
        if path.suffix in (".mkv", ".mp4") and not (path.parent / "init.mp4").exists():
            fault = probe(path)
            if fault:
                yield name, "unusable", fault
        elif path.suffix == ".json":
            yield from _check_json(path, name)
    yield from _check_recording(bag, at_fault)
    if not (bag / "data" / METADATA).is_file() and f"data/{METADATA}" not in at_fault:
        yield f"data/{METADATA}", "missing", "nothing says what this is"


def payload_files(bag: Path, name: str = "*") -> list[Path]:
    """The plain files of that name under data/; what a link leads to is not in the bag, and a pipe may never end."""
    if (bag / "data").is_symlink():
        return []
    return [path for path in sorted((bag / "data").rglob(name)) if path.is_file() and not path.is_symlink()]


def probe(path: Path) -> str:
    """Decodes the beginning and the end of a media file; says what is wrong, or nothing."""
    try:
        with av.open(str(path), format=_FORMATS.get(path.suffix)) as container:
            if not container.streams:
                return "has neither picture nor sound"
            for stream in container.streams:
                if next(container.decode(stream), None) is None:
                    return f"its {stream.type} cannot be decoded"
            end_us = (container.duration or 0) - 2_000_000
            if end_us > 0:
                container.seek(end_us)
                if next(container.decode(container.streams[0]), None) is None:
                    return "its end cannot be decoded"
    except _UNREADABLE as error:
        return f"cannot be decoded: {error}"
    return ""


def describe_media(path: Path) -> list[dict[str, Any]]:
    """Codec, rates and size of each stream of a media file, as far as the file says; none when it cannot be read."""
    try:
        with av.open(str(path), format=_FORMATS.get(path.suffix)) as container:
            return [_describe_stream(stream) for stream in container.streams]
    except _UNREADABLE:
        return []


def _describe_stream(stream: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": stream.type, "codec": stream.codec_context.name}
    if stream.type == "video":
        rate = stream.average_rate
        facts |= {"width": stream.width, "height": stream.height, "frames_per_s": float(rate) if rate else None}
    elif stream.type == "audio":
        facts |= {"sample_rate_hz": stream.rate, "channels": stream.codec_context.channels}
    return {**facts, "bits_per_s": stream.bit_rate or None}


def duration_s(path: Path) -> float | None:
    """How long a media file says it is; None when it cannot be read."""
    try:
        with av.open(str(path), format=_FORMATS.get(path.suffix)) as container:
            return None if container.duration is None else container.duration / 1e6
    except _UNREADABLE:
        return None


def _check_json(path: Path, name: str) -> Iterator[Finding]:
    try:
        content: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        yield name, "unusable", "not JSON in UTF-8"
        return
    if name != f"data/{METADATA}":
        return
    for field in REQUIRED_METADATA:
        if not isinstance(content, dict) or content.get(field) in (None, ""):
            yield name, "incomplete", f"{field} is not filled in"


def _check_recording(bag: Path, at_fault: Collection[str]) -> Iterator[Finding]:
    for path in payload_files(bag, TIMELINE_FILE):
        name = path.relative_to(bag).as_posix()
        if name in at_fault:
            continue
        timeline = read_timeline(path.parent)
        if not timeline.marks:
            yield name, "unusable", "holds no mark"
        elif timeline.state != "off":
            yield name, "incomplete", "the recording was never stopped"
        composed = bag / "data" / COMPOSED
        usable = composed.is_file() and f"data/{COMPOSED}" not in at_fault
        length_s = duration_s(composed) if usable else None
        if length_s is not None and abs(length_s - timeline.duration_s) > _DURATION_TOLERANCE_S:
            text = f"lasts {length_s:.1f} s, {timeline.duration_s:.1f} s were recorded"
            yield f"data/{COMPOSED}", "incomplete", text
