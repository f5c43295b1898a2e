"""Administrators make, lock and change accounts; an invite's link lets its holder in once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pyotp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from station.base.clock import FixedClock
from station.base.database import Database
from station.base.principal import Principal, Role
from station.base.station import Station
from station.demo.directory import seed_directory
from station.demo.logins import DEMO_ACCOUNTS
from station.ledger.service import timeline
from station.notices.channels import Channel
from station.notices.model import Notice
from station.notices.service import deliver_due, list_newest
from station.people import account_service as accounts
from station.people import invite_service as invites
from station.people.account_model import (
    CODE_TRIES_OF_AN_INVITE,
    STEPS,
    AccountState,
    Asks,
    ChangedMeanwhile,
    InviteRevoked,
    InviteRunOut,
    InviteUsed,
    LastAdministrator,
    NotInThisState,
    StaffAccount,
    StaffFilter,
    StaffForm,
    Step,
    WrongProof,
)
from station.people.model import Caller
from station.people.store import accounts as account_rows
from tests.fixtures import MONDAY_TEN, Person

NewPerson = Callable[..., Awaitable[Person]]
ADMIN = Principal("ac_demo_admin", Role.ADMIN, "管理员")
HERE = Caller("192.0.2.1", "visit of this browser")
WANG = StaffForm(Role.CLERK, "王明", "wangming", "")
PASSWORD = "桂花街道的早晨好"


@pytest_asyncio.fixture
async def town(station: Station) -> Station:
    """The demo's accounts and directory."""
    await seed_directory(station)
    return station


def link_on(page: str) -> str:
    """The invite's path on the page that shows it."""
    found = re.search(r'id="invite-link">https?://[^/]+(/invite/[\w-]+)<', page)
    assert found, page[-3000:]
    return found[1]


async def code_of(person: Person, link: str) -> str:
    """What the authenticator shows that has scanned the code of an invite."""
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', await person.get(link))
    assert found
    return pyotp.TOTP(found[1].replace(" ", "")).at(person.station.clock.now().timestamp())


async def test_from_an_empty_form_to_a_clerk_at_work(town: Station, new_person: NewPerson) -> None:
    """An administrator invites, the link is shown once, the clerk sets password and authenticator and is signed in."""
    admin, clerk = await new_person("ac_demo_admin"), await new_person()
    assert "管哪里" in await admin.get("/admin/accounts/new")
    fields = {"role": "clerk", "name": "王明", "login": "WangMing", "scope": "st_demo_guihua", "form_key": "k" * 20}
    page = await admin.post("/admin/accounts", 200, **fields)
    link = link_on(page)
    assert 'viewBox="0 0' in page, "the whole code fits its place"
    assert "wangming" in page and "72" in await admin.get("/admin/accounts/new")
    listed = await admin.get("/admin/accounts?q=王明")
    assert "请了还没来" in listed and "还剩 72 小时" in listed and "和下面的站" in listed and "50%" in listed
    bad = await clerk.post(f"{link}/password", 422, password="12345678", again="12345678")
    assert "太容易猜" in bad
    bad = await clerk.post(f"{link}/password", 422, password=PASSWORD, again=PASSWORD + "x")
    assert "两次填的密码不一样" in bad
    assert "第 2 步" in await clerk.post(f"{link}/password", password=PASSWORD, again=PASSWORD)
    right = await code_of(clerk, link)
    wrong = f"{(int(right) + 1) % 10**6:06}"
    assert "还可以试 9 次" in await clerk.post(f"{link}/factor", 422, otp=wrong)
    assert "今天" in await clerk.post(f"{link}/factor", otp=right)
    assert "已经用过了" in await (await new_person()).get(link, 410)
    assert "能用" in await admin.get("/admin/accounts?q=wangming") and "100%" in await admin.get("/admin/accounts")
    account = re.search(r'data-account="(\w+)"', await admin.get("/admin/accounts?q=wangming"))
    assert account
    shown = await admin.get(f"/admin/accounts/{account[1]}/invite")
    assert "不能再看了" in shown, "the link is gone with its use"
    told = [event.action for event in await timeline(town, f"account:{account[1]}")]
    assert told == ["account.added", "account.invite-used", "account.signed-in"]
    assert "王明" not in str([event.data for event in await timeline(town, f"account:{account[1]}")])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": ""}, "请填姓名"),
        ({"login": "王明"}, "不能有汉字"),
        ({"login": "clerk"}, "已经有人用了"),
        ({"scope": "st_nowhere"}, "名录里要有"),
        ({"phone": "12345"}, "手机号"),
        ({"mail": "nobody"}, "不像邮箱"),
        ({"role": "citizen"}, "不能做这件事"),
        ({"role": "king"}, "请选做什么"),
    ],
)
async def test_a_form_that_does_not_fit(
    town: Station, new_person: NewPerson, fields: dict[str, str], told: str
) -> None:
    """Each fault is said in words; nothing is made, and what was typed is still there."""
    admin = await new_person("ac_demo_admin")
    typed = {"role": "clerk", "name": "王明", "login": "wangming", "scope": "", "phone": "", "mail": "", **fields}
    status = 403 if typed["role"] == "citizen" else 422
    page = await admin.post("/admin/accounts", status, **typed)
    assert told in page
    found = await accounts.list_staff(town, StaffFilter(search="wangming"), None)
    assert found.items == ()


async def test_the_list_is_narrowed_and_paged(town: Station) -> None:
    """By role, by state, by what stands in a name or login, and a page at a time by login."""
    for number in range(30):
        await accounts.create_account(town, ADMIN, replace(WANG, login=f"n{number:02}", name=f"100%_{number:02}"))
    first = await accounts.list_staff(town, StaffFilter(search="100%_"), None)
    assert [account.login for account in first.items] == [f"n{number:02}" for number in range(25)] and first.after
    assert (await accounts.list_staff(town, StaffFilter(search="00_0"), None)).items == (), "a sign is no wildcard"
    for wanted, count in (
        (StaffFilter(Role.ADMIN), 1),
        (StaffFilter(state=AccountState.ACTIVE), len([a for a in DEMO_ACCOUNTS if a.login])),
        (StaffFilter(Role.CLERK, AccountState.INVITED, "n29"), 1),
        (StaffFilter(state=AccountState.RUN_OUT), 0),
    ):
        assert len((await accounts.list_staff(town, wanted, None)).items) == count, wanted
    later = replace(town, clock=FixedClock(MONDAY_TEN + timedelta(hours=73)))
    assert len((await accounts.list_staff(later, StaffFilter(state=AccountState.RUN_OUT), None)).items) == 25


async def test_an_invite_used_in_two_tabs_at_once(bare_town: Station) -> None:
    """On SQLite and on PostgreSQL one wins; the other reads that it has been used."""
    made = await accounts.create_account(bare_town, ADMIN, WANG)
    await invites.choose_password(bare_town, made.token, PASSWORD, PASSWORD)
    secret = (await invites.find_invite(bare_town, made.token)).totp_secret
    code = pyotp.TOTP(secret).at(MONDAY_TEN.timestamp())
    other = replace(bare_town, database=Database(bare_town.database.url))
    both = await asyncio.gather(
        *(invites.enrol_totp(town, made.token, code, HERE) for town in (bare_town, other)), return_exceptions=True
    )
    await other.database.close()
    assert sorted(type(one).__name__ for one in both) == ["InviteUsed", "tuple"], both
    with pytest.raises(InviteUsed):
        await invites.choose_password(bare_town, made.token, PASSWORD, PASSWORD)


async def test_an_invite_that_is_over_says_why(town: Station) -> None:
    """Run out after 72 hours, void once another was sent, revoked, or after too many wrong codes."""
    made = await accounts.create_account(town, ADMIN, WANG)
    later = replace(town, clock=FixedClock(MONDAY_TEN + timedelta(hours=72)))
    with pytest.raises(InviteRunOut):
        await invites.find_invite(later, made.token)
    again = await accounts.invite_again(later, ADMIN, made.account)
    with pytest.raises(InviteRevoked):
        await invites.find_invite(later, made.token)
    await accounts.revoke_invite(later, ADMIN, made.account)
    with pytest.raises(InviteRevoked):
        await invites.find_invite(later, again.token)
    third = await accounts.invite_again(town, ADMIN, made.account)
    await invites.choose_password(town, third.token, PASSWORD, PASSWORD)
    right = pyotp.TOTP((await invites.find_invite(town, third.token)).totp_secret).at(MONDAY_TEN.timestamp())
    wrong = f"{(int(right) + 1) % 10**6:06}"
    left = []
    for _ in range(CODE_TRIES_OF_AN_INVITE):
        with pytest.raises(WrongProof) as caught:
            await invites.enrol_totp(town, third.token, wrong, HERE)
        left.append(caught.value.left)
    assert left == list(range(CODE_TRIES_OF_AN_INVITE - 1, -1, -1))
    with pytest.raises(InviteRevoked):
        await invites.enrol_totp(town, third.token, wrong, HERE)
    with pytest.raises(InviteRevoked):
        await invites.enrol_totp(town, third.token, right, HERE)


async def test_locking_puts_out_at_once_and_unlocking_lets_in_again(town: Station, new_person: NewPerson) -> None:
    """With a reason that other administrators read; the next page of who is locked is the sign-in."""
    admin, clerk = await new_person("ac_demo_admin"), await new_person("ac_demo_clerk")
    page = "/admin/accounts/ac_demo_clerk"
    assert "1 处" in await admin.get(page)
    assert "请写为什么锁" in await admin.post(f"{page}/lock", 422, reason="")
    async with town.bus.subscribe("sessions") as ended:
        assert "锁着" in await admin.post(f"{page}/lock", reason="调走了")
        assert (await ended.get(5)) is not None, "media and event streams are told"
    assert "工作人员登录" in await clerk.get("/desk")
    assert "调走了" in await admin.get("/admin/accounts?state=locked")
    with pytest.raises(AssertionError, match="401"):
        await clerk.sign_in("ac_demo_clerk")
    assert "能用" in await admin.post(f"{page}/unlock")
    town.clock.at += timedelta(minutes=1)  # type: ignore[attr-defined]
    await clerk.sign_in("ac_demo_clerk")
    assert "今天" in await clerk.get("/desk")
    await admin.post(f"{page}/end-sessions")
    assert "工作人员登录" in await clerk.get("/desk")


async def test_the_last_administrator_stays(town: Station, new_person: NewPerson) -> None:
    """Neither locked, nor reset, nor given another role, until another one can sign in."""
    admin = await new_person("ac_demo_admin")
    page = "/admin/accounts/ac_demo_admin"
    shown = await admin.get(page)
    assert "最后一个能用的管理员" in shown and "您自己的账号" in shown and f"{page}/lock" not in shown
    for act, fields in (
        ("lock", {"reason": "不干了"}),
        ("reset", {"what": "both"}),
        ("edit", {"role": "supervisor", "name": "管理员", "version": "0"}),
    ):
        assert "最后一个能用的管理员" in await admin.post(f"{page}/{act}", 409, **fields), act
    await accounts.create_account(town, ADMIN, StaffForm(Role.ADMIN, "方圆", "fangyuan"))
    with pytest.raises(LastAdministrator):  # who was only invited cannot administer yet
        await accounts.lock_account(town, ADMIN, "ac_demo_admin", "不干了")


async def test_two_administrators_lock_one_another_at_once(bare_town: Station) -> None:
    """On SQLite and on PostgreSQL one of them stays."""
    second = await accounts.create_account(bare_town, ADMIN, StaffForm(Role.ADMIN, "方圆", "fangyuan"))
    async with bare_town.database.transaction() as work:
        ids = [ADMIN.account, second.account]
        values = {"password_hash": "x", "totp_secret": "x"}
        await work.execute(account_rows.update().where(account_rows.c.id.in_(ids)).values(**values))
        await work.execute(account_rows.update().where(account_rows.c.id == ADMIN.account).values(login="admin"))
    other = replace(bare_town, database=Database(bare_town.database.url))
    done = await asyncio.gather(
        accounts.lock_account(bare_town, ADMIN, second.account, "调走了"),
        accounts.lock_account(other, ADMIN, ADMIN.account, "调走了"),
        return_exceptions=True,
    )
    await other.database.close()
    assert sorted(type(one).__name__ for one in done) == ["LastAdministrator", "NoneType"], done


async def test_the_second_of_two_administrators_sees_both(town: Station, new_person: NewPerson) -> None:
    """Whoever saves what another has changed meanwhile is shown what stands now and what they typed."""
    admin = await new_person("ac_demo_admin")
    page = "/admin/accounts/ac_demo_unit"
    fields = {"role": "unit", "scope-unit": "un_demo_housing", "name": "许志远", "version": "0"}
    await admin.post(f"{page}/edit", 200, **{**fields, "phone": "13900001111"})
    shown = await admin.post(f"{page}/edit", 409, **{**fields, "name": "许志强"})
    assert "13900001111" in shown and "许志强" in shown and 'name="version" value="1"' in shown
    with pytest.raises(ChangedMeanwhile):
        await accounts.change_staff(
            town, ADMIN, "ac_demo_unit", StaffForm(Role.UNIT, "许", "unit", "un_demo_housing"), 0
        )


async def test_another_scope_signs_out(town: Station, new_person: NewPerson) -> None:
    """Rooms know the role that somebody came in with, so a change of role or scope ends their sessions."""
    admin, clerk = await new_person("ac_demo_admin"), await new_person("ac_demo_clerk")
    await admin.post(
        "/admin/accounts/ac_demo_clerk/edit",
        200,
        **{"role": "clerk", "scope-clerk": "", "name": "何晓雯", "version": "0"},
    )
    assert "工作人员登录" in await clerk.get("/desk")
    assert "全区" in await admin.get("/admin/accounts/ac_demo_clerk")


@pytest.mark.parametrize(("what", "step"), [("password", "设新密码"), ("factor", "填现在的密码"), ("both", "第 1 步")])
async def test_a_reset_ends_sessions_and_asks_for_what_was_reset(
    town: Station, new_person: NewPerson, what: str, step: str
) -> None:
    """The other half of the sign-in stays, and is asked for where it proves who opens the link."""
    admin, clerk, guest = await new_person("ac_demo_admin"), await new_person("ac_demo_clerk"), await new_person()
    link = link_on(await admin.post("/admin/accounts/ac_demo_clerk/reset", what=what))
    assert "工作人员登录" in await clerk.get("/desk")
    assert step in await guest.get(link)
    if what == "factor":
        assert "密码不对" in await guest.post(f"{link}/password", 422, password="not-that-one")
    password = "demo-station" if what == "factor" else PASSWORD
    answer = await guest.post(f"{link}/password", password=password, again=password)
    if what == "password":
        secret = next(a.secret for a in DEMO_ACCOUNTS if a.id == "ac_demo_clerk")
        otp = pyotp.TOTP(secret).at(town.clock.now().timestamp() + 30)
        answer = await guest.post("/signin/staff", login="clerk", password=PASSWORD, otp=otp)
    else:
        assert "第 2 步" in answer
        answer = await guest.post(f"{link}/factor", otp=await code_of(guest, link))
    assert "今天" in answer


class Kept(Channel):
    """A carrier that keeps what it was given."""

    def __init__(self) -> None:
        self.got: list[Notice] = []

    async def send(self, notice: Notice) -> None:
        self.got.append(notice)


async def test_an_invite_by_sms_is_blanked_when_it_is_sent(town: Station) -> None:
    """It waits for the day, holds the link for the carrier alone, and stands in no row and no event afterwards."""
    real = replace(town, settings=town.settings.model_copy(update={"demo": False}))
    sends = replace(
        real, settings=town.settings.model_copy(update={"demo": False, "sms_url": SecretStr("http://127.0.0.1:9/")})
    )
    form = replace(WANG, phone="139 1234 5678")
    made = await accounts.create_account(sends, ADMIN, form, lambda token: f"https://zl.example/invite/{token}")
    carrier = Kept()
    await deliver_due(sends, {"sms": carrier})
    assert made.token in carrier.got[0].text and "wangming" in carrier.got[0].text
    stored = [notice for notice in await list_newest(town) if notice.address == "13912345678"]
    assert [notice.text for notice in stored] == [""] and made.token not in str(stored)
    assert made.token not in str(await timeline(town, f"account:{made.account}"))


async def test_each_state_has_its_steps(town: Station) -> None:
    """What the table does not allow is refused whoever asks; docs/accounts.md shows the same table."""
    for number, (state, step) in enumerate(product(AccountState, Step)):
        form = replace(WANG, login=f"wang{number}")
        made = await accounts.create_account(town, ADMIN, form)
        await put_into(town, made.account, state)
        present = await accounts.get_staff(town, made.account)
        assert present.state is state
        taken = take(town, present, step, form)
        if state in STEPS[step]:
            await taken
        else:
            with pytest.raises(NotInThisState):
                await taken


async def take(town: Station, account: StaffAccount, step: Step, form: StaffForm) -> None:
    """One step of an administrator."""
    match step:
        case Step.EDIT:
            await accounts.change_staff(town, ADMIN, account.id, replace(form, name="王明明"), account.version)
        case Step.INVITE:
            await accounts.invite_again(town, ADMIN, account.id)
        case Step.REVOKE:
            await accounts.revoke_invite(town, ADMIN, account.id)
        case Step.RESET:
            await accounts.reset_sign_in(town, ADMIN, account.id, Asks.BOTH)
        case Step.LOCK:
            await accounts.lock_account(town, ADMIN, account.id, "调走了")
        case Step.UNLOCK:
            await accounts.unlock_account(town, ADMIN, account.id)
        case Step.END_SESSIONS:
            await accounts.sign_out_everywhere(town, ADMIN, account.id)


async def put_into(town: Station, account: str, state: AccountState) -> None:
    """Bring a fresh account into a state."""
    if state is AccountState.INVITED:
        return
    await accounts.revoke_invite(town, ADMIN, account)
    values: dict[AccountState, dict[str, object]] = {
        AccountState.RUN_OUT: {},
        AccountState.UNSECURED: {"password_hash": "x"},
        AccountState.ACTIVE: {"password_hash": "x", "totp_secret": "x"},
        AccountState.LOCKED: {"disabled": True, "locked_why": "调走了"},
    }
    if values[state]:
        async with town.database.transaction() as work:
            await work.execute(account_rows.update().where(account_rows.c.id == account).values(**values[state]))
