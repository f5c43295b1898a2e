"""Notices: their states, when a failed one is tried again, what of one is shown to whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from station.base.clock import SHANGHAI, local
from station.base.principal import Role
from station.notices.kinds import REMINDERS, SECRET_LIFETIME, Kind, Value
from station.notices.words import Gettext, kind_of, sentence_of

MAX_ATTEMPTS = 8
# Longer than any one delivery takes (Mail and SmsGateway give up after 10 s); a worker that died leaves its notice
# to the others after that, which may send it once more.
LEASE = timedelta(seconds=60)
PAGE_SIZE = 50
DAY_BEGINS, DAY_ENDS = time(8), time(21)  # Asia/Shanghai
_SIGNATURE = re.compile(r"^【[^】]{1,30}】")


class DeliveryFailed(Exception):
    """The gateway did not take it; try again later."""


class NotDeliverable(DeliveryFailed):
    """Trying again would not help."""


class OutcomeUnknown(Exception):
    """It was handed over and nobody answered: it may have been sent, so that sending it again may send it twice."""


class NoticeState(StrEnum):
    """Where a notice stands. SENT: a channel took it, or its reader finds it on their page of notices.

    UNKNOWN: a channel was given it and did not answer; it is not sent again, as it may be on its way.
    """

    WAITING = "waiting"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be put into the outbox.

    `channel` is sms, mail or app. `gaps` fill the gaps of the kind's sentence. A `secret` text is blanked once it is
    sent. `account` is whose page of notices shows it, by whatever channel it goes; of an app notice the address is that
    account, and nothing else has to happen to it.
    """

    channel: str
    address: str
    kind: Kind
    gaps: Mapping[str, Value]
    subject: str = ""
    secret: bool = False
    account: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. `account` is whose page of notices shows it, "" for none (a code at sign-in).

    `text` is what a carrier sends, in Chinese; `kind` and `gaps` say the same in another language, and are empty in
    a notice of an older release.
    """

    id: str
    channel: str
    address: str
    account: str
    text: str
    kind: str
    gaps: Mapping[str, Any]
    subject: str
    secret: bool
    state: NoticeState
    attempts: int
    created_at: datetime
    read_at: datetime | None

    def words(self, gettext: Gettext, language: str) -> str:
        """What its reader reads in a language: without the signature that carriers ask for in an SMS."""
        kind = kind_of(self.kind)
        if kind is None:
            return _SIGNATURE.sub("", self.text)
        return sentence_of(kind, self.gaps, gettext, language, self.created_at)

    @property
    def is_new(self) -> bool:
        """Whether its reader has not looked at it yet."""
        return self.read_at is None

    @property
    def icon(self) -> str:
        """The sign beside it, by what it tells of."""
        return {"booking": "calendar", "case": "file", "meeting": "video"}.get(self.subject.partition(":")[0], "bell")


def retry_at(now: datetime, attempts: int) -> datetime:
    """When to try again after so many attempts, each time twice as late."""
    return now + timedelta(seconds=10 * 2 ** (attempts - 1))


def after_quiet_hours(moment: datetime, channel: str, secret: bool, kind: Kind | None = None) -> datetime:
    """When a notice may go at the earliest: an SMS between nine in the evening and eight in the morning waits for
    eight, but for a code, for which somebody is waiting.
    """
    here = local(moment)
    is_urgent = secret and not (kind is not None and kind.waits_for_day)
    if channel != "sms" or is_urgent or DAY_BEGINS <= here.time() < DAY_ENDS:
        return moment
    morning = here.date() if here.time() < DAY_BEGINS else here.date() + timedelta(days=1)
    return datetime.combine(morning, DAY_BEGINS, SHANGHAI)


def is_outdated(notice: Notice, now: datetime) -> bool:
    """Whether it came too late to be of use: a code that has expired, a reminder of what has begun."""
    if notice.secret:
        kind = kind_of(notice.kind)
        return notice.created_at + (kind.useful_for if kind is not None else SECRET_LIFETIME) <= now
    begins = notice.gaps.get("when") if notice.kind in REMINDERS else None
    return begins is not None and datetime.fromisoformat(begins["moment"]) <= now


def target_of(notice: Notice, role: Role) -> str:
    """The page that a notice leads its reader to; "" when it tells of nothing that has one."""
    kind, _, identity = notice.subject.partition(":")
    if not identity:
        return ""
    if kind == "case":
        room = {Role.CLERK: "/desk", Role.ADMIN: "/desk", Role.UNIT: "/unit", Role.SUPERVISOR: "/oversight"}
        return f"{room.get(role, '')}/cases/{identity}"
    return {"booking": f"/bookings/{identity}", "meeting": f"/meet/{identity}"}.get(kind, "")
