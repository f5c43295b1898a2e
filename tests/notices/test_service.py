"""Notices: each is sent once, what is said to be sent can be read, and no one-time code outlives its sending."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from sqlalchemy import text

from station.app import close_station
from station.base.bus import LocalBus
from station.base.clock import FixedClock
from station.base.database import Database
from station.base.grants import GrantSigner
from station.base.settings import Settings
from station.base.station import Station
from station.notices.channels import Channel, channels_for, outbox_file
from station.notices.kinds import INVITED, SECRET_LIFETIME
from station.notices.model import (
    LEASE,
    MAX_ATTEMPTS,
    DeliveryFailed,
    Notice,
    NoticeState,
    after_quiet_hours,
)
from station.notices.service import NoSmsCarrier, deliver_due, list_newest, queue_all
from station.people.model import Caller
from station.people.signin import send_code
from tests.fixtures import MONDAY_TEN
from tests.notices.sayings import saying


class Carrier:
    """Keeps what it is given; says no as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.got: list[str] = []
        self.failures = failures

    async def send(self, notice: Notice) -> None:
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise DeliveryFailed("busy")
        self.got.append(f"{notice.address} {notice.text}")


async def put(station: Station, count: int = 1, channel: str = "sms", secret: bool = False) -> None:
    async with station.database.transaction() as work:
        for number in range(count):
            notice = saying(f"第 {number} 条", channel, "13800000001", secret=secret)
            await queue_all(station, work, [notice])


def later(station: Station, by: timedelta) -> Station:
    return replace(station, clock=FixedClock(station.clock.now() + by))


@pytest_asyncio.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Station]:
    """A station outside of the demo, without a carrier, on SQLite and on PostgreSQL."""
    settings = Settings(data=tmp_path, _env_file=None)
    clock = FixedClock(MONDAY_TEN)
    made = Station(settings, Database(database_url), LocalBus(), clock, GrantSigner.load(settings.keys))
    yield made
    await close_station(made)


async def test_two_work_roles_send_each_notice_once(office: Station) -> None:
    """Three workers that look at the same moment share the notices: none goes out twice, none is left."""
    await put(office, 20)
    carrier = Carrier()
    channels: dict[str, Channel] = {"sms": carrier}
    sent = await asyncio.gather(*(deliver_due(office, channels, 40) for _ in range(3)))
    assert sorted(carrier.got) == sorted(f"13800000001 【网上代表联络站】第 {number} 条" for number in range(20))
    assert sum(sent) == 20


async def test_a_worker_that_died_leaves_its_notice_to_the_others(office: Station) -> None:
    """What was claimed and not finished waits for its lease, and is then sent; a late answer changes nothing."""
    await put(office)

    class Dies(Carrier):
        async def send(self, notice: Notice) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await deliver_due(office, {"sms": Dies()})
    carrier = Carrier()
    assert await deliver_due(office, {"sms": carrier}) == 0
    assert await deliver_due(later(office, LEASE), {"sms": carrier}) == 1
    assert len(carrier.got) == 1


async def test_a_notice_that_kills_its_worker_is_given_up(office: Station) -> None:
    """Attempts are counted when they begin: a notice that ends its worker each time is not tried for ever."""
    await put(office)

    class Dies(Carrier):
        async def send(self, notice: Notice) -> None:
            raise KeyboardInterrupt

    for number in range(MAX_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            await deliver_due(later(office, LEASE * number), {"sms": Dies()})
    assert await deliver_due(later(office, LEASE * MAX_ATTEMPTS), {"sms": Dies()}) == 0
    assert (await list_newest(office))[0].state is NoticeState.FAILED


async def test_a_failure_is_tried_again_later(office: Station) -> None:
    """A gateway that is down gets the notice again ten seconds later, not at once."""
    await put(office)
    carrier = Carrier(failures=1)
    assert await deliver_due(office, {"sms": carrier}) == 0
    assert await deliver_due(later(office, timedelta(seconds=9)), {"sms": carrier}) == 0
    assert await deliver_due(later(office, timedelta(seconds=10)), {"sms": carrier}) == 1


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("2026-10-12 20:59", "2026-10-12 20:59"),
        ("2026-10-12 21:00", "2026-10-13 08:00"),
        ("2026-12-31 23:59", "2027-01-01 08:00"),
        ("2026-10-13 00:00", "2026-10-13 08:00"),
        ("2026-10-13 07:59", "2026-10-13 08:00"),
        ("2026-10-13 08:00", "2026-10-13 08:00"),
    ],
)
def test_nobody_is_woken_by_an_sms(written: str, sent: str) -> None:
    """Between nine in the evening and eight in the morning, in Shanghai, an SMS waits; a code and a mail do not."""
    moment, morning = (datetime.fromisoformat(f"{text}+08:00") for text in (written, sent))
    assert after_quiet_hours(moment, "sms", secret=False) == morning
    assert after_quiet_hours(moment, "sms", secret=True) == moment
    assert after_quiet_hours(moment, "sms", secret=True, kind=INVITED) == morning, "nobody sits and waits for it"
    assert after_quiet_hours(moment, "app", secret=False) == moment


async def test_a_retry_at_night_waits_for_the_morning(office: Station) -> None:
    """What failed at one minute to nine is tried again at eight; a code of the same minute goes on at once."""
    evening = replace(office, clock=FixedClock(datetime.fromisoformat("2026-10-12 20:59:55+08:00")))
    await put(evening)
    assert await deliver_due(evening, {"sms": Carrier(failures=1)}) == 0
    night = later(evening, timedelta(minutes=1))
    await put(night)
    await put(night, secret=True)
    carrier = Carrier()
    assert await deliver_due(night, {"sms": carrier}) == 1
    morning = replace(office, clock=FixedClock(datetime.fromisoformat("2026-10-13 08:00:00+08:00")))
    assert await deliver_due(morning, {"sms": carrier}) == 2


async def test_a_code_overtakes_what_waits(office: Station) -> None:
    """When the morning's messages wait for their turn, who is signing in does not wait behind them."""
    await put(office, 5)
    code = later(office, timedelta(minutes=1))
    await put(code, secret=True)
    carrier = Carrier()
    assert await deliver_due(code, {"sms": carrier}, batch=1) == 1
    async with office.database.read() as connection:
        sent = text("SELECT count(*) FROM notices WHERE secret AND state = 'sent'")
        assert (await connection.execute(sent)).scalar_one() == 1


async def test_what_waited_for_the_morning_goes_in_the_order_it_was_written(office: Station) -> None:
    """All of it may go at eight, and what was written last is the last word."""
    evening = replace(office, clock=FixedClock(datetime.fromisoformat("2026-10-12 22:00+08:00")))
    for minute in range(6):
        async with office.database.transaction() as work:
            now = later(evening, timedelta(minutes=minute))
            await queue_all(now, work, [saying(f"第 {minute} 条", "sms", "13800000001")])
    carrier = Carrier()
    assert await deliver_due(later(evening, timedelta(hours=10)), {"sms": carrier}) == 6
    assert [text[-3] for text in carrier.got] == [*"012345"]


async def test_no_code_is_kept_once_it_is_sent(office: Station) -> None:
    """Outside of the demo a secret is in no row and in no file after its sending, taken or given up."""
    await put(office, secret=True)
    await deliver_due(office, {"sms": Carrier()})
    await put(office, secret=True)
    await deliver_due(office, channels_for(office.settings))
    assert [notice.text for notice in await list_newest(office)] == ["", ""]
    files = [path for path in office.settings.data.rglob("*") if path.is_file() and "database" not in path.parts]
    assert not [path for path in files if "第 0 条".encode() in path.read_bytes()]


async def test_a_code_that_comes_too_late_is_not_sent(office: Station) -> None:
    """A secret that waited longer than it is valid is blanked, not sent."""
    await put(office, secret=True)
    carrier = Carrier()
    assert await deliver_due(later(office, SECRET_LIFETIME), {"sms": carrier}) == 0
    notice = (await list_newest(office))[0]
    assert (carrier.got, notice.state, notice.text) == ([], NoticeState.FAILED, "")


async def test_without_a_carrier_nothing_counts_as_sent(office: Station) -> None:
    """A station that can send no SMS says so: to who asks for a code, and in the state of what waited."""
    with pytest.raises(NoSmsCarrier):
        await send_code(office, "13800000001", Caller("127.0.0.1", ""))
    await put(office)
    assert await deliver_due(office, channels_for(office.settings)) == 0
    assert (await list_newest(office))[0].state is NoticeState.FAILED
    assert not outbox_file(office.settings).exists()


async def test_an_app_notice_needs_no_delivery(office: Station) -> None:
    """What is told inside the station is there for its reader with the commit that tells it."""
    await put(office, channel="app")
    assert (await list_newest(office))[0].state is NoticeState.SENT


async def test_the_gateway_gets_each_message_with_its_password(office: Station) -> None:
    """STATION_SMS_URL is asked by POST, with the login in it; only a 2xx counts, and no error tells the password."""
    asked: list[tuple[str, object]] = []
    answers = iter([200, 500, 302])

    async def take(request: web.Request) -> web.Response:
        asked.append((request.headers["Authorization"], await request.json()))
        return web.Response(status=next(answers), headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/sms", take)
    async with TestServer(app) as server:
        url = f"http://city:pass%40word@127.0.0.1:{server.port}/sms"
        settings = office.settings.model_copy(update={"sms_url": SecretStr(url)})
        wired = replace(office, settings=settings)
        await put(wired, 3)
        assert await deliver_due(wired, channels_for(settings)) == 1
    # Written at one moment, they go in any order.
    sent = [{"to": "13800000001", "text": f"【网上代表联络站】第 {n} 条"} for n in range(3)]
    assert sorted((body for _, body in asked), key=str) == sent
    assert {login for login, _ in asked} == {encode_basic_auth("city", "pass@word", "utf-8")}
    async with office.database.read() as connection:
        errors = (await connection.execute(text("SELECT error FROM notices"))).scalars().all()
    assert sorted(errors) == ["", "the SMS gateway answered 302", "the SMS gateway answered 500"]
