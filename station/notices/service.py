"""Queue a notice inside a transaction; the work role delivers it, again and later when a gateway is down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from station.base.database import Transaction
from station.base.errors import N_, NotFound, StationError
from station.base.ids import new_id
from station.base.principal import Principal
from station.base.station import Station
from station.notices import store
from station.notices.channels import Channel
from station.notices.kinds import Kind
from station.notices.model import (
    MAX_ATTEMPTS,
    PAGE_SIZE,
    DeliveryFailed,
    NotDeliverable,
    Notice,
    NoticeState,
    OutcomeUnknown,
    Outgoing,
    after_quiet_hours,
    is_outdated,
    retry_at,
)
from station.notices.words import kind_of, sentence_of, to_json


class NoSmsCarrier(StationError):
    """This station cannot send an SMS: nobody can sign in by a code."""

    status = 503
    code = "no-sms-carrier"
    message = N_("这里还没有接通短信，收不到登录数字。有事请打电话问工作人员")


def check_sms(station: Station) -> None:
    """Raises NoSmsCarrier where no SMS can be sent."""
    if not station.settings.sends_sms:
        raise NoSmsCarrier


def signature_of(station: Station) -> str:
    """What stands at the head of a text message: what the district says, else the settings."""
    return station.identity.sms_signature or station.settings.sms_signature


async def queue_all(station: Station, work: Transaction, outgoing: Sequence[Outgoing]) -> None:
    """Put notices into the outbox by one statement; the fields are told at `Outgoing`."""
    if outgoing:
        now = station.clock.now()
        await store.insert_notices(work, [_row(station, each, now) for each in outgoing])


async def is_told(work: Transaction, subject: str, kind: Kind) -> bool:
    """Whether anybody was sent a notice of this kind about a subject."""
    return await store.is_told(work.connection, subject, kind.name)


async def drop_waiting(work: Transaction, subject: str, kinds: Collection[Kind]) -> None:
    """Give up notices of these kinds that have not gone out: what they tell of has changed."""
    await store.drop_waiting(work, subject, [kind.name for kind in kinds])


def _row(station: Station, outgoing: Outgoing, now: datetime) -> dict[str, object]:
    inside, gaps = outgoing.channel == "app", to_json(outgoing.gaps)
    sentence = sentence_of(outgoing.kind, gaps, str, "zh", now)
    signature = f"【{signature_of(station)}】" if outgoing.channel == "sms" else ""
    return {
        "id": new_id("nt"),
        "channel": outgoing.channel,
        "address": outgoing.address,
        "account": outgoing.address if inside else outgoing.account,
        "text": f"{signature}{sentence}",
        "kind": outgoing.kind.name,
        "gaps": gaps,
        "subject": outgoing.subject,
        "secret": outgoing.secret,
        "state": NoticeState.SENT if inside else NoticeState.WAITING,
        "attempts": 0,
        "error": "",
        "created_at": now,
        "try_after": _not_before(station, now, outgoing.channel, outgoing.secret, outgoing.kind),
        "sent_at": now if inside else None,
    }


def _not_before(station: Station, moment: datetime, channel: str, secret: bool, kind: Kind | None) -> datetime:
    # Who tries the demo at night wants to see what it sends, and nobody is woken by it.
    return moment if station.settings.demo else after_quiet_hours(moment, channel, secret, kind)


async def list_newest(station: Station, limit: int = 30, address: str | None = None) -> list[Notice]:
    """The newest notices, newest first."""
    async with station.database.read() as connection:
        return await store.newest(connection, limit, address)


async def my_notices(station: Station, who: Principal, page: int = 1) -> tuple[list[Notice], bool]:
    """One page of the caller's notices, newest first, and whether there are older ones."""
    async with station.database.read() as connection:
        found = await store.of_account(connection, who.account, PAGE_SIZE + 1, (page - 1) * PAGE_SIZE)
    return found[:PAGE_SIZE], len(found) > PAGE_SIZE


async def count_unread(station: Station, who: Principal) -> int:
    """How many of the caller's notices are new."""
    async with station.database.read(brief=True) as connection:
        return await store.count_unread(connection, who.account)


async def read_notice(station: Station, who: Principal, notice_id: str) -> Notice:
    """One of the caller's notices, which is no longer new. Raises NotFound."""
    async with station.database.read() as connection:
        notice = await store.notice_of(connection, who.account, notice_id)
    if notice is None:
        raise NotFound
    if notice.is_new:
        async with station.database.transaction() as work:
            await store.mark_read(work, who.account, station.clock.now(), notice_id)
    return notice


async def read_all(station: Station, who: Principal) -> None:
    """None of the caller's notices is new any longer."""
    async with station.database.transaction() as work:
        await store.mark_read(work, who.account, station.clock.now())


async def deliver_due(station: Station, channels: dict[str, Channel], batch: int = 20) -> int:
    """Send what is due, oldest first; returns how many were sent. A failure is tried again, each time later.

    Each notice is claimed first, so that several work roles do not send it twice. A crash between sending and
    noting it can: it is sent once more when the lease has run out.
    """
    sent = 0
    for _ in range(batch):
        async with station.database.transaction() as work:
            notice = await store.claim_next(work, list(channels), station.clock.now())
        if notice is None:
            break
        values = await _deliver(station, channels[notice.channel], notice)
        async with station.database.transaction() as work:
            await store.change_claimed(work, notice, **values)
        sent += values["state"] == NoticeState.SENT
    return sent


async def _deliver(station: Station, channel: Channel, notice: Notice) -> dict[str, object]:
    """Hand one notice over; returns what its row says afterwards."""
    now = station.clock.now()
    blank: dict[str, object] = {"text": "", "gaps": {}} if notice.secret and not station.settings.demo else {}
    if is_outdated(notice, now):
        return {"state": NoticeState.FAILED, "error": "it was of no use any more", **blank}
    if notice.attempts > MAX_ATTEMPTS:
        return {"state": NoticeState.FAILED, "error": "given up: its worker died each time", **blank}
    try:
        await channel.send(notice)
    except OutcomeUnknown as unknown:
        return {"state": NoticeState.UNKNOWN, "error": str(unknown)[:400], **blank}
    except DeliveryFailed as failure:
        error = str(failure)[:400]
        if isinstance(failure, NotDeliverable) or notice.attempts >= MAX_ATTEMPTS:
            return {"state": NoticeState.FAILED, "error": error, **blank}
        again = _not_before(
            station, retry_at(now, notice.attempts), notice.channel, notice.secret, kind_of(notice.kind)
        )
        return {"state": NoticeState.WAITING, "error": error, "try_after": again}
    return {"state": NoticeState.SENT, "sent_at": now, "error": "", **blank}


async def delete_old_notices(station: Station, before: datetime) -> int:
    """Delete notices written before a moment; returns how many."""
    async with station.database.transaction() as work:
        return await store.delete_before(work, before)
