"""Going in: consent is asked and stored first, then web signs a pass that media checks."""

from __future__ import annotations

import time
from dataclasses import dataclass

from station.base.grants import Grant, Right
from station.base.principal import Principal
from station.base.station import Station
from station.ledger.service import append
from station.meeting import store
from station.meeting.consent import own_consents
from station.meeting.model import (
    GRANT_TTL,
    ConsentMissing,
    Meeting,
    RecordingIsOn,
    Relation,
    asked_kinds,
    requires_consent,
)
from station.meeting.service import check_lobby, check_still_inside, open_meeting, seat_inside, shown_name
from station.nodes import media_client
from station.nodes.placement import place_room
from station.people.model import ConsentKind

PASSES_A_MINUTE = 60  # of one person: a page whose line breaks again and again asks for thirty


@dataclass(frozen=True, slots=True)
class SignedGrant:
    """A pass into the room, the URL of the signalling to go in by, and how long the pass opens the door."""

    grant: str
    url: str
    expires_s: int


async def sign_grant(station: Station, who: Principal, meeting_id: str) -> SignedGrant:
    """A pass for GRANT_TTL, and the way in; the first host's pass opens the meeting.

    Who has lost the room asks again: if its media process has gone, the way in leads to another one.

    Raises NotAdmitted, and like `check_lobby`; ConsentMissing before a citizen has answered; RecordingIsOn to a
    citizen who refused while the others are being recorded; Unavailable when media cannot say whether they are;
    TooManyRequests.
    """
    meeting, seat = await seat_inside(station, who, meeting_id)
    check_lobby(station, meeting)
    node = await place_room(station, meeting_id)
    if requires_consent(who.role):
        await _check_consent(station, who, meeting)
    await station.bus.limit(f"pass:{who.account}", PASSES_A_MINUTE, 60)  # each is a row of the ledger
    now = station.clock.now()
    async with station.database.transaction() as work:
        if seat.relation in (Relation.HOST, Relation.STAFF):
            meeting = await open_meeting(station, work, who, meeting)
        else:
            await check_still_inside(work, who, meeting, seat)
        await store.change_entry(work, meeting_id, who.account, granted_at=now)
        # Before the commit: whoever is put out after it is put out later than this pass was signed.
        issued_at = time.time()
        await append(station, work, who, "grant.signed", meeting.subject, {"rights": sorted(seat.rights)})
    if requires_consent(who.role):
        # Again, as a recording may have begun or a word been taken back meanwhile. From the commit on whoever starts
        # one finds this person on the way in, and looks again once it runs: one of the two sees the other.
        await _check_consent(station, who, meeting)
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


async def _check_consent(station: Station, who: Principal, meeting: Meeting) -> None:
    answers = await own_consents(station, who, meeting)
    if any(kind not in answers for kind in asked_kinds(meeting)):
        raise ConsentMissing
    if answers[ConsentKind.RECORDED]:
        return
    if (await media_client.get_room(station, meeting.id)).recording.state == "recording":
        raise RecordingIsOn
