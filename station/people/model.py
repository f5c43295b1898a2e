"""Accounts, one-time codes, consents: plain data and the rules over it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from station.base.errors import N_, BadInput

CODE_LIFETIME = timedelta(minutes=10)
CODE_TRIES = 5
SESSION_LIFETIME = timedelta(days=30)
STAFF_IDLE = timedelta(hours=2)
SEEN_EVERY = timedelta(minutes=1)  # how often a session's use is noted
LOCK_AFTER = 5
LOCK_FOR = timedelta(minutes=15)
_PHONE = re.compile(r"^1[3-9]\d{9}$")


@dataclass(frozen=True, slots=True)
class Account:
    """A person as the station knows them. `scope` is the deputy, unit or station the role is bound to."""

    id: str
    role: str
    name: str
    phone: str
    mail: str
    scope: str


PLACEHOLDER = "手机尾号"  # how somebody who gave no name is called


def placeholder_name(phone: str) -> str:
    """What staff see of somebody who has proven a number and given no name."""
    return f"{PLACEHOLDER} {phone[-4:]}"


def is_placeholder(name: str) -> bool:
    """Whether this is no name of a person."""
    return not name or name.startswith(PLACEHOLDER)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to, or not: use of data, being recorded, broadcast or published; the latest word counts."""

    id: str
    account: str
    name: str
    kind: str
    subject: str
    given: bool
    at: datetime


def check_phone(raw: str) -> str:
    """A mainland mobile number, spaces and +86 forgiven. Raises BadInput with the fault in words."""
    digits = re.sub(r"[\s-]", "", raw)
    digits = digits.removeprefix("+86")
    if not digits:
        raise BadInput(fields={"phone": N_("请填手机号，11 位")})
    if not digits.isdigit() or not digits.isascii():
        raise BadInput(fields={"phone": N_("手机号只能是数字")})
    if len(digits) != 11:
        raise BadInput(fields={"phone": N_("手机号要 11 位，请数一数")})
    if not _PHONE.match(digits):
        raise BadInput(fields={"phone": N_("这不像手机号，请看一看前三位")})
    return digits


def mask_phone(phone: str) -> str:
    """`138 **** 1234`: enough to know one's own number again."""
    return f"{phone[:3]} **** {phone[-4:]}" if len(phone) == 11 else "****"


def code_is_open(tries: int, expires_at: datetime, now: datetime) -> bool:
    """Whether a one-time code may still be tried."""
    return tries < CODE_TRIES and now < expires_at


def lock_until(failures: int, now: datetime) -> datetime | None:
    """After LOCK_AFTER wrong passwords in a row an account rests."""
    return now + LOCK_FOR if failures >= LOCK_AFTER else None
