"""Where one is signed in, and the way out of each place: for citizens and staff alike."""

from __future__ import annotations

from aiohttp import web

from station.base.web import principal_of, read_form, render, see_other, station_of
from station.people.session_service import end_other_sessions, end_own_session, open_sessions

PAGE = "/my/sessions"


async def show_sessions(request: web.Request) -> web.StreamResponse:
    """The browsers in which the caller is signed in, this one first."""
    station, who = station_of(request), principal_of(request)
    found = await open_sessions(station, who.account, who.role, who.session)
    return render(request, "my/sessions.html", sessions=sorted(found, key=lambda session: not session.is_this))


async def end_one(request: web.Request) -> web.StreamResponse:
    """Sign out in one browser."""
    form = await read_form(request)
    await end_own_session(station_of(request), principal_of(request), form.get("session", ""))
    return see_other(PAGE)


async def end_others(request: web.Request) -> web.StreamResponse:
    """Sign out everywhere but here."""
    await end_other_sessions(station_of(request), principal_of(request))
    return see_other(PAGE)
