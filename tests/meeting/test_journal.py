"""What the media processes tell, each in its journal: applied exactly once, and attendance right in any order."""

from __future__ import annotations

import asyncio
import errno
import shutil
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from aiohttp import ClientSession

from station.base.clock import to_ms
from station.base.station import Station
from station.ledger.service import timeline
from station.nodes.journal import (
    Gap,
    JournalEvent,
    JournalPage,
    apply_events,
    gaps_of,
    has_gap,
    read_once,
    roll_call,
)
from station.rtc.http.main import MediaServer
from station.rtc.rooms.journal import Journal
from tests.fixtures import MONDAY_TEN
from tests.servers import pick_ports

ROOM = "mt_a"


def _disk_full(_event: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def told(seq: int, at_s: float, kind: str, session: str) -> JournalEvent:
    at_ms = to_ms(MONDAY_TEN) + at_s * 1000
    return JournalEvent(seq, at_ms, kind, ROOM, "ac_zhao", {"name": "赵玉梅", "session": session})


IN_OWN_ORDER = [order for order in permutations(range(3)) if order.index(0) < order.index(2)]


@pytest.mark.parametrize("order", IN_OWN_ORDER)
async def test_who_moves_to_another_process_was_there_once(station: Station, order: tuple[int, ...]) -> None:
    """Killed at 60 s, back at another process at 61 s, told so by the restarted one at 63 s: two stays side by side."""
    pages = [
        JournalPage("old", [told(1, 0, "joined", "s1")]),
        JournalPage("new", [told(1, 61, "joined", "s2")]),
        JournalPage("old", [told(2, 63, "left", "s1")]),
    ]
    for index in order:
        await apply_events(station, pages[index])
    await apply_events(station, JournalPage("new", [told(2, 90, "left", "s2")]))
    stays = [
        ((stay.joined_at - MONDAY_TEN).total_seconds(), stay.left_at and (stay.left_at - MONDAY_TEN).total_seconds())
        for stay in await roll_call(station, ROOM)
    ]
    assert stays == [(0, 61), (61, 90)]


async def test_who_does_not_come_back_has_left(station: Station) -> None:
    """The restarted process says so; a stay of before there were sessions in its word is ended too."""
    await apply_events(station, JournalPage("old", [told(1, 0, "joined", "s1"), told(2, 63, "left", "")]))
    assert [stay.left_at is not None for stay in await roll_call(station, ROOM)] == [True]


async def test_two_journals_arrive_exactly_once(station: Station, tmp_path: Path) -> None:
    """Each has its own cursor, also over a restart of the reader; a journal that begins anew is read from its start."""
    ports = {"media_processes": 2, "media_http_port": pick_ports(2), "media_port": 0}
    settings = station.settings.model_copy(update=ports)
    urls = list(settings.media_urls.values())
    async with ClientSession() as http, MediaServer(settings, 0) as first, MediaServer(settings, 1) as second:
        for number, (server, url) in enumerate(zip((first, second), urls, strict=True)):
            for count in range(3):
                server.rooms.journal.append("joined", f"mt_{number}", f"ac_{count}", session=str(count))
            for _ in range(2):  # as if restarted in between: nothing is remembered but the database
                await read_once(station, http, url, wait_s=0)
            server.rooms.journal.append("joined", f"mt_{number}", "ac_late", session="late")
            journal = await read_once(station, http, url, wait_s=0)
            assert journal == server.rooms.journal.id
        assert [len(await roll_call(station, f"mt_{number}")) for number in range(2)] == [4, 4]
        first.rooms.journal = Journal(tmp_path / "anew")
        first.rooms.journal.append("joined", "mt_0", "ac_new", session="new")
        for _ in range(2):
            journal = await read_once(station, http, urls[0], journal, wait_s=0)
        assert journal == first.rooms.journal.id
        first.rooms.journal.close()
        assert [stay.person for stay in await roll_call(station, "mt_0")][-1] == "ac_new"


def test_the_first_process_keeps_its_journal_where_it_was(station: Station) -> None:
    """A station that had one process goes on with its journal."""
    data, settings = station.settings.data, station.settings
    assert settings.media_journal_of(0) == data / "media" / "journal"
    assert settings.media_journal_of(3) == data / "media" / "3" / "journal"


async def test_a_journal_that_lost_its_tail_is_noticed(station: Station, tmp_path: Path) -> None:
    """An older copy of the journal was put back: that is said once, and the next meetings are not passed over."""
    port = {"media_processes": 1, "media_http_port": pick_ports(1), "media_port": 0}
    settings = station.settings.model_copy(update=port)
    url, folder, older = settings.media_urls["0"], settings.media_journal_of(0), tmp_path / "older"
    async with ClientSession() as http:
        async with MediaServer(settings, 0) as media:
            media.rooms.journal.append("joined", "mt_old", "ac_1", session="1")
            await asyncio.to_thread(shutil.copytree, folder, older)
            for count in range(5):
                media.rooms.journal.append("joined", "mt_old", f"ac_{count}", session=f"s{count}")
            await read_once(station, http, url, wait_s=0)
        await asyncio.to_thread(shutil.rmtree, folder)
        await asyncio.to_thread(shutil.copytree, older, folder)
        async with MediaServer(settings, 0) as media:
            await read_once(station, http, url, wait_s=20)  # answered at once: there is something to tell
            media.rooms.journal.append("joined", "mt_new", "ac_9", session="9")
            await read_once(station, http, url, wait_s=0)
            journal = media.rooms.journal.id
    assert [stay.person for stay in await roll_call(station, "mt_new")] == ["ac_9"]
    events = await timeline(station, f"journal:{journal}")
    assert [event.action for event in events] == ["journal.tail-lost"]
    assert events[0].data["known"] > events[0].data["ends"]


async def test_a_full_disk_leaves_a_mark_in_the_attendance(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that media gave up are a gap of the meetings they belonged to, and of no other; counted in its metrics."""
    monkeypatch.setattr("station.rtc.rooms.journal.MAX_UNWRITTEN", 2)
    settings = station.settings.model_copy(
        update={"media_processes": 1, "media_http_port": pick_ports(1), "media_port": 0}
    )
    url, begin_ms = settings.media_urls["0"], int(to_ms(MONDAY_TEN))
    async with ClientSession() as http, MediaServer(settings, 0) as media:
        journal = media.rooms.journal
        with monkeypatch.context() as full:
            full.setattr(journal, "_write", _disk_full)
            for number, room in enumerate(("mt_a", "mt_b", "mt_a", "mt_b", "mt_c", "mt_c")):
                journal.append("left", room, "ac_1", at_ms=begin_ms + number * 1000)
            async with http.get(url + "/metrics") as answer:
                figures = (await answer.text()).splitlines()
        journal.append("joined", "mt_c", "ac_1", session="1")
        for _ in range(2):  # told twice, noted once
            await read_once(station, http, url, wait_s=0)
    assert "station_media_journal_events_lost_total 4.0" in figures
    assert "station_media_journal_events_waiting 2.0" in figures
    gaps = {room: await gaps_of(station, room) for room in ("mt_a", "mt_b", "mt_c", "mt_d")}
    gap = Gap(MONDAY_TEN, MONDAY_TEN + timedelta(seconds=4))
    assert gaps == {"mt_a": [gap], "mt_b": [gap], "mt_c": [gap], "mt_d": []}
    assert [event.action for event in await timeline(station, f"journal:{journal.id}")] == ["journal.events-lost"]


async def test_a_gap_of_an_older_journal_is_noted_too(station: Station) -> None:
    """It names no rooms: the ledger says that events were lost, and no meeting has a mark."""
    data = {"events": 5, "from_ms": 1000, "until_ms": 2000}
    await apply_events(station, JournalPage("old", [JournalEvent(1, 2000, "events_lost", data=data)]))
    events = await timeline(station, "journal:old")
    assert [(event.action, event.data) for event in events] == [("journal.events-lost", data)]
    assert not await has_gap(station, "")


async def test_readers_of_a_new_journal_do_not_trip_over_each_other(bare_town: Station) -> None:
    """Web processes that read a new journal at the same moment all get on, and each event counts once."""
    page = JournalPage("fresh", [told(1, 0, "joined", "s1"), told(2, 5, "left", "s1")])
    applied = await asyncio.gather(*(apply_events(bare_town, page) for _ in range(3)))
    assert sorted(applied) == [0, 0, 2]
    assert len(await roll_call(bare_town, ROOM)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        JournalEvent(2, 1.0, "events_lost", ROOM, data={}),
        JournalEvent(2, 1.0, "events_lost", ROOM, data={"from_ms": "x", "until_ms": 1, "events": 1}),
        JournalEvent(2, 1e30, "joined", ROOM, "ac_li"),
        JournalEvent(2, 1.0, "room_closed", "r" * 64),
        JournalEvent(2, 1.0, "joined", ROOM, "p" * 65),
    ],
)
async def test_an_event_that_cannot_be_applied_holds_up_no_other(bare_town: Station, odd: JournalEvent) -> None:
    """It is passed over where the database does not take it; the events before and behind it count, once."""
    page = JournalPage("odd", [told(1, 0, "joined", "s1"), odd, told(3, 63, "left", "s1")])
    assert await apply_events(bare_town, page) in (2, 3)
    assert await apply_events(bare_town, page) == 0
    stays = [stay for stay in await roll_call(bare_town, ROOM) if stay.person == "ac_zhao"]
    assert [stay.left_at is not None for stay in stays] == [True]
    passed_over = [e for e in await timeline(bare_town, "journal:odd") if e.action == "journal.event-passed-over"]
    assert [event.data for event in passed_over] in ([], [{"seq": 2}])
    assert passed_over or bare_town.database.engine.dialect.name == "sqlite"
