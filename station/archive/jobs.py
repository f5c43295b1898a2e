"""After the meeting: compose one playable video, then seal everything into one bag. Both are jobs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import secrets
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from recordings.bag import seal
from recordings.contents import describe_media, duration_s
from recordings.scratch import ScratchFolder
from recordings.timeline import Timeline, read_timeline
from station.base import jobs
from station.base.clock import local
from station.base.database import Transaction
from station.base.errors import NotFound
from station.base.ids import is_safe_name
from station.base.one_by_one import do_each
from station.base.principal import SYSTEM
from station.base.settings import Settings
from station.base.station import Station
from station.cases.service import cases_of_meeting
from station.directory.service import get_deputy
from station.ledger.model import HEAD_LABEL, Event, head_line
from station.ledger.service import append_once, head_of, subjects_with, timeline
from station.live.web.service import broadcasts_of_meeting, export_broadcast
from station.meeting.chat import chat_of
from station.meeting.service import get_meeting, meetings_without_video
from station.nodes.journal import roll_call
from station.people.service import consents_of

log = structlog.get_logger()
MEDIA_SUFFIXES = (".mkv", ".mp4")
NICENESS = 10  # composing waits for everything else on the machine
Progress = Callable[[float], Awaitable[None]]
TIME_TO_MEND = timedelta(days=1)
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
    composed = False
    if (source / "timeline.jsonl").exists():
        target = composed_file(station.settings, meeting_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(f"{meeting_id}.*.part.mp4"):  # by a worker that died
            left.unlink(missing_ok=True)
        # Of its own: a worker whose lease ran out while the database was away may still be at it beside us.
        scratch = target.with_suffix(f".{secrets.token_hex(4)}.part.mp4")
        try:
            composed = await _run_composer(source, scratch, progress)
            if composed:
                scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)
    action = "archive.composed" if composed else "archive.nothing-recorded"
    async with station.database.transaction() as work:
        await _ask_for_bag(station, work, meeting_id, action)


async def seal_uncomposed(station: Station) -> int:
    """Ask for the bags of meetings whose video could not be made, a day after the last try; returns how many.

    What was recorded must not stay unsealed for want of a video. Within the day somebody can mend the cause and
    begin the job anew (`/desk/jobs`); a video made later is shown, and stays outside of the bag.
    """
    found = await meetings_without_video(station, station.clock.now() - TIME_TO_MEND)

    async def ask(meeting_id: str) -> bool:
        async with station.database.transaction() as work:
            await _ask_for_bag(station, work, meeting_id, "archive.not-composed")
        log.error("sealing_without_video", meeting=meeting_id)
        return True

    return await do_each(found, ask)


async def _ask_for_bag(station: Station, work: Transaction, meeting_id: str, because: str) -> None:
    await append_once(station, work, SYSTEM, because, f"meeting:{meeting_id}")
    await jobs.enqueue(work, "seal", f"seal:{meeting_id}", {"meeting": meeting_id}, station.clock.now())


async def _run_composer(source: Path, target: Path, progress: Progress) -> bool:
    """Whether there was anything to compose. Raises ComposeFailed."""
    command = [sys.executable, "-m", "recordings", "compose", str(source), str(target)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    with suppress(ProcessLookupError):  # from here, as code between fork and exec may hang beside threads
        os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
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
    """Job `seal`: one BagIt bag with tracks, video, chat, roll call, consents, matters and the ledger's part.

    Each step may be done again: a bag that is there already is not made anew, but its proof still enters the ledger.
    """
    meeting_id = str(arguments["meeting"])
    target = bag_folder(station.settings, meeting_id)
    if not target.exists():
        scratch = await asyncio.to_thread(ScratchFolder, station.settings.data / "scratch", f"seal-{meeting_id}")
        try:
            await _seal(station, meeting_id, target, scratch.path, progress)
        except FileExistsError:
            log.warning("sealed_by_another", meeting=meeting_id)
        finally:
            await asyncio.to_thread(scratch.remove)
    await record_seal(station, meeting_id)


async def record_seal(station: Station, meeting_id: str) -> bool:
    """Tie a bag to the ledger by its manifest's hash; False when that stands there already."""
    target = bag_folder(station.settings, meeting_id)
    manifest = await asyncio.to_thread((target / "manifest-sha256.txt").read_bytes)
    data = {"manifest-sha256": hashlib.sha256(manifest).hexdigest()}
    async with station.database.transaction() as work:
        return await append_once(station, work, SYSTEM, "archive.sealed", f"meeting:{meeting_id}", data)


async def record_missing_seals(station: Station) -> int:
    """Tie those bags to the ledger whose worker died between sealing and saying so; returns how many."""
    bags = await asyncio.to_thread(lambda: [path.name for path in (station.settings.data / "bags").glob("[!.]*")])
    names = {f"meeting:{name}": name for name in bags if is_safe_name(name)}
    proven = await subjects_with(station, "archive.sealed", list(names))
    missing = [name for subject, name in names.items() if subject not in proven]

    async def record(name: str) -> bool:
        log.warning("seal_was_not_in_the_ledger", meeting=name)
        return await record_seal(station, name)

    return await do_each(missing, record)


async def _seal(station: Station, meeting_id: str, target: Path, scratch: Path, progress: Progress) -> None:
    payload = {**await _payload(station, meeting_id), **await _programmes(station, meeting_id, scratch)}
    payload["metadata.json"] = _json(await _metadata(station, meeting_id, payload))
    await progress(0.3)
    target.parent.mkdir(parents=True, exist_ok=True)
    meeting = await get_meeting(station, SYSTEM, meeting_id)
    info = {
        "External-Identifier": meeting_id,
        "External-Description": meeting.title,
        "Source-Organization": f"网上代表联络站 {station.identity.district}".rstrip(),
        HEAD_LABEL: head_line(*await head_of(station)),
    }
    await asyncio.to_thread(seal, target, payload, info)


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
    }
    for name, rows in lists.items():
        payload[f"{name}.json"] = _json([asdict(row) for row in rows])
    payload["ledger.json"] = _json([_chained(event) for event in await timeline(station, subject)])
    return payload


def _chained(event: Event) -> dict[str, Any]:
    """An event as the chain protects it: a bag must not keep what people typed, which may have to be cleared."""
    facts = asdict(event)
    return {**facts, "reason": facts.pop("chained_reason")}


async def _metadata(station: Station, meeting_id: str, payload: dict[str, Path | bytes]) -> dict[str, Any]:
    """What the meeting was and what its files are. No standard is named: whether one is met is for an archivist."""
    meeting = await get_meeting(station, SYSTEM, meeting_id)
    folder = recording_folder(station.settings, meeting_id)
    recorded = await asyncio.to_thread(read_timeline, folder) if folder.exists() else None
    media = {name: path for name, path in payload.items() if isinstance(path, Path) and path.suffix in MEDIA_SUFFIXES}
    return {
        **asdict(meeting),
        "recorded_s": recorded.duration_s if recorded else 0.0,
        "video": _video_state("meeting.mp4" in payload, recorded),
        "place": await _place(station, meeting.deputy_id),
        "recorder": f"网上代表联络站 {station.identity.district}".rstrip(),
        "secrecy": "公开" if meeting.public or meeting.published else "不公开",
        "kept_years": station.settings.keep_recordings_years,
        "files": [await asyncio.to_thread(_describe_file, name, path) for name, path in sorted(media.items())],
    }


def _video_state(is_composed: bool, recorded: Timeline | None) -> str:
    """Whether the bag holds a composed video, and if not, why."""
    if is_composed:
        return "composed"
    return "not-composed" if recorded and recorded.duration_s > 0 else "nothing-recorded"


async def _place(station: Station, deputy_id: str) -> dict[str, str] | None:
    """The station whose deputy received; None for one who is in no directory any longer."""
    try:
        deputy = await get_deputy(station, deputy_id)
    except NotFound:
        return None
    return {"name": deputy.station_name, "address": deputy.station_address}


def _describe_file(name: str, path: Path) -> dict[str, Any]:
    return {
        "file": name,
        "format": path.suffix.removeprefix("."),
        "size_bytes": path.stat().st_size,
        "duration_s": duration_s(path),
        "streams": describe_media(path),
    }


def _json(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=2, default=_plain).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return local(value).isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(str(item) for item in value)
    return str(value)
