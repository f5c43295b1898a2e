"""The ledger: one chain, and nothing in it can be changed unseen."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from station.app import close_station
from station.base.bus import LocalBus
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.grants import GrantSigner
from station.base.principal import SYSTEM
from station.base.settings import Settings
from station.base.station import Station
from station.ledger.model import HEAD_LABEL, Event, head_line
from station.ledger.service import append, clear_words, head_of, timeline, watch_head
from station.ledger.store import append_row
from station.ledger.verify import verify_chain
from station.ledger.witness import keep_head, keep_proved, kept_heads, newest_kept_head, proved_head, sealed_heads
from tests.fixtures import MONDAY_TEN


async def add(station: Station, count: int, subject: str = "case:cs_1") -> None:
    for number in range(count):
        async with station.database.transaction() as work:
            await append(station, work, SYSTEM, "case.touched", subject, {"n": number, "字": "话"})


async def test_a_whole_chain_verifies(station: Station) -> None:
    """What was appended is there in order, and the chain proves it."""
    await add(station, 5)
    result = await verify_chain(station.database)
    assert result.ok
    assert [event.data["n"] for event in await timeline(station, "case:cs_1")] == [0, 1, 2, 3, 4]


async def test_concurrent_writers_make_one_chain(station: Station) -> None:
    """Twenty writers at once leave no gap and no fork."""
    await asyncio.gather(*(add(station, 1, f"case:cs_{n}") for n in range(20)))
    assert (await verify_chain(station.database)).ok


@pytest.mark.parametrize("statement", ["UPDATE ledger_events SET actor_name = 'x'", "DELETE FROM ledger_events"])
async def test_the_database_refuses_to_change_the_ledger(station: Station, statement: str) -> None:
    """Not even a query by hand edits or deletes an event."""
    await add(station, 1)
    with pytest.raises(DatabaseError):
        async with station.database.transaction() as work:
            await work.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_events SET actor_name = 'x' WHERE seq = (SELECT max(seq) - 1 FROM ledger_events)",
        "UPDATE ledger_events SET data = '{}' WHERE seq = (SELECT max(seq) FROM ledger_events)",
        "DELETE FROM ledger_events WHERE seq = (SELECT max(seq) FROM ledger_events)",
        "DELETE FROM ledger_events WHERE seq = (SELECT max(seq) - 1 FROM ledger_events)",
    ],
)
async def test_a_change_behind_our_back_is_found(station: Station, statement: str) -> None:
    """Somebody with the file in hand drops the triggers and changes a row: verify names the place."""
    await add(station, 4)
    async with station.database.transaction() as work:
        for trigger in ("ledger_events_no_update", "ledger_events_no_delete"):
            await work.execute(text(f"DROP TRIGGER {trigger}"))
        await work.execute(text(statement))
    result = await verify_chain(station.database)
    assert not result.ok
    assert result.broken_at is not None


async def test_a_failed_transaction_leaves_no_event(station: Station) -> None:
    """The event and the change stand or fall together."""
    before = (await verify_chain(station.database)).events
    with pytest.raises(RuntimeError):
        async with station.database.transaction() as work:
            await append(station, work, SYSTEM, "case.touched", "case:cs_1")
            raise RuntimeError
    assert (await verify_chain(station.database)).events == before


async def cut(station: Station, keep: int) -> None:
    """What an older copy of the database looks like: a shorter chain with a head that fits it."""
    async with station.database.transaction() as work:
        for trigger in ("ledger_events_no_update", "ledger_events_no_delete"):
            await work.execute(text(f"DROP TRIGGER {trigger}"))
        await work.execute(text(f"DELETE FROM ledger_events WHERE seq > {keep}"))
        await work.execute(
            text(f"UPDATE ledger_head SET seq = {keep}, hash = (SELECT hash FROM ledger_events WHERE seq = {keep})")
        )


async def test_a_cut_ledger_is_found(station: Station) -> None:
    """A chain whose end was taken away is whole by itself; the file beside the database says what is missing."""
    await add(station, 6)
    events = (await verify_chain(station.database)).events
    assert (await verify_chain(station.database, kept_heads(station.settings.ledger_heads))).ok
    assert not await watch_head(station)
    await cut(station, events - 3)
    assert (await verify_chain(station.database)).ok
    result = await verify_chain(station.database, kept_heads(station.settings.ledger_heads))
    assert (result.broken_at, result.cut, result.witness) == (
        events - 2, True, str(station.settings.ledger_heads),
    )  # fmt: skip
    assert await watch_head(station)


async def test_another_history_is_found(station: Station) -> None:
    """Who restores an older database and goes on writing has other events under the numbers that were noted."""
    await add(station, 3)
    events = (await verify_chain(station.database)).events
    await cut(station, events - 2)
    await add(station, 3, "case:cs_2")
    result = await verify_chain(station.database, kept_heads(station.settings.ledger_heads))
    assert (result.broken_at, result.cut) == (events - 1, False)


async def test_bags_witness_the_ledger(station: Station, tmp_path: Path) -> None:
    """Without the file, the events in sealed bags and the head they were sealed under still tell of the cut."""
    await add(station, 4, "meeting:mt_1")
    seq, head = await head_of(station)
    bag = tmp_path / "bags" / "mt_1"
    (bag / "data").mkdir(parents=True)
    rows = [{"seq": e.seq, "hash": e.hash} for e in await timeline(station, "meeting:mt_1")]
    (bag / "data" / "ledger.json").write_text(json.dumps(rows))
    (bag / "bag-info.txt").write_text(f"Payload-Oxum: 1.1\n{HEAD_LABEL}: {head_line(seq, head)}\n")
    assert (await verify_chain(station.database, sealed_heads(tmp_path / "bags"))).compared == 5
    await cut(station, seq - 1)
    result = await verify_chain(station.database, sealed_heads(tmp_path / "bags"))
    assert (result.broken_at, result.witness) == (seq, str(bag))


async def test_a_head_file_that_cannot_be_written_changes_nothing(station: Station) -> None:
    """The head beside the database is bookkeeping: with a full or missing disk the change stands all the same."""
    blocked = replace(station, settings=station.settings.model_copy(update={"ledger_file": Path("/proc/none/heads")}))
    await add(blocked, 1)
    assert (await timeline(station, "case:cs_1"))[-1].action == "case.touched"


@pytest.mark.parametrize("junk", ["", "{\n", "[]\nnull\n3\n", '{"seq": "x", "hash": 3}\n', "\x00\xff", '{"seq": 1'])
def test_torn_lines_are_passed_over(tmp_path: Path, junk: str) -> None:
    """A crash may tear a line: what is no head says nothing, the others still count."""
    file = tmp_path / "heads.jsonl"
    file.write_text(junk + "\n", encoding="utf-8")
    keep_head(file, 7, "h")
    assert [(head.seq, head.hash) for head in kept_heads(file)] == [(7, "h")]
    newest = newest_kept_head(file)
    assert newest is not None
    assert newest.seq == 7


WORDS = "电话 138.0000.1234，护照 E12345678"


async def give_reason(station: Station, words: str, subject: str = "case:cs_1") -> None:
    async with station.database.transaction() as work:
        await append(station, work, SYSTEM, "case.returned", subject, reason=words)


async def test_what_was_typed_is_not_in_the_chain(station: Station) -> None:
    """A reason can be read, but the rows that nobody can change hold a salted hash of it only."""
    await give_reason(station, WORDS)
    await give_reason(station, WORDS, "case:cs_2")
    assert [e.reason for e in await timeline(station, "case:cs_1", "case:cs_2")] == [WORDS, WORDS]
    async with station.database.read() as connection:
        rows = (await connection.execute(text("SELECT * FROM ledger_events"))).all()
    assert not [row for row in rows if any(part in str(row) for part in ("138.0000", "E12345678", "护照"))]
    assert len({row.reason for row in rows if row.reason}) == 2, "the same words twice must not look the same"


async def test_words_can_be_cleared_and_not_changed(station: Station) -> None:
    """Clearing what was typed leaves the chain whole; putting other words in its place does not."""
    await give_reason(station, WORDS)
    await give_reason(station, "另一件", "case:cs_2")
    assert await clear_words(station, SYSTEM, "case:cs_1") == 1
    assert [e.reason for e in await timeline(station, "case:cs_1")] == ["", ""]
    assert (await timeline(station, "case:cs_2"))[0].reason == "另一件"
    assert (await verify_chain(station.database)).ok
    async with station.database.transaction() as work:
        await work.execute(text("UPDATE ledger_words SET words = '别的'"))
    assert not (await verify_chain(station.database)).ok


async def test_old_reasons_stay_readable(station: Station) -> None:
    """Events of a release that put the words into the chain are shown and verified as they are."""
    event = Event(
        0,
        station.clock.now(),
        "ac_1",
        "工作人员",
        "clerk",
        "case.returned",
        "case:cs_old",
        "不归我们办",
        "",
        {},
        "",
        "",
    )
    async with station.database.transaction() as work:
        await append_row(work, event)
    assert [e.reason for e in await timeline(station, "case:cs_old")] == ["不归我们办"]
    assert (await verify_chain(station.database)).ok


async def test_the_first_events_of_all_make_one_chain(database_url: str, tmp_path: Path) -> None:
    """On an empty database four writers at once start one chain: none fails because another made its beginning."""
    settings = Settings(data=tmp_path, _env_file=None)
    fresh = Station(
        settings, Database(database_url), LocalBus(), FixedClock(MONDAY_TEN), GrantSigner.load(settings.keys)
    )
    try:
        await asyncio.gather(*(add(fresh, 1, f"case:cs_{n}") for n in range(4)))
        result = await verify_chain(fresh.database)
        assert (result.ok, result.events) == (True, 4)
    finally:
        await close_station(fresh)


async def test_several_processes_find_what_one_finds(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches checked apart are held together at their seams, whichever event was changed."""
    monkeypatch.setattr("station.ledger.verify.TASK", 2)
    await add(station, 6)
    seen: list[int] = []
    result = await verify_chain(station.database, processes=2, tell=lambda done, _all: seen.append(done))
    assert result == await verify_chain(station.database)
    assert seen == sorted(seen) and seen[-1] == result.events
    async with station.database.transaction() as work:
        await work.execute(text("DROP TRIGGER ledger_events_no_delete"))
        await work.execute(text(f"DELETE FROM ledger_events WHERE seq = {result.events - 2}"))
    for processes in (1, 2):
        assert (await verify_chain(station.database, processes=processes)).broken_at == result.events - 1


async def test_only_what_is_new_can_be_checked(station: Station, tmp_path: Path) -> None:
    """After a whole check the next one begins where it ended; an event that is not there any more is told."""
    await add(station, 3)
    whole = await verify_chain(station.database)
    note = tmp_path / "ledger" / "proved.json"
    assert proved_head(note) is None
    keep_proved(note, whole.events, whole.head)
    await add(station, 2)
    after = proved_head(note)
    counted: list[int] = []
    result = await verify_chain(station.database, after=after, tell=lambda done, _all: counted.append(done))
    assert (result.ok, result.events, counted) == (True, whole.events + 2, [whole.events + 2])
    await cut(station, whole.events - 1)
    result = await verify_chain(station.database, after=after)
    assert (result.cut, result.broken_at, result.witness) == (True, whole.events, str(note))
    note.write_text("{", encoding="utf-8")
    assert proved_head(note) is None
