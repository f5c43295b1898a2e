"""Recording while nothing can be stored: it can be stopped, and it does not begin."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from station.base.errors import StorageFull
from station.base.station import Station
from station.meeting.model import Meeting
from station.meeting.recording import control_recording
from station.nodes.media_client import get_room
from station.nodes.model import RecordingAction
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
