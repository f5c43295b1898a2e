"""The work role: takes long jobs from the database, and does the chores that come round again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from station.app import close_station, open_station
from station.archive.jobs import compose, record_missing_seals, seal_bag, seal_uncomposed
from station.archive.retention import archive_forgotten_meetings, expire_recordings
from station.backup.nightly import back_up_nightly
from station.base import jobs
from station.base.clock import years_before
from station.base.errors import Unavailable
from station.base.heartbeats import beat
from station.base.idempotency import delete_expired_keys
from station.base.settings import Settings
from station.base.station import Station
from station.booking.drafts import forget_old_drafts
from station.booking.photos import cancelled_with_photos, remove_photos
from station.booking.reminders import send_reminders
from station.booking.rota import extend_slots
from station.cases.service import bookings_with_cases, issue_due_cards, recount_provisional
from station.holidays.service import RECOUNT, follow_notices, refresh
from station.ledger.service import clear_words_before, watch_head
from station.live.web.service import end_orphans, sync_pending
from station.meeting.consent import pause_recording
from station.meeting.service import close_cancelled
from station.meeting.term import end_forgotten
from station.notices.channels import channels_for, outbox_file
from station.notices.service import delete_old_notices, deliver_due, signature_of
from station.operations.recount import recount_by_notice
from station.people.expiry import delete_expired_sessions
from station.people.kept_form_service import forget_old_forms
from station.photos.service import delete_orphaned_files
from station.setup.service import follow_identity, load_identity_or_go_on

log = structlog.get_logger()
IDLE_S = 0.5
HEARTBEAT_S = 10
AGAIN_S = 1.0

Progress = Callable[[float], Awaitable[None]]
Chore = Callable[[Station], Awaitable[None]]
JobHandler = Callable[[Station, dict[str, Any], Progress], Awaitable[None]]
HANDLERS: dict[str, JobHandler] = {
    "compose": compose,
    "seal": seal_bag,
    "close-cancelled": close_cancelled,
    "pause-recording": pause_recording,
    RECOUNT: recount_by_notice,
}
# Two lanes, one job at a time in each: who takes their word back is not recorded until somebody's video is composed.
LONG_JOBS = ("compose", "seal")
BRIEF_JOBS = ("close-cancelled", "pause-recording", RECOUNT)


async def run_work(settings: Settings) -> None:
    """Work until cancelled."""
    station = open_station(settings)
    await load_identity_or_go_on(station)
    if not settings.sends_sms:
        log.warning("no_sms_carrier", remedy="set STATION_SMS_URL; until then citizens cannot sign in")
    if not station.identity.help_phone:
        log.warning("no_help_phone", remedy="type it at /admin/district; pages lead to the stations' numbers")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(follow_notices(station))
            for kinds in (LONG_JOBS, BRIEF_JOBS):
                group.create_task(_work_jobs(station, kinds))
            group.create_task(follow_identity(station))
            for every_s, chore in CHORES:
                group.create_task(_do_chore(station, every_s, chore))
    finally:
        await close_station(station)


async def work_once(station: Station, kinds: Sequence[str] = (*LONG_JOBS, *BRIEF_JOBS)) -> bool:
    """Take one job of these kinds, if there is one, and do it; returns whether there was one."""
    job = await jobs.claim(station.database, list(kinds), station.clock.now())
    if job is None:
        return False
    shown = job.progress

    async def progress(value: float) -> None:
        nonlocal shown
        if value - shown >= 0.01 or value >= 1.0:
            shown = value
            await _keep_lease(station, job, value)

    async def keep_lease() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await _keep_lease(station, job, shown)

    heartbeat = asyncio.create_task(keep_lease())
    try:
        await _do_job(station, job, progress)
    finally:
        heartbeat.cancel()
        await asyncio.gather(heartbeat, return_exceptions=True)
    return True


async def _do_job(station: Station, job: jobs.Job, progress: Progress) -> None:
    # `job=` in the log: a field named `key` would be hidden as a secret.
    try:
        await HANDLERS[job.kind](station, job.arguments, progress)
    except asyncio.CancelledError:
        try:
            await jobs.give_back(station.database, job, station.clock.now())
        except Exception as error:  # then its lease runs out
            log.warning("job_not_given_back", job=job.key, error=f"{type(error).__name__}: {error}"[:200])
        raise
    except Exception as error:
        log.exception("job_failed", job=job.key, attempt=job.attempts + 1, attempts=jobs.MAX_ATTEMPTS)
        told = f"{type(error).__name__}: {error}"
        await _try_until_told(partial(jobs.fail, station.database, job, told, station.clock.now()), job)
    else:
        await _try_until_told(partial(jobs.finish, station.database, job, station.clock.now()), job)
        log.info("job_done", job=job.key)


async def _keep_lease(station: Station, job: jobs.Job, shown: float) -> None:
    """A lease that cannot be kept for a moment fails no job: another worker takes it once it has run out, no sooner."""
    try:
        await jobs.report_progress(station.database, job, shown, station.clock.now())
    except Exception as error:
        log.warning("lease_not_kept", job=job.key, error=f"{type(error).__name__}: {error}"[:200])


async def _try_until_told(tell: Callable[[], Awaitable[None]], job: jobs.Job) -> None:
    """Write a job's end, for as long as the database is away: else what was done would be done again."""
    while True:
        try:
            await tell()
        except Exception as error:
            log.warning("job_end_not_written", job=job.key, error=f"{type(error).__name__}: {error}"[:200])
            await asyncio.sleep(AGAIN_S)
        else:
            return


async def _work_jobs(station: Station, kinds: Sequence[str]) -> None:
    while True:
        try:
            found = await work_once(station, kinds)
        except Exception:
            log.exception("work_failed")
            await asyncio.sleep(AGAIN_S)
            continue
        if not found:
            await asyncio.sleep(IDLE_S)


async def _do_chore(station: Station, every_s: float, chore: Chore) -> None:
    """Do it again and again; one that fails is told in the log and tried at its next turn."""
    while True:
        try:
            await chore(station)
        except Exception:
            log.exception("chore_failed", chore=chore.__name__)
        await asyncio.sleep(every_s)


async def give_sign(station: Station) -> None:
    """Let `/readyz` see that this role is alive."""
    await beat(station.database, "work", station.clock.now())


async def deliver_notices(station: Station) -> None:
    """Send what waits in the outbox."""
    await deliver_due(station, channels_for(station.settings, signature_of(station)))


async def turn_clocks(station: Station) -> None:
    """Recount provisional deadlines by the calendar in force, then issue the cards that are due."""
    await refresh(station)
    await recount_provisional(station)
    await issue_due_cards(station)


async def watch_ledger(station: Station) -> None:
    """See that the database still holds what was noted outside of it."""
    await watch_head(station)


async def end_orphan_broadcasts(station: Station) -> None:
    """Take off air what no row tells of. While the live role is away there is nothing to do."""
    with suppress(Unavailable):
        await end_orphans(station)


async def end_forgotten_meetings(station: Station) -> None:
    """End what nobody ended on its day."""
    await end_forgotten(station)


async def archive_forgotten(station: Station) -> None:
    """See that every ended meeting is archived, also one that no journal told of."""
    await archive_forgotten_meetings(station)


async def seal_without_video(station: Station) -> None:
    """See that what was recorded is sealed, also where no video can be made of it."""
    await seal_uncomposed(station)


async def expire_meetings(station: Station) -> None:
    """Delete recordings, bags, chats, names and photos past their term."""
    await expire_recordings(station)
    await expire_photos(station)


async def expire_photos(station: Station) -> int:
    """Delete the photos of bookings cancelled long ago; returns of how many bookings.

    What became a matter all the same keeps them: they belong to the matter then.
    """
    removed = 0
    async for lot in cancelled_with_photos(station):
        unused = set(lot) - await bookings_with_cases(station, lot)
        for booking_id in sorted(unused):
            await remove_photos(station, booking_id)
        removed += len(unused)
    return removed


async def prove_bags(station: Station) -> None:
    """See that every sealed bag is in the ledger."""
    await record_missing_seals(station)


async def back_up_each_night(station: Station) -> None:
    """Where STATION_BACKUP_TARGET says where to."""
    await back_up_nightly(station)


async def lay_out_rota(station: Station) -> None:
    """Keep the days ahead open for booking."""
    await extend_slots(station)
    if station.settings.demo:
        from station.demo.booking import keep_today_bookable  # noqa: PLC0415  only the demo loads the demo

        await keep_today_bookable(station)


async def expire_unsent(station: Station) -> None:
    """Delete what was typed and never sent: drafts with their photos, kept forms, files that no row names."""
    await forget_old_drafts(station)
    await forget_old_forms(station)
    await delete_orphaned_files(station)


async def expire_sessions(station: Station) -> None:
    """Delete sessions, one-time codes and idempotency keys that are over."""
    await delete_expired_sessions(station)
    await delete_expired_keys(station.database, station.clock.now())


async def expire_notices(station: Station) -> None:
    """Delete notices past their term, and the file that a station without a carrier once wrote SMS into."""
    days = timedelta(days=station.settings.keep_notices_days)
    await delete_old_notices(station, station.clock.now() - days)
    if not station.settings.demo:
        await asyncio.to_thread(outbox_file(station.settings).unlink, missing_ok=True)


async def remind_citizens(station: Station) -> None:
    """Whose meeting is a day or an hour away."""
    await send_reminders(station)


async def expire_reasons(station: Station) -> None:
    """Delete what people typed as reasons, past its term; the ledger's chain holds only a hash of it."""
    await clear_words_before(station, years_before(station.clock.now(), station.settings.keep_recordings_years))


# All personal data that has a term is deleted by one of these: docs/architecture.md ("What is deleted, and when").
DELETE_PERSONAL_DATA: tuple[Chore, ...] = (
    expire_unsent,
    expire_sessions,
    expire_notices,
    expire_reasons,
    expire_meetings,
)
# Seconds between two turns, and what is done.
CHORES: tuple[tuple[float, Chore], ...] = (
    (1, deliver_notices),
    (3, sync_pending),
    (15, give_sign),
    (60, turn_clocks),
    (60, remind_citizens),
    (60, watch_ledger),
    (60, end_orphan_broadcasts),
    (600, end_forgotten_meetings),
    (600, archive_forgotten),
    (600, seal_without_video),
    (600, back_up_each_night),
    (3600, prove_bags),
    (3600, lay_out_rota),
    *((3600, chore) for chore in DELETE_PERSONAL_DATA),
)
