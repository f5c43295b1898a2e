"""Booking, one thing a page: time → matter (in `matter_pages`) → check → done; and cancelling."""

from __future__ import annotations

from aiohttp import web

from station.base.clock import local_date
from station.base.errors import N_, BadInput
from station.base.origin import public_origin
from station.base.principal import Role
from station.base.web import principal_of, private_file, read_form, render, see_other, station_of, translate
from station.booking.calendar_file import calendar_of
from station.booking.drafts import drop_draft, get_draft
from station.booking.find_pages import answer_deputy
from station.booking.model import CHOOSE_ANOTHER, REASON_LENGTH, BookingState, FormChanged, Mode
from station.booking.photos import booking_photos, draft_photos
from station.booking.policy import booking_policy
from station.booking.rota import get_slot
from station.booking.service import cancel_booking, confirm_draft, get_booking, may_enter, open_booking_photo
from station.directory.service import get_deputy
from station.people.model import mask_phone
from station.people.service import get_account
from station.photos.model import CONTENT_TYPE

SUMMARIES = {
    Mode.VIDEO: N_("和%(name)s代表视频见面"),
    Mode.ONSITE: N_("到站见%(name)s代表"),
    Mode.PHONE: N_("%(name)s代表打电话给您"),
}


async def choose_slot(request: web.Request) -> web.StreamResponse:
    """From the deputy's page with the chosen time to the form; guests come back to it after signing in."""
    slot_id = request.query.get("slot", "")
    if slot_id:
        slot = await get_slot(station_of(request), principal_of(request), slot_id)
        return see_other(f"/book/{slot.id}")
    if not (deputy_id := request.query.get("deputy", "")):
        return see_other("/deputies")
    return await answer_deputy(request, deputy_id, unchosen=True)


async def show_check(request: web.Request) -> web.StreamResponse:
    """Everything said, once more, before it counts."""
    return await _show_check(request)


async def _show_check(request: web.Request, fault: BadInput | None = None) -> web.StreamResponse:
    station, who = station_of(request), principal_of(request)
    slot = await get_slot(station, who, request.match_info["slot"])
    draft = await get_draft(station, who)
    if draft is None or draft.slot_id != slot.id or draft.mode is None or not draft.topic:
        return see_other(f"/book/{slot.id}")
    return render(
        request,
        "booking/check.html",
        status=fault.status if fault else 200,
        fields=fault.fields if fault else {},
        slot=slot,
        deputy=await get_deputy(station, slot.deputy_id),
        draft=draft,
        photos=await draft_photos(station, who),
        phone=mask_phone((await get_account(station, who.account)).phone),
        today=local_date(station.clock.now()),
    )


async def confirm(request: web.Request) -> web.StreamResponse:
    """Book it."""
    station, who, slot_id = station_of(request), principal_of(request), request.match_info["slot"]
    form = await read_form(request)
    if form.get("use") != "yes":
        return await _show_check(request, BadInput(fields={"use": N_("要您同意，代表才能看到您写的内容")}))
    if form.get("wording", str(station.identity.consent.version)) != str(station.identity.consent.version):
        return await _show_check(request, BadInput(fields={"use": N_("这段话刚刚改过，请看一看再打勾")}))
    try:
        booking = await confirm_draft(station, who, slot_id, form.get("key", ""))
    except FormChanged as changed:
        draft = await get_draft(station, who)
        if draft is None or draft.slot_id != slot_id:
            raise
        return await _show_check(request, BadInput(fields={"use": changed.message}))
    except CHOOSE_ANOTHER as error:
        return await answer_deputy(request, (await get_slot(station, who, slot_id)).deputy_id, error)
    return see_other(f"/bookings/{booking.id}")


async def give_up(request: web.Request) -> web.StreamResponse:
    """Not now: let the slot go and forget what was typed."""
    station, who = station_of(request), principal_of(request)
    slot = await get_slot(station, who, request.match_info["slot"])
    await drop_draft(station, who)
    return see_other(f"/deputies/{slot.deputy_id}")


async def show_booking(request: web.Request) -> web.StreamResponse:
    """The confirmation, and afterwards what became of it."""
    station, who = station_of(request), principal_of(request)
    booking = await get_booking(station, who, request.match_info["booking"])
    return render(
        request,
        "booking/done.html" if booking.citizen == who.account else "desk/booking.html",
        booking=booking,
        photos=await booking_photos(station, who, booking),
        phone=mask_phone((await get_account(station, booking.citizen)).phone),
        enter_from=booking.enter_from(booking_policy(station)),
        may_enter=may_enter(station, booking),
        ahead=booking.state is BookingState.BOOKED and booking.ends_at > station.clock.now(),
        may_cancel=booking.state is BookingState.BOOKED and booking.starts_at > station.clock.now(),
        today=local_date(station.clock.now()),
    )


async def send_photo(request: web.Request) -> web.StreamResponse:
    """A photo of the booking, for those who may see the booking."""
    ids = request.match_info
    path = await open_booking_photo(station_of(request), principal_of(request), ids["booking"], ids["photo"])
    return private_file(path, CONTENT_TYPE)


async def send_calendar(request: web.Request) -> web.StreamResponse:
    """The booking as a calendar file."""
    station, who = station_of(request), principal_of(request)
    booking = await get_booking(station, who, request.match_info["booking"])
    body = calendar_of(
        booking,
        station.clock.now(),
        str(public_origin(request) / "bookings" / booking.id),
        translate(request, SUMMARIES[booking.mode], name=booking.deputy_name),
        f"{booking.station_name} {booking.station_address}",
        f"{translate(request, '网上代表联络站')} {station.identity.district}".rstrip(),
    )
    headers = {"Content-Disposition": f'attachment; filename="{booking.id}.ics"', "Cache-Control": "no-store"}
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)


async def ask_cancel(request: web.Request) -> web.StreamResponse:
    """Sure? Says what happens next; a deputy or clerk is asked why."""
    return await _ask_cancel(request)


async def _ask_cancel(
    request: web.Request, fields: dict[str, str] | None = None, form: dict[str, str] | None = None
) -> web.StreamResponse:
    station, who = station_of(request), principal_of(request)
    booking = await get_booking(station, who, request.match_info["booking"])
    if booking.state is not BookingState.BOOKED:
        return see_other(f"/bookings/{booking.id}")
    return render(
        request,
        "booking/cancel.html" if who.role is Role.CITIZEN else "desk/cancel_booking.html",
        status=422 if fields else 200,
        booking=booking,
        fields=fields or {},
        form=form or {},
        may_ask_for=who.role is not Role.DEPUTY,
        reason_length=REASON_LENGTH,
        today=local_date(station.clock.now()),
    )


async def cancel(request: web.Request) -> web.StreamResponse:
    """Cancel and show the booking as cancelled, with the way to a new one."""
    form = await read_form(request)
    station, who, booking_id = station_of(request), principal_of(request), request.match_info["booking"]
    try:
        await cancel_booking(station, who, booking_id, form.get("reason", ""), form.get("asked_by") == "citizen")
    except BadInput as error:
        return await _ask_cancel(request, error.fields, form)
    return see_other(f"/bookings/{booking_id}")
