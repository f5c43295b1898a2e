"""Accounts, one-time codes, consents: plain data and the rules over it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from station.base.errors import N_, BadInput
from station.base.principal import Role
from station.base.text import digits_of, fold

CODE_LIFETIME = timedelta(minutes=10)
CODE_TRIES = 5
CODE_DIGITS = 6
# A number for which strangers ask again and again gets longer codes instead of none: its owner is not kept out, and
# guessing at many codes at once is no use. So many codes may be open, over all browsers, before they grow.
CROWD_OF_CODES = 10
CODE_DIGITS_IN_A_CROWD = 8
SESSION_LIFETIME = timedelta(days=30)
STAFF_IDLE = timedelta(hours=2)
SESSIONS_TOPIC = "sessions"  # on the bus: which have ended, for whoever tells media
SEEN_EVERY = timedelta(minutes=1)  # how often a session's use is noted
TRY_WINDOW = timedelta(minutes=15)
TRIES_PER_BROWSER = 5  # at one login, within TRY_WINDOW
TRIES_PER_NETWORK = 30  # at one login, by all browsers of one address that never signed in with it
_PHONE = re.compile(r"1[3-9]\d{9}")
_HONG_KONG_MACAO_TAIWAN = re.compile(r"[569]\d{7}|09\d{8}")
_COUNTRY = re.compile(r"(?:\+|00)(\d+)|(86)(?=1\d{10}$)")


@dataclass(frozen=True, slots=True)
class Account:
    """A person as the station knows them. `scope` is the deputy, unit or station the role is bound to."""

    id: str
    role: Role
    name: str
    phone: str
    mail: str
    scope: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a member of staff signs in with: the password's hash, and the secret of their dynamic codes."""

    account: Account
    password_hash: str
    totp_secret: str


PLACEHOLDER = "手机尾号"  # how somebody who gave no name is called


def placeholder_name(phone: str) -> str:
    """What staff see of somebody who has proven a number and given no name."""
    return f"{PLACEHOLDER} {phone[-4:]}（{phone[:3]} 开头）"


def is_placeholder(name: str) -> bool:
    """Whether this is no name of a person."""
    return not name or name.startswith(PLACEHOLDER)


class ConsentKind(StrEnum):
    """What a person is asked for: the use of their data, and what happens in a meeting."""

    USE = "use"
    RECORDED = "recorded"
    BROADCAST = "broadcast"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to, or not: use of data, being recorded, broadcast or published; the latest word counts.

    The versions are those of the district's notice on personal data and of its wording of the question; 0: built in.
    """

    id: str
    account: str
    name: str
    kind: ConsentKind
    subject: str
    given: bool
    at: datetime
    notice_version: int = 0
    wording_version: int = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who tries to sign in, as limits see them.

    `network` is the address or its /64, `visit` the browser's cookie; `device` is set in a browser that has signed in
    under the same name before, so that nobody else can use up its tries (OWASP: device cookies). `browser` is what its
    session is called.
    """

    network: str
    visit: str
    device: str = ""
    browser: str = ""


class NoSmsThere(BadInput):
    """A number of Hong Kong, Macao, Taiwan or another country."""

    code = "no-sms-there"

    def __init__(self) -> None:
        words = N_("短信只能发到内地的手机号。没有内地号码，请打页面下方的电话问工作人员")
        super().__init__(fields={"phone": words})


def check_phone(raw: str) -> str:
    """A mainland mobile number in any of its usual spellings. Raises BadInput with the fault in words."""
    typed = "".join(c for c in fold(raw) if not _parts_digits(c))
    if not typed:
        raise BadInput(fields={"phone": N_("请填手机号，11 位")})
    country = _COUNTRY.match(typed)
    digits = typed.removeprefix("+").removeprefix("00").removeprefix("86") if country else typed
    if not digits.isdigit():
        raise BadInput(fields={"phone": N_("手机号只能是数字")})
    abroad = country is not None and not (country[1] or country[2]).startswith("86")
    if abroad or _HONG_KONG_MACAO_TAIWAN.fullmatch(digits):
        raise NoSmsThere
    if len(digits) != 11:
        raise BadInput(fields={"phone": N_("手机号要 11 位，请数一数")})
    if not _PHONE.fullmatch(digits):
        raise BadInput(fields={"phone": N_("这不像手机号，请看一看前三位")})
    return digits


def _parts_digits(sign: str) -> bool:
    """Spaces, dashes of all lengths, dots and brackets that people put between the digits of a number."""
    return sign in " ()[].·/" or unicodedata.category(sign) == "Pd" or sign == "\u2212"


def read_code(typed: str) -> str:
    """The digits of a one-time code, however it was typed or pasted, even with the whole message; "" without any."""
    folded = fold(typed)
    for digits in (CODE_DIGITS, CODE_DIGITS_IN_A_CROWD):
        alone = re.findall(rf"(?<!\d)\d{{{digits}}}(?!\d)", folded)
        if alone:
            return str(alone[0])
    return digits_of(typed)


def fold_login(typed: str) -> str:
    """A login name in the one spelling in which it is stored and looked up."""
    return fold(typed).replace(" ", "").casefold()


def mask_phone(phone: str) -> str:
    """`138 **** 1234`: enough to know one's own number again."""
    return f"{phone[:3]} **** {phone[-4:]}" if len(phone) == 11 else "****"


def code_digits(open_codes: int) -> int:
    """How many digits the next code of a number has, by how many of its codes are open already."""
    return CODE_DIGITS if open_codes < CROWD_OF_CODES else CODE_DIGITS_IN_A_CROWD


def code_is_open(tries: int, expires_at: datetime, now: datetime) -> bool:
    """Whether a one-time code may still be tried."""
    return tries < CODE_TRIES and now < expires_at
