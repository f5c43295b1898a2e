"""The page of long jobs: what waits, what is being done, and a button for what failed."""

from __future__ import annotations

from aiohttp import web

from station.base.errors import N_
from station.base.web import principal_of, read_form, render, see_other, station_of
from station.operations.jobs_model import reason_of
from station.operations.jobs_service import list_jobs, retry_job

KIND_WORDS = {
    "compose": N_("把录像做成一个视频"),
    "seal": N_("把见面的材料封存归档"),
    "close-cancelled": N_("关掉取消了的见面"),
    "pause-recording": N_("群众收回同意以后，把录像停下来"),
    "recount": N_("按新的放假安排重算期限和接待时间"),
}


async def show_jobs(request: web.Request) -> web.StreamResponse:
    """The jobs that are not done, of the caller's station."""
    found = await list_jobs(station_of(request), principal_of(request))
    return render(request, "operations/jobs.html", jobs=found, words=KIND_WORDS, reason_of=reason_of)


async def retry(request: web.Request) -> web.StreamResponse:
    """Begin a failed job anew and show the list again."""
    form = await read_form(request)
    await retry_job(station_of(request), principal_of(request), form.get("key", ""))
    return see_other("/desk/jobs")
