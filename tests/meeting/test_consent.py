"""Consent taken back: at once off air, out of what can be rewound, out of what is published; and staff are told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from station.archive.jobs import composed_file
from station.archive.publishing import NotMadeYet, NotOverYet, PublishingRefused, publish_broadcast, publish_replay
from station.archive.replay import get_replay
from station.base import jobs
from station.base.clock import FixedClock
from station.base.errors import BadInput, NotAllowed, NotFound, NotSignedIn
from station.base.principal import GUEST, Principal
from station.base.station import Station
from station.ledger.service import timeline
from station.live.web import client
from station.live.web.model import Broadcast
from station.live.web.service import (
    change_source,
    get_broadcast,
    list_public_broadcasts,
    sources_on,
    start_broadcast,
    stop_broadcast,
    sync_broadcast,
    sync_pending,
)
from station.live.web.store import pending_broadcasts
from station.meeting.consent import answer_consent, check_may_be_shown, own_consents, who_may_be_shown
from station.meeting.model import BroadcastRefused, Meeting, may_be_shown
from station.meeting.recording import control_recording
from station.meeting.service import end_meeting, get_meeting
from station.meeting.view import view_room
from station.nodes.journal import JournalEvent, JournalPage, apply_events
from station.nodes.journal_store import recording_marks
from station.nodes.media_client import get_room
from station.nodes.model import RecordingAction
from station.notices.service import list_newest
from station.people.model import ConsentKind
from station.work import work_once
from tests.fixtures import MONDAY_TEN
from tests.meeting.conftest import CLERK, DEPUTY, LI, OTHER_DEPUTY, ZHAO, Enter, Roles, let_in
from tests.meeting.test_lobby import open_hearing

KINDS = (ConsentKind.RECORDED, ConsentKind.BROADCAST, ConsentKind.PUBLISHED)
FAR_CLERK = replace(CLERK, account="ac_far_clerk", scope="st_demo_wangjiang")


async def on_air(station: Station, hearing: Meeting, who: Principal) -> Broadcast:
    """A broadcast of the hearing that shows somebody."""
    return await start_broadcast(station, CLERK, hearing.id, hearing.title, "林秀兰", who.account, who.name)


async def told_to(station: Station, account: str) -> list[str]:
    """The newest notices of an account."""
    return [notice.text for notice in await list_newest(station, 50) if notice.address == account]


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_on_air_and_takes_any_word_back_is_off_air(town: Station, roles: Roles, kind: ConsentKind) -> None:
    """The broadcast ends in the rows and in the live role, nobody sees its recording, staff read who and what."""
    hearing = await open_hearing(town)
    await let_in(town, hearing, recorded=True)
    broadcast = await on_air(town, hearing, ZHAO)
    assert (await view_room(town, ZHAO, hearing.id)).on_air_self
    await answer_consent(town, ZHAO, hearing.id, kind, False)
    ended = await get_broadcast(town, broadcast.id)
    assert not ended.live and not ended.public
    assert roles.live.registry.on_air == []
    view = await view_room(town, CLERK, hearing.id)
    assert view.on_air == ""
    actions = [event.action for event in await timeline(town, broadcast.subject)]
    assert actions == ["broadcast.started", "broadcast.withdrawn"]
    assert "consent.withdrawn" in [event.action for event in await timeline(town, hearing.subject)]
    for account in (CLERK.account, DEPUTY.account):
        assert any("赵玉梅" in text and "直播已停" in text for text in await told_to(town, account))


async def test_a_late_word_to_the_live_role_does_not_undo_a_newer_one(
    town: Station, roles: Roles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who tells the live role, after a withdrawal, what the rows said before it, tells it again what they say now."""
    hearing = await open_hearing(town)
    await let_in(town, hearing, recorded=True)
    broadcast = await on_air(town, hearing, ZHAO)
    await change_source(town, CLERK, broadcast.id, DEPUTY.account, "林秀兰代表")
    set_access = client.set_access

    async def overtaken(station: Station, broadcast_id: str, public: bool, hidden: list[str]) -> None:
        monkeypatch.setattr(client, "set_access", set_access)
        await answer_consent(town, ZHAO, hearing.id, ConsentKind.PUBLISHED, False)
        await set_access(station, broadcast_id, public, hidden)

    monkeypatch.setattr(client, "set_access", overtaken)
    await sync_broadcast(town, broadcast.id)
    assert (await roles.live.registry.get(broadcast.id)).programme.hidden == [ZHAO.account]


async def test_who_was_on_air_before_cannot_be_rewound_to(town: Station, roles: Roles) -> None:
    """With somebody else on air the broadcast goes on and hides the one who withdrew; agreeing again shows them."""
    hearing = await open_hearing(town)
    await let_in(town, hearing, recorded=True)
    broadcast = await on_air(town, hearing, ZHAO)
    await change_source(town, CLERK, broadcast.id, DEPUTY.account, "林秀兰代表")
    programme = (await roles.live.registry.get(broadcast.id)).programme
    await answer_consent(town, ZHAO, hearing.id, ConsentKind.BROADCAST, False)
    assert (await get_broadcast(town, broadcast.id)).live
    assert (programme.hidden, programme.person) == ([ZHAO.account], DEPUTY.account)
    await answer_consent(town, ZHAO, hearing.id, ConsentKind.PUBLISHED, False)
    await answer_consent(town, ZHAO, hearing.id, ConsentKind.BROADCAST, True)
    assert programme.hidden == [ZHAO.account]  # one of the three is still a no
    await answer_consent(town, ZHAO, hearing.id, ConsentKind.PUBLISHED, True)
    assert programme.hidden == []


async def test_a_recording_is_public_only_after_its_review(town: Station, roles: Roles) -> None:
    """Not on air, not listed, until a clerk of the station publishes it; who withdraws recalls it at once."""
    hearing = await open_hearing(town)
    await let_in(town, hearing, recorded=True)
    broadcast = await on_air(town, hearing, ZHAO)
    with pytest.raises(NotAllowed):
        await publish_broadcast(town, DEPUTY, broadcast.id, True)
    await stop_broadcast(town, CLERK, broadcast.id)
    assert await list_public_broadcasts(town) == []
    with pytest.raises(NotFound):
        await publish_broadcast(town, FAR_CLERK, broadcast.id, True)
    assert (await publish_broadcast(town, CLERK, broadcast.id, True)).public
    assert [b.id for b in await list_public_broadcasts(town)] == [broadcast.id]
    origin = await roles.live.registry.get(broadcast.id)
    assert origin.is_public
    await answer_consent(town, ZHAO, hearing.id, ConsentKind.PUBLISHED, False)
    assert await list_public_broadcasts(town) == [] and not origin.is_public
    with pytest.raises(PublishingRefused):
        await publish_broadcast(town, CLERK, broadcast.id, True)
    assert any("录像已撤下" in text for text in await told_to(town, CLERK.account))
    await answer_consent(town, ZHAO, hearing.id, "published", True)
    assert not (await get_broadcast(town, broadcast.id)).public  # agreeing again asks for a new review
    await publish_broadcast(town, CLERK, broadcast.id, True)
    await publish_broadcast(town, CLERK, broadcast.id, False)
    assert not origin.is_public


@pytest.mark.parametrize("kind", [ConsentKind.PUBLISHED, ConsentKind.RECORDED])
async def test_a_published_replay_is_recalled(
    town: Station, reception: Meeting, roles: Roles, enter: Enter, kind: ConsentKind
) -> None:
    """Guests see it until the citizen takes the word back, also long after the meeting; then nobody can publish it."""
    await let_in(town, reception, recorded=True)
    await enter(town, ZHAO, reception.id)
    with pytest.raises(NotOverYet):
        await publish_replay(town, CLERK, reception.id, True)
    await end_meeting(town, DEPUTY, reception.id)
    with pytest.raises(NotFound):
        await publish_replay(town, FAR_CLERK, reception.id, True)
    await publish_replay(town, CLERK, reception.id, True)
    assert (await get_replay(town, GUEST, reception.id)).published
    assert (await get_replay(town, FAR_CLERK, reception.id)).published
    await answer_consent(town, ZHAO, reception.id, kind, False)
    with pytest.raises(NotSignedIn):
        await get_replay(town, GUEST, reception.id)
    with pytest.raises(NotFound):
        await get_replay(town, FAR_CLERK, reception.id)
    assert not (await get_meeting(town, DEPUTY, reception.id)).published
    assert [e.action for e in await timeline(town, reception.subject)][-2:] == ["consent.withdrawn", "replay.recalled"]
    assert any("公开的录像已撤下" in text for text in await told_to(town, CLERK.account))
    assert not any("不同意" in text for text in await told_to(town, OTHER_DEPUTY.account))
    with pytest.raises(PublishingRefused):
        await publish_replay(town, CLERK, reception.id, True)


async def test_a_recording_that_nobody_can_have_watched_is_not_published(
    town: Station, reception: Meeting, roles: Roles, enter: Enter
) -> None:
    """Before its video is made the clerk is told to wait; then it is published as ever."""
    await let_in(town, reception, recorded=True)
    await enter(town, ZHAO, reception.id)
    await end_meeting(town, DEPUTY, reception.id)
    mark = {"journal": "j", "seq": 1, "room": reception.id, "mark": "started", "at_ms": 1}
    async with town.database.transaction() as work:
        await work.execute(insert(recording_marks).values(**mark))
    with pytest.raises(NotMadeYet):
        await publish_replay(town, CLERK, reception.id, True)
    video = composed_file(town.settings, reception.id)
    video.parent.mkdir(parents=True, exist_ok=True)
    video.touch()
    await publish_replay(town, CLERK, reception.id, True)
    assert (await get_replay(town, GUEST, reception.id)).published


async def test_withdrawing_and_publishing_at_once_never_publishes(
    town: Station, reception: Meeting, roles: Roles, enter: Enter
) -> None:
    """Whichever comes first, what stands in the end is the citizen's word."""
    await let_in(town, reception, recorded=True)
    await enter(town, ZHAO, reception.id)
    await end_meeting(town, DEPUTY, reception.id)
    await asyncio.gather(
        publish_replay(town, CLERK, reception.id, True),
        answer_consent(town, ZHAO, reception.id, ConsentKind.PUBLISHED, False),
        return_exceptions=True,
    )
    assert not (await get_meeting(town, DEPUTY, reception.id)).published


async def test_a_word_taken_back_while_going_on_air_counts(town: Station, roles: Roles) -> None:
    """Between the clerk's click and the broadcast's row the citizen says no: nothing is on air."""
    hearing = await open_hearing(town)
    await let_in(town, hearing, recorded=True)

    async def check(work: object) -> None:
        await check_may_be_shown(work, hearing, ZHAO.account, "赵**")  # type: ignore[arg-type]

    await answer_consent(town, ZHAO, hearing.id, ConsentKind.BROADCAST, False)
    arguments = (town, CLERK, hearing.id, hearing.title, "林秀兰", ZHAO.account, "赵**", check)
    with pytest.raises(BroadcastRefused):
        await start_broadcast(*arguments)
    assert roles.live.registry.on_air == []
    broadcast = await on_air(town, hearing, DEPUTY)
    with pytest.raises(BroadcastRefused):
        await change_source(town, CLERK, broadcast.id, ZHAO.account, "赵**", check)
    assert [b.programme.person for b in roles.live.registry.on_air] == [DEPUTY.account]
    async with town.database.read() as connection:  # not even for a moment
        assert await sources_on(connection, broadcast.id) == [DEPUTY.account]


async def test_live_that_is_away_is_told_later(town: Station, roles: Roles) -> None:
    """The rows change at once and the citizen's answer succeeds; the chore tells live as soon as it is back."""
    hearing = await open_hearing(town)
    await let_in(town, hearing, recorded=True)
    broadcast = await on_air(town, hearing, ZHAO)
    away = replace(town, settings=town.settings.model_copy(update={"live_http_port": 1}))
    await answer_consent(away, ZHAO, hearing.id, ConsentKind.BROADCAST, False)
    assert not (await get_broadcast(town, broadcast.id)).live
    assert len(roles.live.registry.on_air) == 1
    await sync_pending(away)
    async with town.database.read() as connection:
        assert await pending_broadcasts(connection) == [broadcast.id]
    await sync_pending(town)
    assert roles.live.registry.on_air == []
    async with town.database.read() as connection:
        assert await pending_broadcasts(connection) == []


async def test_media_that_is_away_is_told_later(town: Station, reception: Meeting, roles: Roles, enter: Enter) -> None:
    """A no is stored although media does not answer; the work role pauses the recording afterwards."""
    await let_in(town, reception, recorded=True)
    await enter(town, ZHAO, reception.id)
    await enter(town, DEPUTY, reception.id)
    await control_recording(town, DEPUTY, reception.id, RecordingAction.START)
    away = replace(town, settings=town.settings.model_copy(update={"media_http_port": 1}))
    await answer_consent(away, ZHAO, reception.id, ConsentKind.RECORDED, False)
    assert (await get_room(town, reception.id)).recording.state == "recording"
    async with town.database.read() as connection:
        [kept] = await connection.scalars(select(jobs.jobs.c.arguments).where(jobs.jobs.c.kind == "pause-recording"))
    assert json.loads(kept) == {"meeting": reception.id, "account": ZHAO.account}, "jobs are kept, and hold no name"
    while await work_once(town):
        pass
    assert (await get_room(town, reception.id)).recording.state == "paused"


async def test_the_deputy_reads_who_does_not_agree(town: Station, reception: Meeting, roles: Roles) -> None:
    """Named to the hosts while they are in the room, to nobody else; gone when they agree again or leave."""
    await let_in(town, reception, recorded=True)
    event = JournalEvent(1, MONDAY_TEN.timestamp() * 1000, "joined", reception.id, ZHAO.account, {"name": "赵玉梅"})
    await apply_events(town, JournalPage("jn_1", [event]))
    assert (await view_room(town, DEPUTY, reception.id)).refusing == []
    await answer_consent(town, ZHAO, reception.id, ConsentKind.RECORDED, False)
    assert (await view_room(town, DEPUTY, reception.id)).refusing == ["赵玉梅"]
    assert (await view_room(town, ZHAO, reception.id)).refusing == []
    left = JournalEvent(2, MONDAY_TEN.timestamp() * 1000 + 5, "left", reception.id, ZHAO.account)
    await apply_events(town, JournalPage("jn_1", [left]))
    assert (await view_room(town, DEPUTY, reception.id)).refusing == []


async def test_each_is_asked_for_what_may_really_happen(town: Station, reception: Meeting) -> None:
    """A public hearing may be broadcast; a private talk and a closed hearing cannot, and are not asked about it."""
    public, closed = await open_hearing(town), await open_hearing(town, public=False)
    await answer_consent(town, ZHAO, public.id, ConsentKind.BROADCAST, True)
    assert await own_consents(town, ZHAO, public) == {"broadcast": True}
    for who, meeting in ((ZHAO, reception), (OTHER_DEPUTY, closed)):
        with pytest.raises(BadInput):
            await answer_consent(town, who, meeting.id, ConsentKind.BROADCAST, True)
    with pytest.raises(NotFound):
        await answer_consent(town, LI, reception.id, ConsentKind.RECORDED, True)


async def test_silence_is_no_consent_to_be_broadcast(town: Station) -> None:
    """Only a yes to the broadcast itself, with no other no, puts a citizen among those who may go on air."""
    hearing = await open_hearing(town)
    people = [DEPUTY.account, ZHAO.account, LI.account]
    await let_in(town, hearing, recorded=True)
    await let_in(town, hearing, recorded=False, who=LI)
    assert await who_may_be_shown(town, hearing, people) == {DEPUTY.account, ZHAO.account}
    later = replace(town, clock=FixedClock(MONDAY_TEN))
    await answer_consent(later, ZHAO, hearing.id, ConsentKind.PUBLISHED, False)
    assert await who_may_be_shown(town, hearing, people) == {DEPUTY.account}
    for unasked in ({}, {ConsentKind.PUBLISHED: True}, {ConsentKind.RECORDED: True}):
        assert not may_be_shown(unasked)
    assert not may_be_shown({ConsentKind.BROADCAST: True, ConsentKind.RECORDED: False})
    assert may_be_shown({ConsentKind.BROADCAST: True})
