"""What a carrier did not take is seen, and sent once more by a button."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from station.base.station import Station
from station.demo.directory import seed_directory
from station.notices import kinds
from station.notices.channels import Channel
from station.notices.kinds import Value
from station.notices.model import DeliveryFailed, Notice, NoticeState, OutcomeUnknown, Outgoing
from station.notices.service import deliver_due, queue_all
from station.notices.store import notices
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]


class Carrier:
    """A carrier that answers as a test wants it to, and remembers what it was given."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault, self.given = fault, 0

    async def send(self, notice: Notice) -> None:
        """Take it, or not."""
        self.given += 1
        if self.fault is not None:
            raise self.fault


async def _queue(station: Station, secret: bool = False) -> str:
    """One SMS in the outbox; its id."""
    gaps: dict[str, Value] = {
        "case": "〔2026〕0001",
        "unit": "区供水公司",
        "until": datetime(2026, 12, 1, tzinfo=UTC).date(),
    }
    kind = kinds.SIGN_IN_CODE if secret else kinds.CASE_ASSIGNED
    filled: Mapping[str, Value] = {"code": "314159"} if secret else gaps
    outgoing = Outgoing("sms", "13800001234", kind, filled, secret=secret)
    async with station.database.transaction() as work:
        await queue_all(station, work, [outgoing])
        return str((await work.execute(select(notices.c.id).order_by(notices.c.id.desc()))).scalars().first())


async def _refuse(station: Station, fault: Exception) -> None:
    """Let the carrier refuse what waits; the last attempt at once."""
    async with station.database.transaction() as work:
        await work.execute(update(notices).where(notices.c.state == NoticeState.WAITING).values(attempts=7))
    channel: Channel = Carrier(fault)
    await deliver_due(station, {"sms": channel})


async def test_what_was_refused_is_listed_and_sent_once_more(station: Station, new_person: NewPerson) -> None:
    """The page says to whom, what and why; after the button a carrier that works gets it once."""
    await seed_directory(station)
    admin = await new_person("ac_demo_admin")
    await _queue(station)
    await _refuse(station, DeliveryFailed("the gateway says 503"))
    page = await admin.get("/admin/notices")
    for seen in ("已经交给区供水公司办", "138 **** 1234", "the gateway says 503", "试了 8 次"):
        assert seen in page
    assert "13800001234" not in page
    identity = await _only_id(station)
    page = await admin.post("/admin/notices/resend", notice=identity)
    assert "等着发 1" in page.replace("\n", "")
    carrier = Carrier()
    await deliver_due(station, {"sms": carrier})
    await deliver_due(station, {"sms": carrier})
    assert carrier.given == 1
    await admin.post("/admin/notices/resend", status=409, notice=identity)
    assert "1<small>一天里发出去的" in (await admin.get("/admin/notices")).replace("\n", "").replace("      ", "")


async def _only_id(station: Station) -> str:
    async with station.database.read() as connection:
        query = select(notices.c.id).where(notices.c.channel == "sms", notices.c.secret.is_(False))
        return str((await connection.execute(query)).scalar_one())


async def test_one_that_may_have_arrived_can_be_sent_again_knowingly(station: Station, new_person: NewPerson) -> None:
    """It is in a list of its own, so that whoever presses knows that it may come twice."""
    await seed_directory(station)
    admin = await new_person("ac_demo_admin")
    identity = await _queue(station)
    await _refuse(station, OutcomeUnknown("no answer in 10 s"))
    assert "没有发出去 0" in (await admin.get("/admin/notices")).replace("\n", "")
    assert "no answer in 10 s" in await admin.get("/admin/notices?state=unknown")
    assert "等着发 1" in (await admin.post("/admin/notices/resend", notice=identity)).replace("\n", "")


@pytest.mark.parametrize("hours", [0, 1])
async def test_a_code_is_not_sent_again(station: Station, new_person: NewPerson, hours: int) -> None:
    """Its time is over, its text is gone, and the page does not show it."""
    await seed_directory(station)
    admin = await new_person("ac_demo_admin")
    identity = await _queue(station, secret=True)
    await _refuse(station, DeliveryFailed("refused"))
    async with station.database.transaction() as work:
        earlier = station.clock.now() - timedelta(hours=hours)
        await work.execute(update(notices).where(notices.c.id == identity).values(created_at=earlier))
    page = await admin.get("/admin/notices")
    assert "登录数字" in page and "314159" not in page and "resend" not in page
    await admin.post("/admin/notices/resend", status=409, notice=identity)


async def test_what_is_not_there_or_asked_oddly_is_answered(station: Station, new_person: NewPerson) -> None:
    """No such notice, no such state, no such place in the list."""
    await seed_directory(station)
    admin = await new_person("ac_demo_admin")
    await admin.post("/admin/notices/resend", status=404, notice="nt_none")
    assert "没有发出去" in await admin.get("/admin/notices?state=<b>&after=x~y")
