"""Rows of the first release arrive in the new columns and tables with what they mean there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Table, column, select, table

from station.base.database import metadata
from station.base.station import Station
from station.meeting.lobby import list_waiting
from tests.fixtures import Person
from tests.upgrade import test_first_release as first_release
from tests.upgrade.rows import DEPUTY, LI, WROTE, ZHAO, add_rows
from tests.upgrade.test_first_release import station

__all__ = ["station"]
NewPerson = Callable[..., Awaitable[Person]]


@pytest.fixture
def old_folder(tmp_path: Path) -> Path:
    """The older release's data folder, with meetings, broadcasts and notices in it."""
    folder = first_release.unpack(tmp_path)
    add_rows(folder / "station.db")
    return folder


async def rows(station: Station, name: str, *columns: str, **where: object) -> Sequence[Any]:
    """Those columns of the rows with equal values, as they lie in the database."""
    source = table(name, *(column(known) for known in {*columns, *where}))
    query = select(*(source.c[c] for c in columns)).where(*(source.c[c] == value for c, value in where.items()))
    async with station.database.read() as connection:
        return [tuple(row) for row in await connection.execute(query.order_by(*(source.c[c] for c in columns)))]


async def test_who_was_ever_on_air_is_known(station: Station) -> None:
    """Each source of a broadcast has its row, from the ledger and from the broadcast itself; nobody is hidden."""
    found = await rows(station, "broadcast_sources", "broadcast_id", "person", "hidden")
    shown = [("bc_ended", person, 0) for person in sorted((LI, ZHAO, DEPUTY))]
    assert found == [*shown, ("bc_first", DEPUTY, 0), ("bc_second", DEPUTY, 0)]


async def test_no_broadcast_of_before_is_public_without_its_review(station: Station, new_person: NewPerson) -> None:
    """What everybody could see waits for a clerk's review; of two at once on air the later one stays."""
    found = await rows(station, "broadcasts", "id", "state", "published", "pending")
    assert found == [("bc_ended", "ended", 0, 0), ("bc_first", "ended", 0, 0), ("bc_second", "live", 0, 0)]
    guest, clerk = await new_person(), await new_person("ac_demo_clerk")
    listed = await guest.get("/live")
    assert "bc_second" in listed and "bc_ended" not in listed and "bc_first" not in listed
    await guest.get("/live/bc_ended", status=404)
    page = await clerk.get("/desk/broadcasts/bc_ended")  # two who were shown have never agreed to publishing
    assert "赵玉梅" in page and "李国强" in page and "不能公开这段录像" in page and 'id="publish"' not in page


async def test_a_booking_knows_that_its_use_was_taken_back(station: Station) -> None:
    """Of all bookings the one of which the last word was no; what was written for it is no longer shown."""
    [(subject,)] = await rows(station, "consents", "subject", kind="use", given=0)
    [(booking,)] = await rows(station, "bookings", "id", use_withdrawn=1)
    one, two, three = (booking[-6:].upper()[at : at + 2] for at in (0, 2, 4))
    assert subject == f"booking:{booking}"
    assert await rows(station, "meetings", "title", booking_id=booking) == [(f"{one} {two} {three}",)]
    assert await rows(station, "meetings", "title", id="mt_old") == [(WROTE["topic"],)]


async def test_nobody_waits_at_a_door_since_the_upgrade(station: Station, new_person: NewPerson) -> None:
    """An entry without a sign of life is no one; whoever was let in stays let in."""
    assert await rows(station, "lobby_entries", "state", "seen_at", meeting_id="mt_hearing") == [
        ("admitted", None),
        ("waiting", None),
    ]
    assert await list_waiting(station) == []


async def test_what_the_citizen_wrote_is_at_the_case(station: Station, new_person: NewPerson) -> None:
    """Topic, words and help of the booking; folded titles for searching; a case of no booking has none of it."""
    columns = ("citizen_topic", "citizen_words", "citizen_help", "search_text")
    [first] = await rows(station, "cases", *columns, serial=1)
    assert first == (*WROTE.values(), "7号楼想装电梯")
    for serial in (2, 3):
        [(*written, folded)] = await rows(station, "cases", *columns, serial=serial)
        assert written == ["", "", ""] and folded
    assert "0001 号" in await (await new_person()).get("/cases?q=7号楼")


async def test_consents_and_the_published_replay_are_kept(station: Station, new_person: NewPerson) -> None:
    """The list shows each with its meeting, and the button of today recalls what was published then."""
    guest, citizen = await new_person(), await new_person(ZHAO)
    assert "谢谢代表" not in await guest.get("/replay/mt_old")
    assert "谢谢代表" in await citizen.get("/replay/mt_old")
    page = await citizen.get("/my/consents")
    assert 'action="/my/consents/cn_0"' in page and 'action="/my/consents/cn_1"' in page
    await citizen.post("/my/consents/cn_1", given="no")
    assert 'name="phone"' in await guest.get("/replay/mt_old")
    private = await rows(station, "meetings", "id", "expired_at", published=0)
    assert private == [("mt_hearing", None), ("mt_old", None), ("mt_use", None)]


async def test_notices_have_their_owner_and_codes_no_text(station: Station) -> None:
    """A number that is an account's belongs to it; what went out counts as read; a code is kept while it waits."""
    columns = ("id", "account", "text", "state")
    found = {row[0]: row[1:] for name in ("nt_code", "nt_waits", "nt_sms", "nt_stray", "nt_app")
             for row in await rows(station, "notices", *columns, id=name)}  # fmt: skip
    assert found == {
        "nt_code": ("", "", "sent"),
        "nt_waits": ("", "654321 是您的登录数字", "waiting"),
        "nt_sms": (ZHAO, "约好了", "sent"),
        "nt_stray": ("", "约好了", "sent"),
        "nt_app": ("ac_demo_clerk", "新预约", "sent"),
    }
    unread = await rows(station, "notices", "id", read_at=None, account="ac_demo_clerk")
    assert ("nt_app",) in unread


async def test_logins_are_found_in_the_one_spelling(station: Station) -> None:
    """Folded where nobody else has it; where two would meet, both stay as they were."""
    found = [
        login for name in ("ac_wide", "ac_one", "ac_two") for login in await rows(station, "accounts", "login", id=name)
    ]
    assert found == [("zhangwei",), ("Twin",), ("twin",)]


async def test_times_and_bookings_are_as_they_were(station: Station) -> None:
    """No time is closed and no booking cancelled by the upgrade."""
    assert {closed for (closed,) in await rows(station, "slots", "closed")} == {0}
    assert set(await rows(station, "bookings", "cancelled_by", "cancel_reason")) == {("", "")}


@pytest.mark.parametrize("name", sorted(metadata.tables))
async def test_each_column_of_today_can_be_read(station: Station, name: str) -> None:
    """Every row of every table is read through its types: no value of before is in the way."""
    known: Table = metadata.tables[name]
    async with station.database.read() as connection:
        found = (await connection.execute(select(known))).all()
    required: list[Column[Any]] = [c for c in known.columns if not c.nullable]
    assert all(row._mapping[c.name] is not None for row in found for c in required)
