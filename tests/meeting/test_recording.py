"""Recording while nothing can be stored, and while somebody who refuses it comes in at the same moment."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from station.base.errors import StorageFull
from station.base.station import Station
from station.meeting import admission, recording
from station.meeting.admission import sign_grant
from station.meeting.consent import answer_consent
from station.meeting.model import Meeting, RecordingIsOn, RecordingRefused
from station.meeting.recording import control_recording
from station.nodes import media_client
from station.nodes.media_client import get_room
from station.nodes.model import RecordingAction
from station.people.model import ConsentKind
from tests.meeting.conftest import DEPUTY, ZHAO, Enter, Roles, let_in


def refuse(connection: object, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")  # type: ignore[attr-defined]


async def test_with_a_full_disk_a_recording_is_stopped_and_none_begins(
    town: Station, reception: Meeting, roles: Roles, enter: Enter
) -> None:
    """Pausing and stopping are done and told as done; starting is refused before media is asked."""
    await let_in(town, reception, recorded=True)
    await enter(town, ZHAO, reception.id)
    await enter(town, DEPUTY, reception.id)
    await control_recording(town, DEPUTY, reception.id, RecordingAction.START)
    engine = town.database.engine
    await engine.dispose()
    event.listen(engine.sync_engine, "connect", refuse)
    assert (await control_recording(town, DEPUTY, reception.id, RecordingAction.PAUSE)).state == "paused"
    assert (await control_recording(town, DEPUTY, reception.id, RecordingAction.STOP)).state == "off"
    with pytest.raises(StorageFull):
        await control_recording(town, DEPUTY, reception.id, RecordingAction.START)
    assert (await get_room(town, reception.id)).recording.state == "off"


@pytest.mark.parametrize("action", [RecordingAction.START, RecordingAction.RESUME])
async def test_who_refuses_and_comes_in_as_a_recording_begins_is_not_recorded(
    town: Station,
    reception: Meeting,
    roles: Roles,
    enter: Enter,
    monkeypatch: pytest.MonkeyPatch,
    action: RecordingAction,
) -> None:
    """A pass given between the look at who is there and the beginning pauses it at once; the host reads who refuses."""
    await let_in(town, reception, recorded=False)
    await enter(town, DEPUTY, reception.id)
    if action is RecordingAction.RESUME:
        for step in (RecordingAction.START, RecordingAction.PAUSE):
            await control_recording(town, DEPUTY, reception.id, step)
    note = recording._note

    async def note_and_let_in(*arguments: Any) -> None:
        await note(*arguments)
        await sign_grant(town, ZHAO, reception.id)

    monkeypatch.setattr(recording, "_note", note_and_let_in)
    with pytest.raises(RecordingRefused):
        await control_recording(town, DEPUTY, reception.id, action)
    assert (await get_room(town, reception.id)).recording.state == "paused"


@pytest.mark.parametrize("taken_back", [False, True])
async def test_who_refuses_gets_no_pass_when_a_recording_begins_meanwhile(
    town: Station, reception: Meeting, roles: Roles, enter: Enter, monkeypatch: pytest.MonkeyPatch, taken_back: bool
) -> None:
    """Begun, or the word taken back in another window, after the first look: the second one refuses the pass."""
    await let_in(town, reception, recorded=taken_back)
    await enter(town, DEPUTY, reception.id)
    if taken_back:
        await media_client.set_recording(town, reception.id, RecordingAction.START)
    check = admission._check_consent

    async def check_and_begin(*arguments: Any) -> None:
        await check(*arguments)
        monkeypatch.setattr(admission, "_check_consent", check)
        if taken_back:
            await answer_consent(town, ZHAO, reception.id, ConsentKind.RECORDED, False)
        else:
            await media_client.set_recording(town, reception.id, RecordingAction.START)

    monkeypatch.setattr(admission, "_check_consent", check_and_begin)
    with pytest.raises(RecordingIsOn):
        await sign_grant(town, ZHAO, reception.id)
