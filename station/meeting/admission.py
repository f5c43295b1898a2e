"""Going in: consent is asked and stored first, then web signs a pass that media checks."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import update

from station.base.database import Transaction
from station.base.errors import BadInput
from station.base.grants import Grant, Right
from station.base.principal import Principal
from station.base.station import Station
from station.ledger.service import append
from station.meeting import store
from station.meeting.lobby import people_of
from station.meeting.model import (
    GRANT_TTL,
    Admission,
    ConsentMissing,
    Meeting,
    MeetingEnded,
    NotAdmitted,
    RecordingIsOn,
    Relation,
    present,
    requires_consent,
)
from station.meeting.service import open_meeting, seat_inside, shown_name, take_seat
from station.nodes import media_client
from station.nodes.model import RecordingAction
from station.nodes.placement import place_room
from station.people.service import consents_of, give_consent

CONSENTS_A_MINUTE = 20  # times that one person may say yes
ASKED_KINDS = ("recorded", "published")


@dataclass(frozen=True, slots=True)
class SignedGrant:
    """A pass into the room, the URL of the signalling to go in by, and how long the pass opens the door."""

    grant: str
    url: str
    expires_s: int


async def consents_by_account(station: Station, meeting: Meeting, kind: str = "recorded") -> dict[str, bool]:
    """Who agreed and who did not, the latest word of each."""
    return {c.account: c.given for c in await consents_of(station, meeting.subject) if c.kind == kind}


async def own_consents(station: Station, who: Principal, meeting: Meeting) -> dict[str, bool]:
    """What the caller has answered so far, by kind."""
    return {c.kind: c.given for c in await consents_of(station, meeting.subject) if c.account == who.account}


async def answer_consent(station: Station, who: Principal, meeting_id: str, kind: str, given: bool) -> None:
    """Store a yes or a no to being recorded or published. A no while recording pauses it at once.

    Raises BadInput, and Unavailable when media could not be told; the answer is stored first either way.
    """
    meeting, seat = await take_seat(station, who, meeting_id)
    if kind not in ASKED_KINDS:
        raise BadInput
    before = (await own_consents(station, who, meeting)).get(kind)
    if before is given:
        return
    if given:  # a no is never refused; without limits on the yes both would fill the ledger
        await station.bus.limit(f"consent:{who.account}", CONSENTS_A_MINUTE, 60)
    await give_consent(station, who, kind, meeting.subject, given)
    if kind == "recorded" and not given and seat.admitted and requires_consent(who.role):
        await _pause(station, who, meeting)


async def _pause(station: Station, who: Principal, meeting: Meeting) -> None:
    room = await media_client.get_room(station, meeting.id)
    entries = await people_of(station, meeting.id)
    here = present(entries, media_client.inside(room), station.clock.now() - GRANT_TTL)
    if room.recording.state != "recording" or who.account not in {entry.account for entry in here}:
        return
    await media_client.set_recording(station, meeting.id, RecordingAction.PAUSE)
    async with station.database.transaction() as work:
        await append(station, work, who, "recording.withdrawn", meeting.subject)


async def sign_grant(station: Station, who: Principal, meeting_id: str) -> SignedGrant:
    """A pass for GRANT_TTL, and the way in; the first host's pass opens the meeting.

    Who has lost the room asks again: if its media process has gone, the way in leads to another one.

    Raises NotAdmitted, MeetingEnded; ConsentMissing before a citizen has answered; RecordingIsOn to a citizen who
    refused while the others are being recorded; Unavailable when media cannot say whether they are.
    """
    meeting, seat = await seat_inside(station, who, meeting_id)
    node = await place_room(station, meeting_id)
    if requires_consent(who.role):
        await _check_consent(station, who, meeting)
    now = station.clock.now()
    async with station.database.transaction() as work:
        if seat.relation in (Relation.HOST, Relation.STAFF):
            meeting = await open_meeting(station, work, who, meeting)
        else:
            await _check_still_admitted(work, who, meeting)
        table = store.lobby_entries
        where = (table.c.meeting_id == meeting_id) & (table.c.account == who.account)
        await work.execute(update(table).where(where).values(granted_at=now))
        # Before the commit: whoever is put out after it is put out later than this pass was signed.
        issued_at = time.time()
        await append(station, work, who, "grant.signed", meeting.subject, {"rights": sorted(seat.rights)})
    ttl_s = int(GRANT_TTL.total_seconds())
    grant = Grant(
        room=meeting_id,
        person=who.account,
        name=shown_name(meeting, who),
        rights=frozenset(Right(right) for right in seat.rights),
        expires_at=int(issued_at) + ttl_s,
        session=who.session,
        node=node.name,
        issued_at=issued_at,
    )
    return SignedGrant(station.signer.sign(grant), f"/media/{node.name}/ws", ttl_s)


async def _check_still_admitted(work: Transaction, who: Principal, meeting: Meeting) -> None:
    """Asked again under the rows' locks: the meeting may end, or the person be put out, while a pass is signed.

    Raises MeetingEnded, NotAdmitted.
    """
    current = await store.meeting_by(work.connection, for_update=True, id=meeting.id)
    if current is None or not current.open:
        raise MeetingEnded
    entry = await store.entry_of(work.connection, meeting.id, who.account, for_update=True)
    if entry is None or entry.state is not Admission.ADMITTED:
        raise NotAdmitted


async def _check_consent(station: Station, who: Principal, meeting: Meeting) -> None:
    given = (await own_consents(station, who, meeting)).get("recorded")
    if given is None:
        raise ConsentMissing
    if not given and (await media_client.get_room(station, meeting.id)).recording.state == "recording":
        raise RecordingIsOn
