"""What strangers read on the page of a published replay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from station.base.clock import to_ms
from station.base.principal import Principal, Role
from station.base.station import Station
from station.cases.service import OpenCase, open_case, publish_case
from station.demo.directory import seed_directory
from station.meeting import store
from station.meeting.model import Meeting
from station.meeting.view import view_room
from station.nodes.journal import JournalEvent, JournalPage, apply_events
from tests.archive.conftest import CLERK, DEPUTY
from tests.fixtures import Person, seed

NewPerson = Callable[..., Awaitable[Person]]
ZHAO, LI = "ac_demo_citizen", "ac_demo_citizen2"


async def published(station: Station, kind: str, title: str) -> str:
    """A meeting that was held, and whose replay has been published after a review; with 赵玉梅 where it is hers."""
    begin = station.clock.now() - timedelta(hours=1)
    citizen = (ZHAO, "赵玉梅") if kind == "reception" else ("", "")
    async with station.database.transaction() as work:
        await work.execute(
            insert(store.meetings).values(
                id=f"mt_{kind}", kind=kind, state="ended", title=title, booking_id=None, deputy_id=DEPUTY.scope,
                deputy_name="林秀兰", citizen=citizen[0], citizen_name=citizen[1], starts_at=begin,
                ends_at=station.clock.now(), public=kind == "hearing", published=True, created_at=begin,
            )
        )  # fmt: skip
    return f"mt_{kind}"


@pytest.mark.parametrize("kind", ["reception", "hearing"])
async def test_strangers_read_reviewed_words_only(station: Station, new_person: NewPerson, kind: str) -> None:
    """A matter's title is the number until it has been reviewed; its own people, the deputy and the clerk read it."""
    await seed(station, seed_directory)
    meeting = await published(station, kind, "赵玉梅家漏水，电话 13800001234" if kind == "reception" else "电梯办法")
    request = OpenCase("张伟家漏水，电话 13900001234", "", DEPUTY.scope, ZHAO, meeting_id=meeting, recorded_at_s=5.0)
    case = await open_case(station, DEPUTY, request)
    guest = await new_person()
    for reader in (guest, await new_person(LI), await new_person("ac_demo_deputy2")):
        page = await reader.get(f"/replay/{meeting}")
        assert case.number in page and f"/cases/{case.id}" in page
        for secret in ("张伟", "13900001234", "13800001234", "赵玉梅"):
            assert secret not in page, secret
    for account in (ZHAO, DEPUTY.account, CLERK.account):
        assert "张伟家漏水" in await (await new_person(account)).get(f"/replay/{meeting}")
    await publish_case(station, CLERK, case.id, "居民家漏水", "")
    page = await guest.get(f"/replay/{meeting}")
    assert "居民家漏水" in page and "张伟" not in page


async def test_who_follows_a_link_to_a_recalled_replay_reads_why_to_sign_in(
    station: Station, new_person: NewPerson
) -> None:
    """The form says that the recording is not public, for staff too; it says nothing of the kind for other pages."""
    await seed(station, seed_directory)
    meeting = await published(station, "hearing", "电梯办法")
    guest = await new_person()
    assert "电梯办法" in await guest.get(f"/replay/{meeting}")
    async with station.database.transaction() as work:
        await work.execute(update(store.meetings).values(published=False))
    assert "撤回了公开" in await guest.get(f"/replay/{meeting}")
    assert "撤回了公开" in await guest.get(f"/signin/staff?next=/replay/{meeting}")
    assert "撤回了公开" not in await guest.get("/my")


async def test_a_gap_in_who_was_there_is_said(station: Station, hearing: Meeting, new_person: NewPerson) -> None:
    """When media's disk was full, hosts are told in the room, and the record says of which time it is not whole."""
    clerk = await new_person(CLERK.account)
    assert "没有记全" not in await clerk.get(f"/replay/{hearing.id}")
    assert not (await view_room(station, CLERK, hearing.id)).events_lost
    begin_ms = int(to_ms(hearing.starts_at))
    data = {"events": 3, "from_ms": begin_ms, "until_ms": begin_ms + 300_000, "rooms": {hearing.id: 2, "mt_other": 1}}
    await apply_events(station, JournalPage("j", [JournalEvent(1, begin_ms, "events_lost", data=data)]))
    assert (await view_room(station, CLERK, hearing.id)).events_lost
    assert not (await view_room(station, Principal(LI, Role.CITIZEN, "李建国"), hearing.id)).events_lost
    page = await clerk.get(f"/replay/{hearing.id}")
    assert "谁进来、谁出去没有记全" in page
