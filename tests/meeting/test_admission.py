"""Passes and consent: nobody goes in unasked, nobody is recorded against their word."""

from __future__ import annotations

import pytest

from station.base.errors import BadInput, TooManyRequests, Unavailable
from station.base.grants import GrantVerifier, Right
from station.base.station import Station
from station.ledger.verify import verify_chain
from station.meeting.admission import PASSES_A_MINUTE, sign_grant
from station.meeting.consent import answer_consent, own_consents
from station.meeting.lobby import admit, enter_lobby
from station.meeting.model import (
    ConsentMissing,
    Meeting,
    MeetingState,
    NotAdmitted,
    RecordingIsOn,
    RecordingRefused,
)
from station.meeting.recording import control_recording
from station.meeting.service import get_meeting
from station.nodes.media_client import get_room
from station.nodes.model import RecordingAction
from station.people.model import ConsentKind
from tests.meeting.conftest import CLERK, DEPUTY, LI, ZHAO, Enter, Roles, let_in, tick
from tests.meeting.test_lobby import open_hearing


async def test_the_pass_names_room_person_and_rights(town: Station, reception: Meeting) -> None:
    """A host's pass opens the meeting; it is for one room, one person, one minute."""
    signed = await sign_grant(town, DEPUTY, reception.id)
    grant = GrantVerifier.load(town.settings.keys).verify(signed.grant)
    assert (grant.room, grant.person, grant.name) == (reception.id, DEPUTY.account, "林秀兰代表")
    assert grant.rights == {Right.PUBLISH, Right.SUBSCRIBE}
    assert signed.expires_s == 60
    assert (await get_meeting(town, DEPUTY, reception.id)).state is MeetingState.OPEN


async def test_a_citizen_is_let_in_and_asked_before_there_is_a_pass(town: Station, reception: Meeting) -> None:
    """First the door, then the question; an answer either way opens it."""
    await enter_lobby(town, ZHAO, reception.id)
    with pytest.raises(NotAdmitted):
        await sign_grant(town, ZHAO, reception.id)
    await admit(town, DEPUTY, reception.id, ZHAO.account)
    with pytest.raises(ConsentMissing):
        await sign_grant(town, ZHAO, reception.id)
    with pytest.raises(BadInput):
        await answer_consent(town, ZHAO, reception.id, ConsentKind.USE, True)
    with pytest.raises(BadInput):  # nobody is asked about a broadcast of a private talk
        await answer_consent(town, ZHAO, reception.id, ConsentKind.BROADCAST, True)
    await answer_consent(town, ZHAO, reception.id, ConsentKind.RECORDED, True)
    with pytest.raises(ConsentMissing):
        await sign_grant(town, ZHAO, reception.id)
    await answer_consent(town, ZHAO, reception.id, ConsentKind.PUBLISHED, False)
    assert (await sign_grant(town, ZHAO, reception.id)).grant


async def test_a_refusal_still_lets_one_meet(town: Station, reception: Meeting, roles: Roles, enter: Enter) -> None:
    """Who refuses goes in; recording then names them and does not begin."""
    await let_in(town, reception, recorded=False)
    await enter(town, ZHAO, reception.id)
    await enter(town, DEPUTY, reception.id)
    with pytest.raises(RecordingRefused) as refused:
        await control_recording(town, DEPUTY, reception.id, RecordingAction.START)
    assert "赵玉梅" in str(refused.value)
    assert (await get_room(town, reception.id)).recording.state == "off"


async def test_taking_the_word_back_pauses_at_once(
    town: Station, reception: Meeting, roles: Roles, enter: Enter
) -> None:
    """「停录」: the recording pauses, does not go on against the word, and goes on with it."""
    await let_in(town, reception, recorded=True)
    await enter(town, ZHAO, reception.id)
    await enter(town, DEPUTY, reception.id)
    assert (await control_recording(town, CLERK, reception.id, RecordingAction.START)).state == "recording"
    tick(town)
    await answer_consent(town, ZHAO, reception.id, ConsentKind.RECORDED, False)
    assert (await get_room(town, reception.id)).recording.state == "paused"
    with pytest.raises(RecordingRefused):
        await control_recording(town, DEPUTY, reception.id, RecordingAction.RESUME)
    tick(town)
    await answer_consent(town, ZHAO, reception.id, ConsentKind.RECORDED, True)
    assert (await control_recording(town, DEPUTY, reception.id, RecordingAction.RESUME)).state == "recording"
    assert await own_consents(town, ZHAO, reception) == {"recorded": True, "published": True}


async def test_who_refuses_is_not_let_into_a_running_recording(town: Station, roles: Roles, enter: Enter) -> None:
    """They are told why, and may come in once it has stopped."""
    hearing = await open_hearing(town)
    await let_in(town, hearing, recorded=True)
    await enter(town, ZHAO, hearing.id)
    await control_recording(town, DEPUTY, hearing.id, RecordingAction.START)
    await let_in(town, hearing, recorded=False, who=LI)
    with pytest.raises(RecordingIsOn):
        await sign_grant(town, LI, hearing.id)
    await control_recording(town, DEPUTY, hearing.id, RecordingAction.STOP)
    assert (await sign_grant(town, LI, hearing.id)).grant
    with pytest.raises(RecordingRefused):  # on the way in with a pass that is still good
        await control_recording(town, DEPUTY, hearing.id, RecordingAction.START)


async def test_without_media_a_refusal_cannot_be_honoured_so_there_is_no_pass(
    town: Station, reception: Meeting
) -> None:
    """Whether a recording runs cannot be known: the citizen is asked to wait, who agreed may go on."""
    await let_in(town, reception, recorded=False)
    with pytest.raises(Unavailable):
        await sign_grant(town, ZHAO, reception.id)


async def test_passes_without_end_are_refused(town: Station, reception: Meeting) -> None:
    """Each is a row of the ledger: sixty a minute are more than a page asks for whose line breaks again and again."""
    await let_in(town, reception, recorded=True)
    before = (await verify_chain(town.database)).events
    for _ in range(PASSES_A_MINUTE):
        await sign_grant(town, ZHAO, reception.id)
    with pytest.raises(TooManyRequests):
        await sign_grant(town, ZHAO, reception.id)
    assert (await verify_chain(town.database)).events == before + PASSES_A_MINUTE


async def test_saying_yes_and_no_without_end_is_refused(town: Station) -> None:
    """Twenty changes of mind a minute are enough; a no is always taken."""
    hearing = await open_hearing(town)
    await enter_lobby(town, ZHAO, hearing.id)
    await answer_consent(town, ZHAO, hearing.id, ConsentKind.PUBLISHED, True)
    with pytest.raises(TooManyRequests):
        for _ in range(25):
            await answer_consent(town, ZHAO, hearing.id, ConsentKind.PUBLISHED, False)
            await answer_consent(town, ZHAO, hearing.id, ConsentKind.PUBLISHED, True)
    await answer_consent(town, ZHAO, hearing.id, ConsentKind.PUBLISHED, False)
    assert await own_consents(town, ZHAO, hearing) == {"published": False}
