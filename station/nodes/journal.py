"""Read the journal of each media process with a cursor: neither side loses an event when the other restarts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from recordings.timeline import Mark, Timeline
from station.base import jobs
from station.base.clock import from_ms, to_ms
from station.base.database import Transaction, is_unfit
from station.base.ids import new_id
from station.base.principal import Principal, Role
from station.base.station import Station
from station.ledger.service import append, hold_head, subjects_with, timeline
from station.nodes import journal_store as store
from station.nodes.journal_store import Attended, attendance_of, marks_of

log = structlog.get_logger()
WAIT_S = 20
RETRY_S = 1.0
BEYOND_ALL = 2**62  # asks for no events, only for the journal's id
MEDIA = Principal("media", Role.SYSTEM, "媒体服务")
_MARKS = {
    "recording_started": "started",
    "recording_paused": "paused",
    "recording_resumed": "resumed",
    "recording_stopped": "stopped",
    "recording_interrupted": "interrupted",
    "recording_alarm": "alarm",
}


EVENTS_LOST = "meeting.events-lost"


class JournalEvent(msgspec.Struct, frozen=True):
    """One thing that happened in a room."""

    seq: int
    at_ms: float
    kind: str
    room: str = ""
    person: str = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class JournalPage(msgspec.Struct, frozen=True):
    """What media answers to GET /journal; `lost_after` is where the journal ended if its tail was found to be lost."""

    journal: str
    events: list[JournalEvent]
    lost_after: int | None = None


async def follow_journal(station: Station, http: ClientSession, url: str) -> None:
    """Read and apply one media process's events until cancelled; it may restart as often as it likes."""
    journal = ""
    while True:
        try:
            journal = await read_once(station, http, url, journal)
        except (ClientError, TimeoutError, OSError):
            await asyncio.sleep(RETRY_S)
        except Exception:
            log.exception("journal_failed", url=url)
            await asyncio.sleep(RETRY_S)


async def read_once(station: Station, http: ClientSession, url: str, journal: str = "", wait_s: int = WAIT_S) -> str:
    """Fetch the next events and apply them; returns the journal's id, to be given again."""
    if not journal:
        journal = (await _fetch(station, http, url, BEYOND_ALL, 0)).journal
    page = await _fetch(station, http, url, await _cursor_of(station, journal), wait_s)
    if page.journal == journal:  # else its folder is new: its own cursor counts
        await apply_events(station, page)
    return page.journal


async def apply_events(station: Station, page: JournalPage) -> int:
    """Apply what is past the cursor, and move the cursor; returns how many events.

    One that cannot be applied is passed over, and the log and the ledger say so: those behind it are of other rooms.
    """
    try:
        return await _apply_page(station, page)
    except Exception as error:
        if not is_unfit(error):
            raise
    applied = await _apply_page(station, JournalPage(page.journal, [], page.lost_after))
    for event in page.events:
        try:
            applied += await _apply_page(station, JournalPage(page.journal, [event]))
        except Exception as error:
            if not is_unfit(error):
                raise
            log.exception("journal_event_passed_over", journal=page.journal, seq=event.seq, kind=event.kind)
            await _pass_over(station, page.journal, event)
    return applied


async def _pass_over(station: Station, journal: str, event: JournalEvent) -> None:
    async with station.database.transaction() as work:
        if await store.lock_cursor(work, journal) < event.seq:
            await append(station, work, MEDIA, "journal.event-passed-over", f"journal:{journal}", {"seq": event.seq})
            await store.move_cursor(work, journal, event.seq)


async def _apply_page(station: Station, page: JournalPage) -> int:
    """All of a page in one transaction.

    Two journals tell of the same people in any order. So whoever applies events holds the ledger's head before the
    first of them: if each took attendance and head as its events come, two could wait for one another for ever.
    """
    applied = 0
    async with station.database.transaction() as work:
        seq = await store.lock_cursor(work, page.journal)
        if any(event.seq > seq for event in page.events):
            await hold_head(work)
        if page.lost_after is not None:
            await _tell_lost_tail(station, work, page.journal, page.lost_after, seq)
        for event in page.events:
            if event.seq > seq:
                await _apply(station, work, page.journal, event)
                applied += 1
        if applied:
            await store.move_cursor(work, page.journal, page.events[-1].seq)
    return applied


async def _tell_lost_tail(station: Station, work: Transaction, journal: str, ends: int, known: int) -> None:
    """An older copy of a media process's journal was put back: what happened since then it cannot tell any more."""
    log.error("journal_lost_its_tail", journal=journal, ends=ends, known=known)
    await append(station, work, MEDIA, "journal.tail-lost", f"journal:{journal}", {"ends": ends, "known": known})


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of which media could not note who came and went, as its disk was full."""

    begins_at: datetime
    ends_at: datetime


async def gaps_of(station: Station, room: str) -> list[Gap]:
    """Where the attendance of a room is not whole, oldest first."""
    events = [event for event in await timeline(station, f"meeting:{room}") if event.action == EVENTS_LOST]
    return [Gap(from_ms(event.data["from_ms"]), from_ms(event.data["until_ms"])) for event in events]


async def has_gap(station: Station, room: str) -> bool:
    """Whether the attendance of a room is not whole."""
    subject = f"meeting:{room}"
    return subject in await subjects_with(station, EVENTS_LOST, [subject])


async def rebuild_attendance(work: Transaction, room: str, timeline: Timeline) -> int:
    """Take from a recording who was in a room of which no journal told; returns how many people."""
    if await attendance_of(work.connection, room):
        return 0
    rows: dict[str, dict[str, Any]] = {}
    for track in timeline.tracks:
        opened, closed = from_ms(track.opened_ms), from_ms(track.closed_ms or track.opened_ms)
        row = rows.setdefault(
            track.info.person,
            {
                "id": new_id("at"),
                "room": room,
                "person": track.info.person[:64],
                "name": track.info.name[:120],
                "session": "",
                "joined_at": opened,
                "left_at": closed,
            },
        )
        row |= {"joined_at": min(row["joined_at"], opened), "left_at": max(row["left_at"], closed)}
    if rows:
        await store.add_stays(work, list(rows.values()))
    return len(rows)


async def recorded_seconds(station: Station, room: str) -> float | None:
    """Recorded time so far, pauses left out; None while nothing is being recorded."""
    async with station.database.read() as connection:
        marks = [Mark(at_ms, mark) for mark, at_ms in await marks_of(connection, room)]
    now_ms = to_ms(station.clock.now())
    timeline = Timeline.from_marks(marks, until_ms=now_ms)
    return timeline.offset_s(now_ms) if timeline.state == "recording" else None


async def roll_call(station: Station, room: str) -> list[Attended]:
    """Who was in the room, from when to when."""
    async with station.database.read() as connection:
        return await attendance_of(connection, room)


async def _apply(station: Station, work: Transaction, journal: str, event: JournalEvent) -> None:
    if event.kind == "joined":
        await _joined(work, event)
    elif event.kind == "left":
        await _left(work, event)
    elif event.kind in _MARKS:
        mark = _MARKS[event.kind]
        await store.add_mark(work, journal=journal, seq=event.seq, room=event.room, mark=mark, at_ms=int(event.at_ms))
        action = f"recording.{mark}"
        await append(station, work, MEDIA, action, f"meeting:{event.room}", {"at_ms": int(event.at_ms)})
        return
    elif event.kind == "events_lost":
        await _events_lost(station, work, journal, event)
        return
    elif event.kind == "room_closed":
        await _room_closed(station, work, event)
    _tell(station, work, event)


def _tell(station: Station, work: Transaction, event: JournalEvent) -> None:
    async def tell() -> None:
        await station.bus.publish(f"meeting:{event.room}", {"action": f"media.{event.kind}", "person": event.person})

    work.after_commit.append(tell)


async def _joined(work: Transaction, event: JournalEvent) -> None:
    """A person is in a room once: joining again, at this process or another, ends the stay before.

    Two journals are read side by side, so that of two stays the later one may be told first.
    """
    joined_at = from_ms(event.at_ms)
    await store.end_stay_at(work, event.room, event.person, joined_at)
    stay = {
        "id": new_id("at"),
        "room": event.room,
        "person": event.person,
        "name": str(event.data.get("name", ""))[:120],
        "session": str(event.data.get("session", ""))[:64],
        "joined_at": joined_at,
        "left_at": await store.next_joined_at(work, event.room, event.person, joined_at),
    }
    await store.add_stays(work, [stay])


async def _left(work: Transaction, event: JournalEvent) -> None:
    session = str(event.data.get("session", ""))[:64]
    await store.end_open_stays(work, event.room, from_ms(event.at_ms), event.person, session)


async def _room_closed(station: Station, work: Transaction, event: JournalEvent) -> None:
    await store.end_open_stays(work, event.room, from_ms(event.at_ms))
    await append(station, work, MEDIA, "meeting.room-closed", f"meeting:{event.room}", {"at_ms": int(event.at_ms)})
    arguments = {"meeting": event.room}
    await jobs.enqueue(work, "compose", f"compose:{event.room}", arguments, station.clock.now())


async def _events_lost(station: Station, work: Transaction, journal: str, event: JournalEvent) -> None:
    """Media gave up events on a full disk. Each meeting concerned keeps the mark, and its page is told."""
    log.error("journal_events_lost", journal=journal, **event.data)
    span = {"from_ms": int(event.data["from_ms"]), "until_ms": int(event.data["until_ms"])}
    events = int(event.data["events"])
    await append(station, work, MEDIA, "journal.events-lost", f"journal:{journal}", {**span, "events": events})
    for room, lost in event.data.get("rooms", {}).items():  # journals of before name no rooms
        await append(station, work, MEDIA, EVENTS_LOST, f"meeting:{room}", {**span, "events": lost})


async def _cursor_of(station: Station, journal: str) -> int:
    async with station.database.read() as connection:
        return await store.cursor_of(connection, journal)


async def _fetch(station: Station, http: ClientSession, url: str, after: int, wait_s: int) -> JournalPage:
    headers = station.signer.service_headers()
    timeout = ClientTimeout(total=wait_s + 10, sock_connect=2)
    query = {"after": after, "wait": wait_s}
    async with http.get(url + "/journal", params=query, headers=headers, timeout=timeout) as answer:
        answer.raise_for_status()
        return msgspec.json.decode(await answer.read(), type=JournalPage)
