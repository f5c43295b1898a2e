"""A matter noted in a meeting: one act, one transaction, one case however often it is clicked."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases.records import OpenCase
from station.cases.service import cases_of_meeting, open_case
from station.ledger.service import timeline
from station.meeting import matters
from station.meeting.matters import note_matter
from station.meeting.model import Meeting
from station.meeting.service import HearingForm, create_hearing
from tests.meeting.conftest import CLERK, DEPUTY


async def open_hearing(station: Station) -> Meeting:
    now = station.clock.now()
    form = HearingForm("加装电梯办法", DEPUTY.scope, now, now + timedelta(hours=1), public=True)
    return await create_hearing(station, CLERK, form)


async def test_four_clicks_at_once_are_one_case(bare_town: Station) -> None:
    """The same matter sent four times at once is one case with one number, noted once in the meeting."""
    hearing = await open_hearing(bare_town)
    noted = await asyncio.gather(*(note_matter(bare_town, DEPUTY, hearing.id, "柳荫路路灯不亮") for _ in range(4)))
    assert len({matter.id for matter in noted}) == 1
    assert [case.id for case in await cases_of_meeting(bare_town, hearing.id)] == [noted[0].id]
    events = [event for event in await timeline(bare_town, hearing.subject) if event.action == "matter.noted"]
    assert [event.data["case"] for event in events] == [noted[0].id]


async def test_different_matters_at_once_are_each_a_case(bare_town: Station) -> None:
    """Two matters noted at the same moment, or the same one by two people, stay two."""
    hearing = await open_hearing(bare_town)
    noted = await asyncio.gather(
        note_matter(bare_town, DEPUTY, hearing.id, "柳荫路路灯不亮"),
        note_matter(bare_town, DEPUTY, hearing.id, "楼道堆东西"),
        note_matter(bare_town, CLERK, hearing.id, "柳荫路路灯不亮"),
    )
    assert len({matter.number for matter in noted}) == 3


async def test_a_case_taken_by_a_clerk_clicked_twice_is_one(bare_town: Station) -> None:
    """Outside of a meeting, too: the same click sent three times at once gives one case."""
    clerk = Principal("ac_demo_clerk", Role.CLERK, "何晓雯", "st_demo_guihua")
    request = OpenCase("楼道堆东西", "三单元一楼", DEPUTY.scope, None)
    opened = await asyncio.gather(*(open_case(bare_town, clerk, request) for _ in range(3)))
    assert len({case.id for case in opened}) == 1


async def test_no_case_without_its_note(bare_town: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """When noting in the meeting fails, no case is left behind: both belong to one transaction."""
    hearing = await open_hearing(bare_town)

    async def fail(*_: object) -> None:
        raise RuntimeError("the process died")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(matters, "append", fail)
        await note_matter(bare_town, DEPUTY, hearing.id, "柳荫路路灯不亮")
    assert await cases_of_meeting(bare_town, hearing.id) == []
