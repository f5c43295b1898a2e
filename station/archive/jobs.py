"""After the meeting: compose one playable video, then seal everything into one bag. Both are jobs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from recordings.bag import seal
from recordings.timeline import read_timeline
from station.base import jobs
from station.base.clock import local
from station.base.errors import NotFound
from station.base.ids import is_safe_name
from station.base.principal import SYSTEM
from station.base.settings import Settings
from station.base.station import Station
from station.cases.service import cases_of_meeting
from station.ledger.service import append, timeline
from station.live.web.service import broadcasts_of_meeting, export_broadcast
from station.meeting.service import chat_of, get_meeting
from station.nodes.journal import roll_call
from station.people.service import consents_of

Progress = Callable[[float], Awaitable[None]]
NOTHING_RECORDED = 3  # exit status of `python -m recordings compose`
_PROGRESS_LINE = re.compile(r"^progress ([0-9.]+)$")


class ComposeFailed(Exception):
    """The composing program gave up; its last words are the message."""


def recording_folder(settings: Settings, meeting_id: str) -> Path:
    """Where media keeps the tracks of a meeting. Raises NotFound for an id that cannot be one."""
    if not is_safe_name(meeting_id):
        raise NotFound
    return settings.data / "recordings" / meeting_id


def composed_file(settings: Settings, meeting_id: str) -> Path:
    """The composed video of a meeting, once its job is done."""
    if not is_safe_name(meeting_id):
        raise NotFound
    return settings.data / "composed" / f"{meeting_id}.mp4"


def bag_folder(settings: Settings, meeting_id: str) -> Path:
    """The sealed bag of a meeting, once its job is done."""
    if not is_safe_name(meeting_id):
        raise NotFound
    return settings.data / "bags" / meeting_id


async def compose(station: Station, arguments: dict[str, Any], progress: Progress) -> None:
    """Job `compose`: make the video in a process of its own, at low priority; then ask for the bag."""
    meeting_id = str(arguments["meeting"])
    source = recording_folder(station.settings, meeting_id)
    if (source / "timeline.jsonl").exists():
        target = composed_file(station.settings, meeting_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_suffix(".part.mp4")
        if await _run_composer(source, scratch, progress):
            scratch.replace(target)
    async with station.database.transaction() as work:
        await append(station, work, SYSTEM, "archive.composed", f"meeting:{meeting_id}")
        await jobs.enqueue(work, "seal", f"seal:{meeting_id}", arguments, station.clock.now())


async def _run_composer(source: Path, target: Path, progress: Progress) -> bool:
    """Whether there was anything to compose. Raises ComposeFailed."""
    command = [sys.executable, "-m", "recordings", "compose", str(source), str(target)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, preexec_fn=lambda: os.nice(10)
    )
    assert process.stdout is not None and process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    try:
        async for line in process.stdout:
            found = _PROGRESS_LINE.match(line.decode(errors="replace").strip())
            if found:
                await progress(min(1.0, float(found[1])))
        status = await process.wait()
        if status not in (0, NOTHING_RECORDED):
            raise ComposeFailed((await errors).decode(errors="replace")[-1000:])
        return status == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await errors


async def seal_bag(station: Station, arguments: dict[str, Any], progress: Progress) -> None:
    """Job `seal`: one BagIt bag with tracks, video, chat, roll call, consents, matters and the ledger's part."""
    meeting_id = str(arguments["meeting"])
    target = bag_folder(station.settings, meeting_id)
    if target.exists():
        return
    with tempfile.TemporaryDirectory(dir=station.settings.data) as scratch:
        await _seal(station, meeting_id, target, Path(scratch), progress)


async def _seal(station: Station, meeting_id: str, target: Path, scratch: Path, progress: Progress) -> None:
    payload = {**await _payload(station, meeting_id), **await _programmes(station, meeting_id, scratch)}
    await progress(0.3)
    target.parent.mkdir(parents=True, exist_ok=True)
    meeting = await get_meeting(station, SYSTEM, meeting_id)
    info = {
        "External-Identifier": meeting_id,
        "External-Description": meeting.title,
        "Source-Organization": f"网上代表联络站 {station.settings.district}",
    }
    await asyncio.to_thread(seal, target, payload, info)
    manifest = await asyncio.to_thread((target / "manifest-sha256.txt").read_bytes)
    async with station.database.transaction() as work:
        digest = hashlib.sha256(manifest).hexdigest()
        await append(station, work, SYSTEM, "archive.sealed", f"meeting:{meeting_id}", {"manifest-sha256": digest})


async def _programmes(station: Station, meeting_id: str, scratch: Path) -> dict[str, Path | bytes]:
    """What viewers saw: each broadcast of the meeting as one file, copied from its segments."""
    found: dict[str, Path | bytes] = {}
    for broadcast in await broadcasts_of_meeting(station, meeting_id):
        out = scratch / f"{broadcast.id}.mp4"
        if await export_broadcast(station, broadcast.id, out):
            found[f"broadcast/{out.name}"] = out
    return found


async def _payload(station: Station, meeting_id: str) -> dict[str, Path | bytes]:
    subject = f"meeting:{meeting_id}"
    meeting = await get_meeting(station, SYSTEM, meeting_id)
    folder = recording_folder(station.settings, meeting_id)
    composed = composed_file(station.settings, meeting_id)
    payload: dict[str, Path | bytes] = {
        f"tracks/{path.name}": path
        for path in sorted(folder.glob("*"))
        if path.is_file() and not path.name.startswith(".")  # the recorder's own
    }
    if composed.exists():
        payload["meeting.mp4"] = composed
    lists: dict[str, Any] = {
        "chat": await chat_of(station, SYSTEM, meeting_id),
        "attendance": await roll_call(station, meeting_id),
        "consents": await consents_of(station, subject),
        "matters": await cases_of_meeting(station, meeting_id),
        "ledger": await timeline(station, subject),
    }
    for name, rows in lists.items():
        payload[f"{name}.json"] = _json([asdict(row) for row in rows])
    recorded = read_timeline(folder) if folder.exists() else None
    facts = {**asdict(meeting), "recorded_s": recorded.duration_s if recorded else 0.0}
    payload["metadata.json"] = _json({**facts, "standard": ["DA/T 62-2017", "DA/T 63-2017", "DA/T 78-2019"]})
    return payload


def _json(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=2, default=_plain).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return local(value).isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(str(item) for item in value)
    return str(value)
