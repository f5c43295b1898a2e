"""The page behind an invite's link, for browsers old and new, and who may still see the link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from station.base.principal import Principal, Role
from station.base.station import Station
from station.people import account_service as accounts
from station.people import store
from station.people.account_model import Asks, StaffForm
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
ADMIN = Principal("ac_demo_admin", Role.ADMIN, "管理员")
WANG = StaffForm(Role.CLERK, "王明", "wangming", "")
PASSWORD = "桂花街道的早晨好"


def origin_sent(policy: str, own: str) -> str:
    """What a browser names as Origin of a form that a page sends to its own station (Fetch, "append a request `Origin`
    header"): it goes by the page's Referrer-Policy.
    """
    return "null" if policy == "no-referrer" else own


async def test_a_browser_without_fetch_metadata_sends_the_form(station: Station, new_person: NewPerson) -> None:
    """Its Origin is all that says where the form comes from, so the page's policy lets it out, and no path with it."""
    made, guest = await accounts.create_account(station, ADMIN, WANG), await new_person()
    own = f"http://{guest.client.host}:{guest.client.port}"
    async with guest.client.get(f"/invite/{made.token}") as page:
        policy = page.headers["Referrer-Policy"]
    assert policy == "strict-origin"
    form = {"password": PASSWORD, "again": PASSWORD, "csrf": await guest.token()}
    headers = {"Origin": origin_sent(policy, own)}
    async with guest.client.post(f"/invite/{made.token}/password", data=form, headers=headers) as answer:
        assert answer.status == 200 and "第 2 步" in await answer.text()


async def test_a_link_that_was_replaced_is_not_shown_any_more(station: Station, new_person: NewPerson) -> None:
    """The browser that made an invite shows it until another administrator sends a new one."""
    admin = await new_person("ac_demo_admin")
    shown = await admin.post("/admin/accounts", role="clerk", name="王明", login="wangming", scope="")
    assert 'id="invite-link"' in shown
    async with station.database.read() as connection:
        known = await store.credentials_of(connection, "wangming")
    assert known is not None
    page = f"/admin/accounts/{known.account.id}/invite"
    assert 'id="invite-link"' in await admin.get(page)
    await accounts.invite_again(station, ADMIN, known.account.id)
    assert "不能再看了" in await admin.get(page)


async def test_a_sign_in_under_way_opens_nothing_after_a_reset(station: Station, new_person: NewPerson) -> None:
    """Password and secret that were looked at before are no longer the account's: no dynamic code is taken by them."""
    await new_person("ac_demo_admin")
    async with station.database.read() as connection:
        known = await store.credentials_of(connection, "clerk")
    assert known is not None
    later = int(station.clock.now().timestamp()) // 30 + 1
    await accounts.reset_sign_in(station, ADMIN, known.account.id, Asks.PASSWORD)
    async with station.database.transaction() as work:
        assert not await store.use_dynamic_code(work, known, later)
        assert await store.use_dynamic_code(work, replace(known, password_hash=""), later), "nothing else kept it out"
