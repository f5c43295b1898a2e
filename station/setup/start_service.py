"""The first start: a one-time link, steps whose words are kept, and the first administrator, who ends it for good."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pyotp

from station.base.errors import N_, BadInput, Conflict, NotAllowed, Phrase
from station.base.link_keys import hash_key, make_key
from station.base.principal import Principal, Role
from station.base.station import Station
from station.ledger.service import append
from station.people.model import Account, Caller, fold_login, read_code
from station.people.passwords import hash_password
from station.people.service import add_staff_in, count_accounts, has_staff
from station.people.signin import open_session, totp_step
from station.setup import start_store as store
from station.setup.start_store import SetUp

MIN_PASSWORD, MAX_PASSWORD, MAX_PERSON = 12, 200, 40
CODES_TRIED, CODES_PER_S = 30, 600
STEPS = ("district", "look", "texts", "admin")  # in their order
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


class SetUpOver(Conflict):
    """There is an administrator: set-up is closed for good."""

    status = 410
    code = "set-up-over"
    message = N_("这个联络站已经开好了，开站的页面不再用。要改名称、标志、说明，请管理员登录后到“本区”")


class NoSetUpKey(NotAllowed):
    """The page was opened without a good link."""

    code = "no-set-up-key"
    message = N_("这一页要用开站链接打开。链接不对，或者已经换了新的")


@dataclass(frozen=True, slots=True)
class FirstAdministrator:
    """What the last step asks for. An empty password stands for the one that was typed before."""

    name: str
    login: str
    password: str
    code: str


def next_step(setup: SetUp) -> str:
    """The first step that is not done yet."""
    return next((step for step in STEPS if step not in setup.steps), STEPS[-1])


@dataclass(frozen=True, slots=True)
class Proven:
    """What was kept when the code fitted, and the 30-second step of that code; 0 for one that nobody typed."""

    state: SetUp
    step: int


async def replace_link(station: Station, key_hash: str, browsers: bool = False) -> bool:
    """Make this the link that opens set-up, instead of earlier ones. False where set-up is over.

    With `browsers` those that an earlier link let in are out too, and the secrets that they saw or typed are dropped.
    """
    async with station.database.transaction() as work:
        state = await store.lock_state(work)
        if state.closed or await has_staff(work, Role.ADMIN):
            return False
        await store.delete_keys(work, None if browsers else store.LINK)
        if browsers:
            await store.change_state(work, password_hash="", totp_secret="")
        await store.add_key(work, key_hash, store.LINK, station.clock.now())
    return True


async def open_by_link(station: Station, key: str) -> str:
    """The secret of a browser that was opened by the link, good until set-up is over. Raises NoSetUpKey, SetUpOver.

    The link opens nothing after that: of two who open it at once one is let in.
    """
    await check_open(station)
    secret = make_key()
    async with station.database.transaction() as work:
        if (await store.lock_state(work)).closed:
            raise SetUpOver
        if not await store.has_key(work.connection, hash_key(key), store.LINK):
            raise NoSetUpKey
        await store.delete_keys(work, store.LINK)
        await store.add_key(work, hash_key(secret), store.BROWSER, station.clock.now())
    return secret


async def find_set_up(station: Station, secret: str) -> SetUp:
    """How far it has come, for a browser that may do it. Raises NoSetUpKey, SetUpOver."""
    state = await check_open(station)
    async with station.database.read(brief=True) as connection:
        if not secret or not await store.has_key(connection, hash_key(secret), store.BROWSER):
            raise NoSetUpKey
    return state


async def note_step(station: Station, step: str) -> None:
    """This step is done."""
    async with station.database.transaction() as work:
        state = await store.lock_state(work)
        await store.change_state(work, steps=" ".join(sorted(state.steps | {step})))


async def keep_secret(station: Station) -> SetUp:
    """See that there is a secret for the authenticator: the same one however often its page is shown."""
    async with station.database.transaction() as work:
        state = await store.lock_state(work)
        if not state.totp_secret:
            await store.change_state(work, totp_secret=pyotp.random_base32())
        return await store.read_state(work.connection)


def read_administrator(form: Mapping[str, str]) -> FirstAdministrator:
    """The fields of the last step, as they were typed."""
    return FirstAdministrator(
        form.get("name", ""), fold_login(form.get("login", "")), form.get("password", ""), form.get("otp", "")
    )


async def keep_administrator(station: Station, asked: FirstAdministrator) -> Proven:
    """Keep what can be taken of it, for the next try; what `finish` needs. Raises SetUpOver, BadInput with each fault.

    Of the password its hash is kept, so that it need not be typed again for a code that came too late.
    """
    faults = _faults(asked)
    hashed = "" if not asked.password or "password" in faults else await hash_password(asked.password)
    async with station.database.transaction() as work:
        state = await store.lock_state(work)
        if state.closed:
            raise SetUpOver
        values = {"admin_name": asked.name[:MAX_PERSON], "admin_login": asked.login[:40]}
        await store.change_state(work, **values | ({"password_hash": hashed} if hashed else {}))
        state = await store.read_state(work.connection)
    if not state.password_hash and "password" not in faults:
        faults["password"] = Phrase(N_("密码至少 %(least)s 位"), least=MIN_PASSWORD)
    if faults:
        raise BadInput(fields={name: faults[name] for name in ("name", "login", "password", "otp") if name in faults})
    return Proven(state, await _prove(station, state, asked.code))


async def finish(
    station: Station, proven: Proven, origin: str = "", caller: Caller | None = None, replaces: str = ""
) -> tuple[Account, str]:
    """The first administrator stands, by what was kept and proven; set-up is over. Raises SetUpOver, BadInput where
    another window has kept something else since.

    Returns the account, and the token of its session where `caller`, a browser, is to be signed in at once.
    """
    who = Principal("", Role.SYSTEM, "开站", origin=origin)
    async with station.database.transaction() as work:
        state = await store.lock_state(work)
        if state.closed or await has_staff(work, Role.ADMIN):
            raise SetUpOver
        if state != proven.state:
            raise BadInput(
                fields={
                    "password": N_("刚才有人在另一个窗口也填了这一页。请把密码再填一次"),
                    "otp": N_("请再填一次验证器现在显示的数字"),
                }
            )
        account = await add_staff_in(
            station,
            work,
            who,
            role=Role.ADMIN,
            login=state.admin_login,
            name=state.admin_name,
            password_hash=state.password_hash,
            totp_secret=state.totp_secret,
            totp_used=proven.step,
        )
        await store.delete_keys(work)
        await store.change_state(work, password_hash="", totp_secret="", closed_at=station.clock.now())
        await append(station, work, who, "district.opened", "district:identity")
        token = await open_session(station, work, account, caller, replaces) if caller else ""
    return account, token


async def check_open(station: Station) -> SetUp:
    """How far set-up has come. Raises SetUpOver."""
    async with station.database.read(brief=True) as connection:
        state = await store.read_state(connection)
    if state.closed or (await count_accounts(station)).get(Role.ADMIN, 0):
        raise SetUpOver
    return state


def _faults(asked: FirstAdministrator) -> dict[str, str]:
    faults: dict[str, str] = {}
    if not asked.name:
        faults["name"] = N_("请填您的姓名")
    elif len(asked.name) > MAX_PERSON:
        faults["name"] = Phrase(N_("太长了，最多 %(most)s 个字"), most=MAX_PERSON)
    if not _LOGIN.fullmatch(asked.login):
        faults["login"] = N_("登录名用小写字母和数字，2 到 40 位，比如 wangfang")
    if asked.password and not MIN_PASSWORD <= len(asked.password) <= MAX_PASSWORD:
        faults["password"] = Phrase(N_("密码至少 %(least)s 位"), least=MIN_PASSWORD)
    elif asked.password and asked.password.casefold() in (asked.login, asked.name):
        faults["password"] = N_("密码不能和登录名、姓名一样")
    if not asked.code:
        faults["otp"] = N_("请填验证器现在显示的 6 位数字")
    return faults


async def _prove(station: Station, state: SetUp, typed: str) -> int:
    await station.bus.limit("set-up-codes", CODES_TRIED, CODES_PER_S)
    step = totp_step(state.totp_secret, read_code(typed), station.clock.now().timestamp())
    if step is None:
        raise BadInput(fields={"otp": N_("数字不对。请看验证器上现在的 6 位；手机的时间要准，数字 30 秒换一次")})
    return step
