"""Accounts of staff as an administrator sees them: their states, what may be done in each, what a form may say."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from station.base.errors import N_, BadInput, Conflict, NotAllowed, StationError
from station.base.principal import Role
from station.people.model import check_phone, fold_login

INVITE_LIFETIME = timedelta(hours=72)
CODE_TRIES_OF_AN_INVITE = 10  # its holder sees the secret: the number protects from nothing but endless trying
ACCOUNTS_A_PAGE = 25
UNUSED_AFTER = timedelta(days=90)
STAFF_ROLES = (Role.CLERK, Role.DEPUTY, Role.UNIT, Role.SUPERVISOR, Role.ADMIN)
MIN_PASSWORD, MAX_PASSWORD = 8, 200
MAX_NAME, MAX_REASON, MAX_MAIL = 40, 200, 120
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_MAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


class AccountState(StrEnum):
    """Where an account stands. All but LOCKED follow from what it has: a password, a second factor, an open invite."""

    INVITED = "invited"
    RUN_OUT = "run-out"  # it has no password, and no invite by which one could be set
    UNSECURED = "unsecured"  # it has a password and no second factor
    ACTIVE = "active"
    LOCKED = "locked"


class Step(StrEnum):
    """What an administrator may do to an account."""

    EDIT = "edit"
    INVITE = "invite"
    REVOKE = "revoke"
    RESET = "reset"
    LOCK = "lock"
    UNLOCK = "unlock"
    END_SESSIONS = "end-sessions"


_OPEN = frozenset({AccountState.INVITED, AccountState.RUN_OUT, AccountState.UNSECURED, AccountState.ACTIVE})
# The states in which each step may be taken; docs/accounts.md shows the same table.
STEPS: dict[Step, frozenset[AccountState]] = {
    Step.EDIT: _OPEN,
    Step.INVITE: _OPEN - {AccountState.ACTIVE},
    Step.REVOKE: frozenset({AccountState.INVITED}),
    Step.RESET: frozenset({AccountState.ACTIVE}),
    Step.LOCK: _OPEN,
    Step.UNLOCK: frozenset({AccountState.LOCKED}),
    Step.END_SESSIONS: frozenset({AccountState.ACTIVE}),
}


class Asks(StrEnum):
    """What an invite lets its holder set: the other half of the sign-in stays as it is."""

    BOTH = "both"
    PASSWORD = "password"  # noqa: S105  the word, not one
    FACTOR = "factor"


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """An account of staff. `version` rises with each change, so that a form knows what it was made from."""

    id: str
    role: Role
    name: str
    login: str
    phone: str
    mail: str
    scope: str
    version: int
    state: AccountState
    locked_why: str
    has_totp: bool
    invited_until: datetime | None
    created_at: datetime
    seen_at: datetime | None

    def may(self, step: Step) -> bool:
        """Whether its state has that step."""
        return self.state in STEPS[step]

    def as_form(self) -> StaffForm:
        """The form as it would have to be filled in to change nothing."""
        return StaffForm(
            role=self.role, name=self.name, login=self.login, scope=self.scope, phone=self.phone, mail=self.mail
        )

    def is_unused(self, now: datetime) -> bool:
        """Whether nobody has signed in with it for long."""
        return self.state is AccountState.ACTIVE and (self.seen_at or self.created_at) < now - UNUSED_AFTER


@dataclass(frozen=True, slots=True)
class StaffForm:
    """What an administrator writes about an account."""

    role: Role
    name: str
    login: str
    scope: str = ""
    phone: str = ""
    mail: str = ""


@dataclass(frozen=True, slots=True)
class StaffFilter:
    """What a list of accounts is narrowed by; None and "" for all."""

    role: Role | None = None
    state: AccountState | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class RoleCount:
    """How many accounts a role has, and how many of them can be used."""

    role: Role
    total: int
    active: int

    @property
    def percent(self) -> int:
        """Whole percent, rounded down, so that 100 means all."""
        return self.active * 100 // self.total if self.total else 100


@dataclass(frozen=True, slots=True)
class NewInvite:
    """A fresh invite. The token is told once: only its hash is stored."""

    account: str
    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Invite:
    """An open invite as its holder's page needs it."""

    id: str
    account: str
    asks: Asks
    totp_secret: str
    pending_hash: str
    tries: int
    login: str
    name: str
    role: Role
    password_hash: str
    until: datetime

    @property
    def waits_for_factor(self) -> bool:
        """Whether the password is settled, and the second factor is what is left."""
        return bool(self.pending_hash) and self.asks is not Asks.PASSWORD


class LastAdministrator(Conflict):
    """Nobody could administer the station any more."""

    code = "last-administrator"
    message = N_("这是最后一个能用的管理员账号。请先再请一位管理员，等他登录过了再改这一个")


class NotInThisState(Conflict):
    code = "not-in-this-state"
    message = N_("这个账号现在的状态不能这样做。请看一下最新的再决定")


class ChangedMeanwhile(Conflict):
    """Somebody else has changed the account since the form was made; `now` is what stands there."""

    code = "changed-meanwhile"
    message = N_("您打开这一页以后，别人改过这个账号。现在的和您填的都在下面，请看一看再保存")

    def __init__(self, now: StaffAccount | None = None) -> None:
        super().__init__()
        self.now = now


class InviteOver(StationError):
    """The link opens nothing any more. Each kind is a sentence of its own that says what to do."""

    status = 410
    code = "invite-over"
    message = N_("这个邀请链接不能用了。请找联络站的管理员再发一个")


class InviteUsed(InviteOver):
    code = "invite-used"
    message = N_("这个邀请链接已经用过了，只能用一次。是您本人用的，请直接登录；不是，请马上告诉管理员")


class InviteRunOut(InviteOver):
    code = "invite-run-out"
    message = N_("这个邀请链接过期了，发出以后 72 小时内有效。请找发给您的管理员再发一个")


class InviteRevoked(InviteOver):
    code = "invite-revoked"
    message = N_("这个邀请链接收回了，或者换成了新的。请用最后发给您的那一个，没有就找管理员再发")


class WrongProof(BadInput):
    """The code does not fit; says how many tries are left."""

    code = "wrong-proof"

    def __init__(self, left: int) -> None:
        super().__init__(fields={"otp": N_("动态码不对。请看手机上现在的 6 位数字再填")})
        self.left = left


def state_of(*, locked: bool, has_password: bool, has_factor: bool, has_invite: bool) -> AccountState:
    """The state that follows from what an account has."""
    if locked:
        return AccountState.LOCKED
    if has_password and has_factor:
        return AccountState.ACTIVE
    if has_invite:
        return AccountState.INVITED
    return AccountState.UNSECURED if has_password else AccountState.RUN_OUT


def check_step(account: StaffAccount, step: Step) -> None:
    """Raises NotInThisState where the account's state does not have the step."""
    if not account.may(step):
        raise NotInThisState


def check_form(form: StaffForm) -> StaffForm:
    """The form in the spelling that is stored. Raises BadInput with every fault."""
    if form.role not in STAFF_ROLES:
        raise NotAllowed
    faults: dict[str, str] = {}
    login, phone, mail = fold_login(form.login), form.phone, form.mail.strip()
    if not form.name:
        faults["name"] = N_("请填姓名")
    elif len(form.name) > MAX_NAME:
        faults["name"] = N_("姓名太长了，最多 40 个字")
    if not _LOGIN.fullmatch(login):
        faults["login"] = N_("登录名要 2 到 40 个小写字母、数字、点或者短横，不能有汉字")
    if phone:
        try:
            phone = check_phone(phone)
        except BadInput as fault:
            faults |= fault.fields
    if mail and (len(mail) > MAX_MAIL or not _MAIL.fullmatch(mail)):
        faults["mail"] = N_("这不像邮箱地址，请看一看")
    if faults:
        raise BadInput(fields=faults)
    return replace(form, login=login, phone=phone, mail=mail)


def check_password_rules(password: str, again: str, login: str) -> None:
    """Raises BadInput for a password that is too short, too easy to guess, or typed differently the second time."""
    if len(password) < MIN_PASSWORD:
        raise BadInput(fields={"password": N_("密码至少 8 位，可以用一句话")})
    if len(password) > MAX_PASSWORD:
        raise BadInput(fields={"password": N_("密码太长了，最多 200 位")})
    plain = fold_login(password)
    if plain.isdigit() or len(set(plain)) < 4 or login in plain:
        raise BadInput(fields={"password": N_("这个密码太容易猜：不能只有数字，不能含登录名，不能总是那几个字")})
    if password != again:
        raise BadInput(fields={"again": N_("两次填的密码不一样，请再填一次")})
