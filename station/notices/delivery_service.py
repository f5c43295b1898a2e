"""Looking after what a carrier did not take, and sending it once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from station.base.errors import N_, Conflict, NotFound
from station.base.idempotency import claim_key
from station.base.keyset import Cursor, Slice
from station.base.principal import Principal
from station.base.station import Station
from station.ledger.service import append
from station.notices import delivery_store as store
from station.notices.delivery_store import Delivery
from station.notices.model import PAGE_SIZE, Notice, NoticeState, after_quiet_hours, is_outdated

COUNTED = timedelta(days=1)
UNSETTLED = (NoticeState.FAILED, NoticeState.UNKNOWN, NoticeState.WAITING)


class NotToBeResent(Conflict):
    """It was sent meanwhile, waits already, or would be of no use to anybody."""

    code = "not-to-be-resent"
    message = N_("这条不能再发了：已经发出去、正等着发，或者过了时候")


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One page of notices in a state, and how many stand in each, by channel; of those sent the last day's."""

    deliveries: Slice[Delivery]
    counts: dict[tuple[str, NoticeState], int]

    def count(self, state: NoticeState) -> int:
        """How many stand in that state, by whatever channel."""
        return sum(number for (_, each), number in self.counts.items() if each is state)


async def list_deliveries(station: Station, state: NoticeState, cursor: Cursor | None) -> DeliveryPage:
    """What stands in a state, the newest first."""
    async with station.database.read() as connection:
        counts = await store.count_carried(connection, station.clock.now() - COUNTED)
        return DeliveryPage(await store.deliveries_page(connection, state, cursor, PAGE_SIZE), counts)


def may_resend(station: Station, notice: Notice) -> bool:
    """Whether sending it once more can be of use: it failed or may not have arrived, is no code and not too late."""
    ended = notice.state in (NoticeState.FAILED, NoticeState.UNKNOWN)
    return ended and not notice.secret and bool(notice.text) and not is_outdated(notice, station.clock.now())


async def resend(station: Station, who: Principal, notice_id: str) -> None:
    """Send a notice once more, by day. Raises NotFound, NotToBeResent."""
    async with station.database.transaction() as work:
        await claim_key(work, station.clock.now())
        notice = await store.lock_notice(work, notice_id)
        if notice is None:
            raise NotFound
        if not may_resend(station, notice):
            raise NotToBeResent
        now = station.clock.now()
        not_before = now if station.settings.demo else after_quiet_hours(now, notice.channel, notice.secret)
        await store.wait_again(work, notice.id, not_before)
        data = {"kind": notice.kind, "channel": notice.channel, "was": str(notice.state)}
        await append(station, work, who, "notice.resent", f"notice:{notice.id}", data)
