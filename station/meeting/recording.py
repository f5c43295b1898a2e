"""Start, pause, resume, stop: only hosts, and only while every citizen in the room agrees."""

from __future__ import annotations

import structlog

from station.base.errors import NotAllowed, StationError
from station.base.principal import Principal
from station.base.station import Station
from station.ledger.service import append
from station.meeting.consent import consents_by_account
from station.meeting.lobby import people_of
from station.meeting.model import (
    GRANT_TTL,
    Meeting,
    RecordingRefused,
    names_refusing,
    present,
)
from station.meeting.service import seat_inside
from station.nodes import media_client
from station.nodes.media_client import RecordingState, inside
from station.nodes.model import RecordingAction

log = structlog.get_logger()

_TURNS_ON = (RecordingAction.START, RecordingAction.RESUME)


async def control_recording(
    station: Station, who: Principal, meeting_id: str, action: RecordingAction
) -> RecordingState:
    """Ask media for it; `consent.pause_recording` is for a word taken back, where no host asks.

    Raises NotAllowed, RecordingRefused naming who does not agree, Unavailable.
    """
    meeting, seat = await seat_inside(station, who, meeting_id)
    if not seat.may_record:
        raise NotAllowed
    if action in _TURNS_ON:
        await _check_consents(station, meeting)
        await _note(station, who, meeting, action)  # what cannot be noted is not begun
        state = await media_client.set_recording(station, meeting_id, action)
        try:
            await _check_consents(station, meeting)  # again: somebody may have been given a pass meanwhile
        except BaseException:
            await _pause_again(station, meeting_id)
            raise
        return state
    state = await media_client.set_recording(station, meeting_id, action)
    try:
        await _note(station, who, meeting, action)
    except StationError as error:  # it has stopped: a full disk must not make that look undone
        log.warning("recording_not_noted", meeting=meeting_id, action=str(action), error=error.code)
    return state


async def _pause_again(station: Station, meeting_id: str) -> None:
    try:
        await media_client.set_recording(station, meeting_id, RecordingAction.PAUSE)
    except StationError as error:  # what is told to the host is why it may not go on
        log.error("recording_not_paused", meeting=meeting_id, error=error.code)


async def _note(station: Station, who: Principal, meeting: Meeting, action: RecordingAction) -> None:
    async with station.database.transaction() as work:
        await append(station, work, who, "recording.asked", meeting.subject, {"action": action})


async def _check_consents(station: Station, meeting: Meeting) -> None:
    room = await media_client.get_room(station, meeting.id)
    here = present(await people_of(station, meeting.id), inside(room), station.clock.now() - GRANT_TTL)
    names = names_refusing(here, await consents_by_account(station, meeting))
    if names:
        raise RecordingRefused(names="、".join(names))
