"""The media role's journal: nothing that was told is ever lost or numbered twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from station.rtc.rooms import journal as module
from station.rtc.rooms.journal import KEEP_S, MAX_ANSWER, Journal
from tests.servers import ROOT, wait_until


def fill(journal: Journal, count: int, kind: str = "joined") -> None:
    for _ in range(count):
        journal.append(kind, "mt_1", "ac_1")


def numbers(journal: Journal, after: int = 0) -> list[int]:
    return [event["seq"] for event in journal.read(after)]


def test_an_event_reads_as_it_was_written(tmp_path: Path) -> None:
    """An event has exactly the six fields of the contract, with its data as given."""
    journal = Journal(tmp_path)
    journal.append("joined", "mt_1", "ac_1", at_ms=1_790_000_000_123.7, name="赵玉梅")
    assert journal.read(0) == [
        {
            "seq": 1,
            "at_ms": 1_790_000_000_123,
            "kind": "joined",
            "room": "mt_1",
            "person": "ac_1",
            "data": {"name": "赵玉梅"},
        }
    ]
    journal.close()


def test_numbers_go_on_after_a_restart_and_the_id_stays(tmp_path: Path) -> None:
    """Closing and opening again changes neither the id nor the order of numbers; another folder has another id."""
    first = Journal(tmp_path / "one")
    fill(first, 3)
    first.close()
    first.close()
    again = Journal(tmp_path / "one")
    fill(again, 2)
    assert (again.id, numbers(again)) == (first.id, [1, 2, 3, 4, 5])
    other = Journal(tmp_path / "other")
    assert other.id != first.id
    again.close()
    other.close()


def test_half_a_line_is_cut_off_and_its_number_given_again(tmp_path: Path) -> None:
    """What a kill leaves of a line that nobody was told of does not stop the journal from opening."""
    journal = Journal(tmp_path)
    fill(journal, 2)
    journal.close()
    file = next(tmp_path.glob("*.jsonl"))
    file.write_bytes(file.read_bytes() + b'{"seq":3,"at_ms":17')
    again = Journal(tmp_path)
    again.append("left", "mt_1", "ac_1")
    assert [(event["seq"], event["kind"]) for event in again.read(1)] == [(2, "joined"), (3, "left")]
    again.close()


def test_a_spoilt_line_takes_nothing_else_with_it(tmp_path: Path) -> None:
    """Zeros in the middle, as a power cut may leave them, cost that line only."""
    journal = Journal(tmp_path)
    fill(journal, 3)
    journal.close()
    file = next(tmp_path.glob("*.jsonl"))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + bytes(len(lines[1]) - 1) + b"\n" + lines[2])
    again = Journal(tmp_path)
    assert numbers(again) == [1, 3]
    assert again.last == 3
    again.close()


def test_after_a_power_cut_numbers_are_surely_new(tmp_path: Path) -> None:
    """On another boot of the machine numbers jump far ahead: a reader may know events that the disk has lost."""
    journal = Journal(tmp_path, boot="one")
    fill(journal, 3)
    journal.close()
    after = Journal(tmp_path, boot="two")
    after.append("left", "mt_1", "ac_1")
    assert after.last > 3 + 10_000
    assert numbers(after) == [1, 2, 3, after.last]
    after.close()
    same = Journal(tmp_path, boot="two")
    assert same.last == after.last
    same.close()


def test_files_rotate_and_old_ones_go(tmp_path: Path) -> None:
    """A full file is followed by another; files that nobody has written to for 30 days are removed."""
    journal = Journal(tmp_path, max_events_per_file=4)
    fill(journal, 10)
    assert sorted(path.name for path in tmp_path.glob("*.jsonl")) == [f"{n:012}.jsonl" for n in (1, 5, 9)]
    assert numbers(journal) == list(range(1, 11))
    long_ago_s = time.time() - KEEP_S - 60
    os.utime(tmp_path / f"{1:012}.jsonl", (long_ago_s, long_ago_s))
    fill(journal, 3)
    assert sorted(path.name for path in tmp_path.glob("*.jsonl")) == [f"{n:012}.jsonl" for n in (5, 9, 13)]
    journal.close()


def test_reading_pages_through_files_and_memory(tmp_path: Path) -> None:
    """A cursor from the beginning meets every event once, wherever memory ends and files begin."""
    journal = Journal(tmp_path, max_events_per_file=700)
    fill(journal, module.KEPT_IN_MEMORY + 900)
    met: list[int] = []
    while page := numbers(journal, met[-1] if met else 0):
        assert len(page) <= MAX_ANSWER
        met += page
    assert met == list(range(1, module.KEPT_IN_MEMORY + 901))
    journal.close()


async def test_a_waiting_reader_is_woken(tmp_path: Path) -> None:
    """Waiting ends with the first new event, and with nothing when the time is over."""
    journal = Journal(tmp_path)
    waiting = asyncio.ensure_future(journal.wait(0, 30))
    await asyncio.sleep(0)  # lets the reader begin to wait
    journal.append("joined", "mt_1", "ac_1")
    assert [event["seq"] for event in await waiting] == [1]
    assert await journal.wait(1, 0.01) == []
    assert await journal.wait(1, 0) == []
    journal.close()


async def test_events_reach_the_disk_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A while after an event the file is synchronised, once for all that came meanwhile, in a thread."""
    loop, synced = asyncio.get_running_loop(), asyncio.Event()
    threads: list[int] = []
    original = module._sync_and_close

    def sync_and_tell(descriptor: int) -> None:
        threads.append(threading.get_ident())
        original(descriptor)
        loop.call_soon_threadsafe(synced.set)

    monkeypatch.setattr(module, "SYNC_S", 0.0)
    monkeypatch.setattr(module, "_sync_and_close", sync_and_tell)
    journal = Journal(tmp_path)
    fill(journal, 5)
    await asyncio.wait_for(synced.wait(), 10)
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
    journal.close()


def test_a_full_disk_keeps_events_back_until_there_is_room(tmp_path: Path) -> None:
    """While nothing can be written nobody is told; afterwards the events come in their order."""
    journal = Journal(tmp_path, max_events_per_file=2)
    fill(journal, 2)
    away = tmp_path.with_name("away")
    tmp_path.rename(away)  # the next file cannot be made
    fill(journal, 2, "left")
    assert (journal.is_writable, journal.last) == (False, 2)
    away.rename(tmp_path)
    journal.append("room_closed", "mt_1")
    assert journal.is_writable
    assert [event["kind"] for event in journal.read(2)] == ["left", "left", "room_closed"]
    journal.close()


def test_events_that_were_given_up_leave_a_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When more wait than there is room for, the oldest go, and the journal says where, how many and from when."""
    monkeypatch.setattr(module, "MAX_UNWRITTEN", 3)
    journal = Journal(tmp_path, max_events_per_file=2)
    fill(journal, 2)
    away = tmp_path.with_name("away")
    tmp_path.rename(away)  # the next file cannot be made
    for number in range(7):
        journal.append("left", "mt_1", f"ac_{number}", at_ms=1000 + number)
    assert (journal.is_writable, journal.unwritten, journal.lost) == (False, 3, 4)
    away.rename(tmp_path)
    journal.append("room_closed", "mt_1", at_ms=2000)
    gap, *kept = journal.read(2)
    assert (gap["seq"], gap["kind"], gap["data"]) == (
        3,
        "events_lost",
        {"events": 5, "from_ms": 1000, "until_ms": 1004, "rooms": {"mt_1": 5}},
    )
    assert [event["person"] for event in kept] == ["ac_5", "ac_6", ""]
    assert [event["seq"] for event in kept] == [4, 5, 6]
    fill(journal, 1)
    assert journal.read(6)[0]["kind"] == "joined"  # the gap is told once
    journal.close()


async def test_no_packet_waits_for_the_disk_when_a_file_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going on in another file puts the full one on the disk, and removes old ones, beside the event loop."""
    threads: set[int] = set()
    original, synced = os.fsync, threading.Event()

    def fsync(descriptor: int) -> None:
        threads.add(threading.get_ident())
        original(descriptor)
        synced.set()

    journal = Journal(tmp_path, max_events_per_file=2)
    monkeypatch.setattr(os, "fsync", fsync)
    fill(journal, 7)
    assert await asyncio.to_thread(synced.wait, 10)
    assert threading.get_ident() not in threads
    assert numbers(journal) == list(range(1, 8))
    monkeypatch.undo()
    journal.close()


WRITER = """
import sys
from pathlib import Path
from station.rtc.rooms.journal import Journal
journal = Journal(Path(sys.argv[1]))
while True:
    journal.append("joined", "mt_1", "ac_1", name="x" * 200)
    print(journal.last, flush=True)
"""


def test_kill_loses_nothing_that_was_told(tmp_path: Path) -> None:
    """After kill -9 in mid-writing, every number that was given out is in the journal."""
    told = tmp_path / "told"
    with told.open("wb") as output:
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "journal")], cwd=ROOT, stdout=output)
        try:
            wait_until(lambda: told.stat().st_size > 4000, "events")
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
    last_told = int(told.read_text().rpartition("\n")[0].split()[-1])
    journal = Journal(tmp_path / "journal")
    assert journal.last >= last_told
    met: list[int] = []
    while page := numbers(journal, met[-1] if met else 0):
        met += page
    assert met == list(range(1, journal.last + 1))
    journal.close()
