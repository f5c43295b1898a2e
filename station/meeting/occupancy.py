"""Who sits in the rooms, held against who may: sessions live on by it, and nobody stays without a right.

Signing out and putting out reach media at once. What only the database knows, such as an account that was closed, or
what media missed while it was away, is found here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count

import structlog

from station.base.errors import NotFound
from station.base.one_by_one import do_each
from station.base.principal import SYSTEM, Principal
from station.base.station import Station
from station.meeting.service import get_meeting, take_seat
from station.nodes import media_client
from station.nodes.media_client import Occupants, Stay
from station.people.model import SESSIONS_TOPIC
from station.people.service import keep_sessions, living_sessions

log = structlog.get_logger()
LOOK_EVERY_S = 2.0
SEATS_EVERY = 5  # looks: rights are the slower and dearer question, and changes of them are told to media at once


async def watch_rooms(station: Station) -> None:
    """Looks again and again until cancelled."""
    for number in count():
        try:
            await look_once(station, with_seats=number % SEATS_EVERY == 0)
        except Exception:
            log.exception("rooms_not_looked_at")
        await asyncio.sleep(LOOK_EVERY_S)


async def look_once(station: Station, with_seats: bool = True) -> None:
    """One look: keeps the sessions of those inside, ends what has no session, no seat or no meeting any more."""
    found = await media_client.list_occupants(station)
    stays = [stay for stay in found.stays if stay.session]  # an encoder has none: its grant alone decides
    sessions = {stay.session for stay in stays}
    living = await living_sessions(station, sessions)
    station.presence.renew(living)
    if living:
        await keep_sessions(station, living.keys())
    for session in sessions - living.keys():
        await _end_session(station, session)
    if with_seats:
        await _check_seats(station, found, [(stay, living[stay.session]) for stay in stays if stay.session in living])


async def _end_session(station: Station, session: str) -> None:
    try:
        await media_client.end_session(station, session)
    except Exception as error:  # whoever still sits there is found by the next look, the others by this one
        log.warning("session_not_ended_at_media", error=repr(error))


async def _check_seats(station: Station, found: Occupants, people: Sequence[tuple[Stay, Principal]]) -> None:
    inside: dict[str, dict[str, Principal]] = {room: {} for room in found.rooms}
    for stay, who in people:
        inside.setdefault(stay.room, {})[stay.person] = who

    async def check_room(room: str) -> bool:
        return await _check_room(station, room, inside[room])

    await do_each(found.rooms, check_room)


async def _check_room(station: Station, room: str, people: Mapping[str, Principal]) -> bool:
    try:
        meeting = await get_meeting(station, SYSTEM, room)
    except NotFound:  # an encoder's room, which no meeting has
        return False
    if not meeting.open:
        log.warning("ended_meeting_had_a_room", room=room)
        await media_client.close_room(station, room)
        return True

    async def check_seat(person: str) -> bool:
        if await _may_stay(station, people[person], room):
            return False
        log.warning("put_out_without_a_seat", room=room)
        await media_client.remove_member(station, room, person)
        return True

    return await do_each(people, check_seat) > 0


async def _may_stay(station: Station, who: Principal, room: str) -> bool:
    try:
        _, seat = await take_seat(station, who, room)
    except NotFound:
        return False
    return seat.admitted


async def end_sessions(station: Station) -> None:
    """Tells media of each session that ends, until cancelled."""
    async with station.bus.subscribe(SESSIONS_TOPIC) as subscription:
        while True:
            message = await subscription.get(60.0)
            if message is not None:
                await _end_session(station, message["session"])
