"""Tells in plain lines what is in a bag."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from recordings.contents import duration_s, payload_files
from recordings.timeline import TIMELINE_FILE, Timeline, read_timeline
from recordings.verify import read_info

_MEDIA = (".mkv", ".mp4")


def describe(bag: Path) -> list[str]:
    """What is in a bag: its information, its files, its recordings. Raises OSError or ValueError when it is
    none."""
    info = bag / "bag-info.txt"
    if info.is_symlink() or (info.exists() and not info.is_file()):
        raise ValueError(f"{info.name} is not a plain file")
    lines = [f"{label}: {value}" for label, value in read_info(info.read_text("utf-8")).items()]
    lines += ["", "files 文件:"]
    for path in payload_files(bag):
        length_s = duration_s(path) if path.suffix in _MEDIA else None
        length = "" if length_s is None else f"  {_clock(length_s)}"
        lines.append(f"  {path.stat().st_size:>12}  {path.relative_to(bag).as_posix()}{length}")
    for path in payload_files(bag, TIMELINE_FILE):
        timeline = read_timeline(path.parent)
        lines += ["", f"recording 录制 {_clock(timeline.duration_s)}, {timeline.state}:"]
        lines += _events(timeline)
    return lines


def printable(line: str) -> str:
    """A line without what could steer the reader's terminal."""
    return "".join(character if character.isprintable() else "�" for character in line)


def _events(timeline: Timeline) -> list[str]:
    lines = []
    for mark in timeline.marks:
        track = mark.fields.get("track")
        if isinstance(track, dict):
            detail = f"{track.get('file')} {track.get('name')} {track.get('source')} {track.get('codec')}"
        else:
            detail = " ".join(f"{key}={value}" for key, value in mark.fields.items())
        at = datetime.fromtimestamp(mark.at_ms / 1000, ZoneInfo("Asia/Shanghai"))
        lines.append(f"  {at:%Y-%m-%d %H:%M:%S}  {_clock(timeline.offset_s(mark.at_ms))}  {mark.name} {detail}")
    return lines


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
