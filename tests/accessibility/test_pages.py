"""Every page of every role: accessible, as wide as its window, in one language, without an error in its script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser

from station.people.rights import Action
from station.routes import ROUTES
from tests.accessibility.checks import (
    DESK_ELDER,
    DESK_EN_DARK,
    PHONE_ELDER,
    PHONE_EN_LIGHT,
    PHONE_ZH_LIGHT,
    Look,
    measure,
    measure_large_type,
    wear,
)
from tests.accessibility.walk import Walk
from tests.journeys import steps
from tests.journeys.test_hearing import open_hearing
from tests.journeys.visitor import DESK, PHONE, Visitor
from tests.servers import RunningStation

SESSIONS: dict[tuple[str, str], list[Any]] = {}
PUBLIC = frozenset({Action.BROWSE, Action.SIGN_IN, Action.SEE_DEMO, Action.SEE_PUBLIC_CASES})


# Colours are measured when nothing fades any more, and a room's door when it has asked for the devices.
ADMINISTRATION = frozenset(route.path for route in ROUTES if route.path.startswith("/admin"))

AT_REST = """!document.querySelector('#join')?.disabled
    && !document.getAnimations().some((one) => one instanceof CSSTransition && one.playState === 'running')"""


async def arrive(browser: Browser, station: RunningStation) -> Visitor:
    visitor = await Visitor.arrive(browser, station.address, PHONE)
    await visitor.go("/")
    return visitor


async def look_at(visitor: Visitor, url: str, look: Look) -> list[str]:
    """Open one page in one look; everything that is wrong with it."""
    await visitor.page.goto(visitor.address + url)
    await visitor.until(AT_REST)
    measured = measure_large_type if look.elder else measure
    faults = await measured(visitor.page, look) + visitor.errors
    visitor.errors.clear()
    return [f"{look.language} {look.width} {url}  {fault}" for fault in faults]


async def walk_through(visitor: Visitor, walk: Walk) -> list[str]:
    """All pages on a phone in Chinese by day, on a desk in English by night, then on both in large type."""
    faults = []
    await wear(visitor.page, PHONE_ZH_LIGHT)
    for url in walk.queue:  # it grows while links are followed
        faults += await look_at(visitor, url, PHONE_ZH_LIGHT)
        await walk.follow(visitor.page)
    for look in (DESK_EN_DARK, PHONE_ELDER, DESK_ELDER):
        await wear(visitor.page, look)
        for url in walk.queue:
            faults += await look_at(visitor, url, look)
    return faults


async def look_both(visitor: Visitor, *urls: str) -> list[str]:
    """Both looks of some pages."""
    faults = []
    for look in (PHONE_ZH_LIGHT, DESK_EN_DARK):
        await wear(visitor.page, look)
        for url in urls:
            faults += await look_at(visitor, url, look)
    return faults


async def enter_room(clerk: Visitor, meeting: str) -> list[str]:
    """Through every step of the meeting's page, measuring each; the page stays in the room."""
    faults = []
    for look in (PHONE_ZH_LIGHT, DESK_EN_DARK):
        await wear(clerk.page, look)
        await steps.try_devices(clerk, f"/meet/{meeting}")
        faults += await measure(clerk.page, look)
        await clerk.page.click("#join")
        await steps.enter_room(clerk)
        faults += await measure(clerk.page, look)
    return faults + clerk.errors


async def live_address(watcher: Visitor) -> str:
    await watcher.go("/live")
    found = await watcher.page.locator("main a[href^='/live/']").first.get_attribute("href")
    assert found
    return found


async def csrf_of(visitor: Visitor) -> str:
    return str(await visitor.page.locator("meta[name='csrf-token']").get_attribute("content"))


async def keep_draft(citizen: Visitor) -> str:
    """Choose a second time and say what it is about, without booking it; returns the page to check it on."""
    await citizen.go("/deputies/dp_demo_linxiulan")
    await citizen.page.locator("label.slot:not(.is-full)").first.click()
    await citizen.page.click("form[action='/book'] button")
    await citizen.page.fill("#topic", steps.TOPIC)
    await citizen.page.click("main form .btn-main")
    await citizen.page.wait_for_url("**/check")
    return citizen.page.url.removeprefix(citizen.address)


async def prepare_citizen(citizen: Visitor, walk: Walk) -> None:
    booking = await steps.book(citizen)
    check = await keep_draft(citizen)
    walk.add(check, check.removesuffix("/check"), f"/bookings/{booking}")
    await citizen.go(f"/meet/booking/{booking}")
    walk.add(citizen.page.url.removeprefix(citizen.address))


async def sign_in_once(visitor: Visitor, login: str) -> None:
    """A dynamic code works once: whoever signs in again within its half minute brings the session of before."""
    key = (visitor.address, login)
    if key in SESSIONS:
        await visitor.context.add_cookies(SESSIONS[key])
        return
    await visitor.sign_in_as(login)
    SESSIONS[key] = await visitor.context.cookies()


def signs_in(login: str) -> Callable[[Visitor, Walk], Awaitable[None]]:
    async def sign_in(visitor: Visitor, walk: Walk) -> None:
        await sign_in_once(visitor, login)

    return sign_in


async def make_invite(visitor: Visitor) -> str:
    """An administrator invites somebody, who has chosen a password already; the path of the link."""
    assert visitor.context.browser
    admin = await Visitor.arrive(visitor.context.browser, visitor.address, DESK)
    await sign_in_once(admin, "admin")
    await admin.go("/admin/accounts/new")
    await admin.page.fill("#name", "王明")
    await admin.page.fill("#login", "wangming")
    await admin.page.click("main form .btn-main")
    link = await admin.page.locator("#invite-link").text_content()
    await admin.leave()
    assert link
    path = link.removeprefix(visitor.address)
    await visitor.go(path)
    for name in ("#password", "#again"):
        await visitor.page.fill(name, "桂花街道的早晨好")
    await visitor.page.click("main form .btn-main")
    await visitor.page.locator("#otp").wait_for()
    return path


async def prepare_guest(visitor: Visitor, walk: Walk) -> None:
    path = await make_invite(visitor)
    walk.add(path, f"{path}?again=1")
    await ask_for_code(visitor, walk)


async def ask_for_code(visitor: Visitor, walk: Walk) -> None:
    await visitor.go("/signin")
    await visitor.page.fill("#phone", "13800009999")
    await visitor.page.click("main form[action='/signin'] button")
    await visitor.page.wait_for_url("**/signin/code**")


@dataclass(frozen=True, slots=True)
class Part:
    """A role, how it comes in, and the pages that it has to see."""

    own: frozenset[Action]
    prepare: Callable[[Visitor, Walk], Awaitable[None]]
    also: frozenset[str] = frozenset({"/cases/{case}"})


PARTS = {
    "guest": Part(PUBLIC, prepare_guest, frozenset({"/live"})),
    "citizen": Part(
        frozenset({Action.BOOK, Action.SEE_OWN, Action.RATE_CASE}),
        prepare_citizen,
        frozenset({"/", "/cases/{case}", "/meet/{meeting}"}),
    ),
    "deputy": Part(frozenset({Action.DEPUTY_DESK}), signs_in("linxiulan")),
    "clerk": Part(
        frozenset({Action.CLERK_DESK}),
        signs_in("clerk"),
        frozenset({"/cases/{case}", "/desk/hearings", "/desk/hearings/new"}),
    ),
    "unit": Part(frozenset({Action.HANDLE_CASE}), signs_in("unit")),
    "supervisor": Part(frozenset({Action.OVERSEE}), signs_in("supervisor")),
    "admin": Part(
        frozenset(), signs_in("admin"), frozenset(route.path for route in ROUTES if route.path.startswith("/admin"))
    ),
}


@pytest.mark.parametrize("role", PARTS)
async def test_every_page_of_a_role(role: str, browser: Browser, running_station: RunningStation) -> None:
    """axe finds nothing, nothing scrolls sideways, no script fails, English is English, large type is easy to hit."""
    part = PARTS[role]
    visitor = await arrive(browser, running_station)
    walk = Walk(part.own, part.also)
    await part.prepare(visitor, walk)
    faults = await walk_through(visitor, walk)
    assert not faults, f"{len(faults)} faults on {len(walk.queue)} pages:\n" + "\n".join(faults)
    assert walk.missed() == []
    if role == "supervisor":
        await visitor.page.emulate_media(media="print")
        await visitor.go("/oversight")
        marks = visitor.page.locator(".legend i")
        kept = await marks.evaluate_all("(marks) => marks.map((one) => getComputedStyle(one).printColorAdjust)")
        assert kept == ["exact"] * 3  # grounds are left out on paper, and these marks are nothing else
    await visitor.leave()


async def test_hearing_from_its_making_to_the_replay(browser: Browser, running_station: RunningStation) -> None:
    """The room, the clerk's page of a hearing, the live page and the replay are as accessible as the rest."""
    clerk = await Visitor.arrive(browser, running_station.address, DESK)
    await sign_in_once(clerk, "clerk")
    meeting = await open_hearing(clerk)
    desk = f"/desk/hearings/{meeting}"
    faults = await enter_room(clerk, meeting)
    # A second window: leaving the room's page would take its picture away.
    office = Visitor(clerk.address, clerk.context, await clerk.context.new_page())
    await office.go(desk)
    await office.page.locator("#live-form input[name='person']").first.check()
    await office.page.click("#go-live")
    await office.page.locator("#on-air").wait_for()
    faults += await look_both(office, desk, f"/meet/{meeting}/quality")
    watcher = await arrive(browser, running_station)
    await watcher.go("/live")
    broadcast = await live_address(watcher)
    faults += await look_both(watcher, "/live", "/", broadcast)
    await office.page.request.post(f"{office.address}{desk}/end", form={"csrf": await csrf_of(office)})
    review = broadcast.replace("/live/", "/desk/broadcasts/")
    faults += await look_both(office, desk, review, f"/replay/{meeting}", "/desk")
    faults += await look_both(watcher, "/live", broadcast)  # not public until the clerk has reviewed it
    assert not faults, "\n".join(faults)


async def test_large_type_fits(browser: Browser, running_station: RunningStation) -> None:
    """The large-type view is as accessible, as wide as its window, and its head keeps to the line on a wide screen."""
    visitor = await arrive(browser, running_station)
    await visitor.go("/mode/elder?next=/")
    faults = []
    for look in (PHONE_ZH_LIGHT, PHONE_EN_LIGHT, DESK_EN_DARK):
        await wear(visitor.page, look)
        for url in ("/", "/deputies/dp_demo_linxiulan", "/signin", "/cases"):
            faults += await look_at(visitor, url, look)
            rail, nav = [await visitor.page.locator(part).first.bounding_box() for part in (".sign", ".sign-nav")]
            assert rail and nav
            assert abs(rail["y"] + rail["height"] - nav["y"] - nav["height"]) < 2, f"{look.width} {url}"
    assert not faults, "\n".join(faults)
