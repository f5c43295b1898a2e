"""A booking that is cancelled after its meeting was made: the door, the desk and the room all know."""

from __future__ import annotations

import pytest

from station.base.errors import Conflict
from station.base.principal import Principal
from station.base.station import Station
from station.booking.model import Booking
from station.booking.service import cancel_booking
from station.meeting.admission import sign_grant
from station.meeting.lobby import admit, enter_lobby, list_waiting
from station.meeting.model import BookingCancelled, Meeting
from station.meeting.service import close_cancelled
from station.work import work_once
from tests.meeting.conftest import CLERK, DEPUTY, ZHAO, Enter, Roles, let_in
from tests.meeting.test_pages import NewPerson, visitor

__all__ = ["visitor"]
SAID = {"zh-CN": "这次预约已经取消了", "en": "This booking has been cancelled"}


@pytest.mark.parametrize(("who", "reason"), [(ZHAO, ""), (DEPUTY, "代表生病"), (CLERK, "会场停电")])
async def test_whoever_cancels_the_door_says_so(
    town: Station, visitor: NewPerson, reception: Meeting, booking: Booking, who: Principal, reason: str
) -> None:
    """The citizen who waited and who opens the old address again, and the desks, are told; nobody waits or goes in."""
    citizen, deputy = await visitor("ac_demo_citizen"), await visitor("ac_demo_deputy1")
    base = f"/api/v1/meetings/{reception.id}"
    await citizen.post_json(f"{base}/door", {"action": "enter"})
    assert len(await list_waiting(town)) == 1
    await cancel_booking(town, who, booking.id, reason)
    for language, words in SAID.items():
        citizen.headers = deputy.headers = {"Accept-Language": language}
        for person in (citizen, deputy):
            page = await person.get(f"/meet/{reception.id}")
            assert words in page and 'id="join"' not in page
    refusal = await citizen.post_json(f"{base}/door", {"action": "enter"}, status=409)
    assert isinstance(refusal, dict) and str(refusal["type"]).endswith("/booking-cancelled")
    await citizen.get(f"/meet/booking/{booking.id}", status=409)
    await citizen.post_json(f"{base}/grant", {}, status=409)
    await deputy.post_json(f"{base}/people/{ZHAO.account}", {"action": "admit"}, status=409)
    await deputy.post_json(f"{base}/grant", {}, status=409)
    assert await list_waiting(town) == []
    assert f"admit-{ZHAO.account}" not in await deputy.get("/deputy")


async def test_who_is_inside_leaves_and_cannot_come_back(
    town: Station, reception: Meeting, booking: Booking, roles: Roles, enter: Enter
) -> None:
    """Cancelled while both sit in the room: the work role closes it, and no pass opens it again."""
    await let_in(town, reception, recorded=True)
    sockets = [await enter(town, who, reception.id) for who in (ZHAO, DEPUTY)]
    await cancel_booking(town, CLERK, booking.id, "会场停电")
    while await work_once(town):
        pass
    for socket in sockets:
        while (message := await socket.receive_json(timeout=10))["type"] != "closed":
            pass
        assert message["reason"] == "ended"
    assert reception.id not in roles.media.rooms.rooms
    for who in (ZHAO, DEPUTY):
        with pytest.raises(Conflict):
            await sign_grant(town, who, reception.id)


async def test_an_admission_before_the_cancellation_opens_nothing(
    town: Station, reception: Meeting, booking: Booking
) -> None:
    """Let in but not inside yet, and the work role has not come to it: the row of the door is no way in."""
    await let_in(town, reception, recorded=True)
    await cancel_booking(town, ZHAO, booking.id)
    for act in (
        lambda: sign_grant(town, ZHAO, reception.id),
        lambda: enter_lobby(town, ZHAO, reception.id),
        lambda: admit(town, DEPUTY, reception.id, ZHAO.account),
    ):
        with pytest.raises(BookingCancelled):
            await act()


async def test_a_booking_that_stands_is_left_alone(town: Station, reception: Meeting, booking: Booking) -> None:
    """The job that closes rooms does nothing to a meeting whose booking was not cancelled."""
    await close_cancelled(town, {"booking": booking.id}, None)
    assert (await sign_grant(town, DEPUTY, reception.id)).grant
