"""The page of what carriers took and did not take, with a button to send it once more."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from station.base.errors import N_
from station.base.idempotency import answer_at
from station.base.web import (
    language_of,
    principal_of,
    query_cursor,
    query_text,
    read_form,
    render,
    see_other,
    station_of,
    translate,
)
from station.notices.delivery_service import UNSETTLED, list_deliveries, may_resend, resend
from station.notices.delivery_store import CARRIED
from station.notices.model import NoticeState
from station.people.model import mask_phone

PAGE = "/admin/notices"
STATE_WORDS = {
    NoticeState.FAILED: N_("没有发出去"),
    NoticeState.UNKNOWN: N_("不知道到没到"),
    NoticeState.WAITING: N_("等着发"),
}


async def list_notices(request: web.Request) -> web.StreamResponse:
    """Notices in one state, the failed ones first."""
    station, asked = station_of(request), query_text(request, "state")
    state = next((each for each in UNSETTLED if each == asked), NoticeState.FAILED)
    page = await list_deliveries(station, state, query_cursor(request))
    return render(
        request,
        "admin/notices.html",
        found=page,
        state=state,
        state_words=STATE_WORDS,
        channels=CARRIED,
        sent=NoticeState.SENT,
        masked=_mask,
        words=lambda notice: notice.words(partial(translate, request), language_of(request)),
        may_resend=lambda notice: may_resend(station, notice),
        settings=station.settings,
    )


def _mask(address: str) -> str:
    """Enough of an address to find whose it is."""
    name, at, host = address.partition("@")
    return f"{name[:2]}****@{host}" if at else mask_phone(address)


async def send_again(request: web.Request) -> web.StreamResponse:
    """Send one once more and show the list again."""
    form = await read_form(request)
    waiting = f"{PAGE}?state={NoticeState.WAITING}"
    answer_at(waiting)
    await resend(station_of(request), principal_of(request), form.get("notice", ""))
    return see_other(waiting)
