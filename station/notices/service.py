"""Queue a notice inside a transaction; the work role delivers it, again and later when a gateway is down."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select, update

from station.base.database import Transaction
from station.base.ids import new_id
from station.base.station import Station
from station.notices.channels import Channel, DeliveryFailed
from station.notices.store import Notice, newest, notices

MAX_ATTEMPTS = 8


async def queue(
    station: Station,
    work: Transaction,
    channel: str,
    address: str,
    text: str,
    subject: str = "",
    secret: bool = False,
) -> None:
    """Put a notice into the outbox. `channel` is sms, mail or app; `secret` text is blanked once it is sent."""
    now = station.clock.now()
    await work.execute(
        insert(notices).values(
            id=new_id("nt"), channel=channel, address=address, text=text, subject=subject, secret=secret,
            state="waiting", attempts=0, error="", created_at=now, try_after=now,
        )
    )  # fmt: skip


async def list_newest(station: Station, limit: int = 30, address: str | None = None) -> list[Notice]:
    """The newest notices, newest first."""
    async with station.database.read() as connection:
        return await newest(connection, limit, address)


async def deliver_due(station: Station, channels: dict[str, Channel], batch: int = 20) -> int:
    """Send what is due, oldest first; returns how many were sent. A failure is tried again, each time later."""
    now = station.clock.now()
    due = (
        select(notices)
        .where(notices.c.state == "waiting", notices.c.try_after <= now, notices.c.channel.in_(list(channels)))
        .order_by(notices.c.try_after)
        .limit(batch)
    )
    async with station.database.read() as connection:
        rows = (await connection.execute(due)).all()
    sent = 0
    for row in rows:
        values: dict[str, object] = {
            "state": "sent",
            "sent_at": now,
            "attempts": row.attempts + 1,
            "error": "",
        }
        try:
            await channels[row.channel].send(row.address, row.text)
            sent += 1
            if row.secret and not station.settings.demo:
                values["text"] = ""
        except DeliveryFailed as failure:
            final = row.attempts + 1 >= MAX_ATTEMPTS
            later = now + timedelta(seconds=10 * 2**row.attempts)
            values = {
                "state": "failed" if final else "waiting",
                "attempts": row.attempts + 1,
                "try_after": later,
                "error": str(failure)[:400],
            }
        async with station.database.transaction() as work:
            await work.execute(update(notices).where(notices.c.id == row.id).values(**values))
    return sent
