"""Going on air: with a row or not at all, one broadcast of a meeting at a time, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from station.base.idempotency import CURRENT, Attempt
from station.base.station import Station
from station.ledger.service import timeline
from station.live.origin.main import LiveServer
from station.live.web import client, service
from station.live.web.model import Broadcast
from station.live.web.service import (
    AlreadyOnAir,
    broadcasts_of_meeting,
    change_source,
    end_orphans,
    start_broadcast,
    stop_broadcast,
    untold,
)
from tests.meeting.conftest import CLERK
from tests.servers import pick_port


@pytest_asyncio.fixture
async def studio(bare_town: Station) -> AsyncIterator[Station]:
    """A town with a live role of its own, on SQLite and on PostgreSQL."""
    ports = {"media_http_port": pick_port(), "live_http_port": pick_port(), "media_port": 0, "media_processes": 1}
    town = replace(bare_town, settings=bare_town.settings.model_copy(update=ports))
    async with LiveServer(town.settings):
        yield town


async def start(town: Station, meeting: str = "mt_1") -> Broadcast:
    return await start_broadcast(town, CLERK, meeting, "听证会", "林秀兰", "ac_1", "林秀兰")


async def on_air(town: Station) -> list[str]:
    return [found.id for found in await client.list_broadcasts(town)]


async def test_clerks_at_once_start_one_broadcast(studio: Station) -> None:
    """Of three who press at the same moment one is on air; the others are told, and nothing of theirs stays."""
    answers = await asyncio.gather(*(start(studio) for _ in range(3)), return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, Broadcast)]
    assert sum(isinstance(answer, AlreadyOnAir) for answer in answers) == 2
    assert await on_air(studio) == [won[0].id]
    assert [broadcast.id for broadcast in await broadcasts_of_meeting(studio, "mt_1")] == [won[0].id]
    await stop_broadcast(studio, CLERK, won[0].id)
    assert (await start(studio)).live, "after the first has ended the next may begin"


async def test_a_form_sent_twice_puts_on_air_and_changes_the_source_once(studio: Station) -> None:
    """The second sending at the same moment finds the first one's key, and leaves nothing at the live role."""

    async def go_live(key: str) -> Broadcast:
        CURRENT.set(Attempt(key))
        return await start(studio)

    async def change(key: str) -> Broadcast:
        CURRENT.set(Attempt(key))
        return await change_source(studio, CLERK, won[0].id, "ac_2", "陈立新")

    answers = await asyncio.gather(go_live("one"), go_live("one"), return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, Broadcast)]
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyDone", "Broadcast"]
    answers = await asyncio.gather(change("two"), change("two"), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyDone", "Broadcast"]
    assert await on_air(studio) == [won[0].id]
    steps = [event.action for event in await timeline(studio, f"broadcast:{won[0].id}")]
    assert steps == ["broadcast.started", "broadcast.source-changed"]


@pytest.mark.parametrize("failure", [RuntimeError("no row"), asyncio.CancelledError()])
async def test_what_has_no_row_is_not_on_air(
    studio: Station, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    """Whatever keeps the row from being stored, the live role is told to stop; also when the caller went away."""

    async def fail(*_: object) -> None:
        raise failure

    with monkeypatch.context() as patched, pytest.raises(type(failure)):
        patched.setattr(service, "append", fail)
        await start(studio)
    assert await on_air(studio) == []
    assert await broadcasts_of_meeting(studio, "mt_1") == []


async def test_what_was_stored_stays_on_air_though_its_caller_went_away(
    studio: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A web process that stops right after the row was stored takes nothing off air that the row says is on."""
    insert = service._insert

    async def stored_then_gone(*given: Any) -> None:
        await insert(*given)
        raise asyncio.CancelledError

    with monkeypatch.context() as patched, pytest.raises(asyncio.CancelledError):
        patched.setattr(service, "_insert", stored_then_gone)
        await start(studio)
    (row,) = await broadcasts_of_meeting(studio, "mt_1")
    assert row.live and await on_air(studio) == [row.id]


async def test_a_change_that_nobody_ends_is_told_again_from_the_row(
    studio: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the live role's change and the row's the broadcast is noted: a chore puts it right if we die there."""
    broadcast = await start(studio)
    store_source, noted = service._store_source, list[str]()

    async def noting(*given: Any) -> Broadcast:
        noted.extend(await untold(studio))
        return await store_source(*given)

    monkeypatch.setattr(service, "_store_source", noting)
    await change_source(studio, CLERK, broadcast.id, "ac_2", "陈立新")
    assert noted == [broadcast.id] and await untold(studio) == []


async def test_orphans_are_found_and_ended(studio: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broadcast whose web process died before its row was stored is ended and told of; one with a row goes on."""
    kept = await start(studio)
    await client.put_broadcast(studio, "bc_orphan", "mt_2", "ac_2")
    assert await end_orphans(studio) == 0, "somebody may be storing the row at this moment"
    monkeypatch.setattr(service, "ORPHAN_AFTER_S", -1.0)
    assert await end_orphans(studio) == 1
    assert await on_air(studio) == [kept.id]
    assert [event.action for event in await timeline(studio, "broadcast:bc_orphan")] == ["broadcast.orphan-ended"]
    assert await end_orphans(studio) == 0
