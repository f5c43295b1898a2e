"""Being recorded, being broadcast, being published: asked apart, kept apart, and taken back with effect at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import structlog

from station.base import jobs
from station.base.clock import local_date
from station.base.database import ReadConnection, Transaction
from station.base.errors import N_, BadInput, NotFound, Phrase, Unavailable
from station.base.idempotency import claim_key
from station.base.ids import new_id
from station.base.principal import Principal, Role
from station.base.station import Station
from station.directory.service import clerks_in_charge
from station.ledger.service import append
from station.live.web import service as live
from station.live.web.model import Broadcast
from station.meeting import store
from station.meeting.lobby import people_of
from station.meeting.model import (
    GRANT_TTL,
    BroadcastRefused,
    Meeting,
    asked_kinds,
    may_be_shown,
    names_keeping_private,
    present,
    requires_consent,
)
from station.meeting.service import take_seat
from station.nodes import media_client
from station.nodes.model import RecordingAction
from station.notices.kinds import CONSENT_WITHDRAWN, Value
from station.notices.model import Outgoing
from station.notices.service import queue_all
from station.people.model import Consent, ConsentKind
from station.people.service import (
    accounts_with,
    answers_in,
    consents_of,
    consents_on,
    get_account,
    record_consent,
)

log = structlog.get_logger()
CONSENTS_A_MINUTE, CONSENTS_AN_HOUR = 20, 60  # times that one person may say yes
_KIND_WORDS = {
    ConsentKind.RECORDED: N_("把见面录下来"),
    ConsentKind.BROADCAST: N_("把见面直播出去"),
    ConsentKind.PUBLISHED: N_("公开录像"),
}


async def consents_by_account(
    station: Station, meeting: Meeting, kind: ConsentKind = ConsentKind.RECORDED
) -> dict[str, bool]:
    """Who agreed and who did not, the latest word of each."""
    return {c.account: c.given for c in await consents_of(station, meeting.subject) if c.kind is kind}


async def own_consents(station: Station, who: Principal, meeting: Meeting) -> dict[ConsentKind, bool]:
    """What the caller has answered so far, by kind."""
    return {c.kind: c.given for c in await consents_of(station, meeting.subject) if c.account == who.account}


async def answer_consent(station: Station, who: Principal, meeting_id: str, kind: ConsentKind, given: bool) -> None:
    """Store a yes or a no to being recorded, broadcast or published, at any time, also long after the meeting.

    A no pauses the recording, takes the person off air, hides them from those who rewind and recalls what has been
    published; the station's clerks and the deputy are told. Rows change in one transaction; media and live are told
    after it, and again by the work role should they be away. Raises BadInput for a kind that was not asked.
    """
    meeting, _ = await take_seat(station, who, meeting_id)
    if kind not in asked_kinds(meeting):
        raise BadInput
    staff = await staff_of(station, meeting.deputy_id)
    async with station.database.transaction() as work:
        if given:  # a no has no key: sent from a page of before it must not pass for the no that was taken back since
            await claim_key(work, station.clock.now())
        # The meeting's row puts answers and publishing in order: neither may act on a word that has changed meanwhile.
        current = await lock_answers(work, meeting_id)
        answers = await answers_in(work, who, meeting.subject)
        before = answers.get(kind)
        if before is given:
            return
        if given:  # a no is never refused; without a limit on the yes both would fill the ledger
            await station.bus.limit(f"consent:{who.account}", CONSENTS_A_MINUTE, 60)
            await station.bus.limit(f"consent-hour:{who.account}", CONSENTS_AN_HOUR, 3600)
        # Before the ledger's head is locked: whoever takes a broadcast off air locks it first and the head after it.
        await live.lock_broadcasts_showing(work, meeting_id, who.account)
        await record_consent(station, work, who, kind, meeting.subject, given)
        if not requires_consent(who.role):
            return
        answers[kind] = given
        changed = await _show_or_hide(station, work, who, meeting, answers)
        if not given:
            recalled = await _recall_replay(station, work, who, current)
            if before or recalled or changed:
                gaps = _gaps_for_staff(meeting, who, kind, on_air=changed, recalled=recalled)
                told = [Outgoing("app", account, CONSENT_WITHDRAWN, gaps, meeting.subject) for account in staff]
                await queue_all(station, work, told)
            if kind is ConsentKind.RECORDED and meeting.open:
                arguments = {"meeting": meeting_id, "account": who.account}  # jobs are kept, so without names
                key = f"pause-recording:{new_id('cn')}"
                await jobs.enqueue(work, "pause-recording", key, arguments, station.clock.now())
    await live.sync_broadcasts(station, [broadcast.id for broadcast in changed])
    if kind is ConsentKind.RECORDED and not given:
        await _try_to_pause(station, who, meeting)


async def _show_or_hide(
    station: Station, work: Transaction, who: Principal, meeting: Meeting, answers: dict[ConsentKind, bool]
) -> list[Broadcast]:
    act = live.readmit_person if may_be_shown(answers) else live.withdraw_person
    return await act(station, work, who, meeting.id, who.account)


async def _recall_replay(station: Station, work: Transaction, who: Principal, meeting: Meeting) -> bool:
    if not meeting.published:
        return False
    await set_replay_public(station, work, who, meeting, published=False, because="consent")
    return True


async def staff_of(station: Station, deputy_id: str) -> list[str]:
    """The accounts of a deputy, and of the clerks whose station the deputy belongs to."""
    deputies = await accounts_with(station, Role.DEPUTY, deputy_id)
    return [a.id for a in [*await clerks_in_charge(station, deputy_id), *deputies]]


def _gaps_for_staff(
    meeting: Meeting, who: Principal, kind: ConsentKind, *, on_air: Sequence[Broadcast], recalled: bool
) -> dict[str, Value]:
    done = {
        N_("直播已停。"): any(b.live and b.person == who.account for b in on_air),
        N_("直播里有本人的片段已经不能回看。"): any(b.live and b.person != who.account for b in on_air),
        N_("公开的直播录像已撤下。"): any(b.published for b in on_air),
        N_("公开的录像已撤下。"): recalled,
    }
    return {
        "name": who.name,
        "what": Phrase(_KIND_WORDS[kind]),
        "day": local_date(meeting.starts_at),
        "meeting": meeting.title,
        "done": tuple(Phrase(sentence) for sentence, true in done.items() if true),
    }


async def _try_to_pause(station: Station, who: Principal, meeting: Meeting) -> None:
    """Now, so that nobody waits for the job; if media is away, nothing is being recorded either."""
    try:
        await _pause(station, who, meeting)
    except Unavailable:
        log.warning("recording_not_paused", meeting=meeting.id)


async def pause_recording(station: Station, arguments: dict[str, Any], _progress: object) -> None:
    """Job: pause a recording for somebody who has taken their word back. Does nothing if it is done, or taken up again.

    Raises Unavailable, and is then tried again.
    """
    account = await get_account(station, str(arguments["account"]))
    who = Principal(account.id, Role.CITIZEN, account.name)
    async with station.database.read() as connection:
        meeting = await store.meeting_by_id(connection, str(arguments["meeting"]))
    if meeting is None or (await own_consents(station, who, meeting)).get(ConsentKind.RECORDED):
        return
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


async def check_may_be_shown(work: Transaction, meeting: Meeting, person: str, name: str) -> None:
    """Part of going on air: a citizen must have agreed, and still agree. Raises BroadcastRefused.

    The meeting's row is locked, so that a word taken back at this moment comes before or after, never in between.
    """
    await lock_answers(work, meeting.id)
    entry = await store.entry_of(work.connection, meeting.id, person)
    if entry is None or not requires_consent(entry.role):
        return
    who = Principal(entry.account, entry.role, entry.name)
    if not may_be_shown(await answers_in(work, who, meeting.subject)):
        raise BroadcastRefused(name=name)


async def who_may_be_shown(station: Station, meeting: Meeting, people: Iterable[str]) -> set[str]:
    """Those of some people in the room who may go on air: office holders, and citizens who have agreed."""
    roles = {entry.account: entry.role for entry in await people_of(station, meeting.id)}
    answers = _by_account(await consents_of(station, meeting.subject))
    return {
        person
        for person in people
        if person not in roles or not requires_consent(roles[person]) or may_be_shown(answers.get(person, {}))
    }


async def keeping_private(connection: ReadConnection, meeting: Meeting, seen: Collection[str] | None) -> list[str]:
    """The names of the citizens seen who do not agree to publishing; with None, of all who were let into the room."""
    entries = await store.entries_of(connection, meeting.id)
    if seen is None:
        seen = [entry.account for entry in entries if entry.granted_at is not None]
    return names_keeping_private(entries, seen, _by_account(await consents_on(connection, meeting.subject)))


async def lock_answers(work: Transaction, meeting_id: str) -> Meeting:
    """The meeting, locked: until the end of the transaction no answer about it changes. Raises NotFound."""
    found = await store.meeting_by_id(work.connection, meeting_id, for_update=True)
    if found is None:
        raise NotFound
    return found


async def set_replay_public(
    station: Station, work: Transaction, who: Principal, meeting: Meeting, published: bool, because: str = ""
) -> None:
    """Make the replay of a locked meeting public, or take it back."""
    await store.change_meeting(work, meeting.id, published=published)
    action = "replay.published" if published else "replay.recalled"
    await append(station, work, who, action, meeting.subject, {"because": because} if because else None)


def _by_account(consents: Iterable[Consent]) -> dict[str, dict[ConsentKind, bool]]:
    answers: dict[str, dict[ConsentKind, bool]] = {}
    for consent in consents:
        answers.setdefault(consent.account, {})[consent.kind] = consent.given
    return answers
