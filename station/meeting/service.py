"""Meetings themselves: made on first entry or by a clerk, opened by the first host, ended for all; and the chat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from station.base.database import Transaction
from station.base.errors import N_, BadInput, Conflict, NotAllowed, NotFound
from station.base.ids import new_id
from station.base.principal import Principal, Role
from station.base.station import Station
from station.base.text import clean_text
from station.booking.service import get_booking, mark_booking
from station.directory.service import get_deputy
from station.ledger.service import append
from station.live.web.service import stop_broadcasts_of
from station.meeting import store
from station.meeting.model import (
    MAX_CHAT,
    MAX_TITLE,
    Admission,
    ChatMessage,
    Kind,
    Meeting,
    NotAdmitted,
    Relation,
    Seat,
    State,
    Step,
    display_name,
    names_refusing,
    relation_to,
    seat_for,
    step_meeting,
)
from station.nodes import media_client
from station.people.service import consents_of

REVIEWERS = (Role.CLERK, Role.ADMIN)
HEARINGS_SHOWN_BACK = timedelta(days=90)


class PublishingRefused(Conflict):
    code = "publishing-refused"
    message = N_("%(names)s 不同意公开，不能公开这段录像")


class BookingCancelled(Conflict):
    code = "booking-cancelled"
    message = N_("这次预约已经取消了，请另约时间")


@dataclass(frozen=True, slots=True)
class HearingForm:
    """What a clerk fills in for a hearing."""

    title: str
    deputy_id: str
    starts_at: datetime
    ends_at: datetime
    public: bool


async def get_meeting(station: Station, who: Principal, meeting_id: str) -> Meeting:
    """The meeting, for those who have to do with it, administrators and the system. Raises NotFound."""
    async with station.database.read() as connection:
        meeting = await store.meeting_by(connection, id=meeting_id)
    if meeting is None:
        raise NotFound
    if who.role in (Role.SYSTEM, Role.ADMIN):
        return meeting
    if relation_to(meeting, who.role, who.account, who.scope) is Relation.STRANGER:
        raise NotFound
    return meeting


async def get_hosted_meeting(station: Station, who: Principal, meeting_id: str) -> Meeting:
    """The meeting, for its deputy, clerks and administrators. Raises NotFound for strangers, NotAllowed for guests."""
    meeting = await get_meeting(station, who, meeting_id)
    relation = relation_to(meeting, who.role, who.account, who.scope)
    if who.role is not Role.ADMIN and relation not in (Relation.HOST, Relation.STAFF):
        raise NotAllowed
    return meeting


async def take_seat(station: Station, who: Principal, meeting_id: str) -> tuple[Meeting, Seat]:
    """The meeting and what the caller may do in it now. Raises NotFound for strangers."""
    meeting = await get_meeting(station, who, meeting_id)
    async with station.database.read() as connection:
        entry = await store.entry_of(connection, meeting_id, who.account)
    admission = entry.state if entry else Admission.NONE
    relation = relation_to(meeting, who.role, who.account, who.scope)
    return meeting, seat_for(who.role, relation, meeting.state, admission)


async def seat_inside(station: Station, who: Principal, meeting_id: str) -> tuple[Meeting, Seat]:
    """`take_seat` for what is done in the room. Raises MeetingEnded, NotAdmitted."""
    meeting, seat = await take_seat(station, who, meeting_id)
    if not seat.admitted:
        step_meeting(meeting.state, Step.OPEN)  # an ended meeting says so rather than "please wait"
        raise NotAdmitted
    return meeting, seat


def shown_name(meeting: Meeting, who: Principal) -> str:
    """The caller's name under their picture and beside what they write."""
    return display_name(who.role, who.name, meeting.public)


async def meeting_of_booking(station: Station, who: Principal, booking_id: str) -> Meeting:
    """The meeting of a booking, made when the first of them comes. Raises NotFound, BookingCancelled."""
    booking = await get_booking(station, who, booking_id)
    async with station.database.read() as connection:
        found = await store.meeting_by(connection, booking_id=booking_id)
    if found is not None:
        return found
    if booking.state == "cancelled":
        raise BookingCancelled
    meeting = Meeting(
        new_id("mt"), Kind.RECEPTION, State.SCHEDULED, booking.topic, booking.id, booking.deputy_id,
        booking.deputy_name, booking.citizen, booking.citizen_name, booking.starts_at, booking.ends_at,
        public=False, published=False, opened_at=None, ended_at=None,
    )  # fmt: skip
    try:
        await _insert(station, who, meeting)
    except IntegrityError:  # the other one came at the same moment
        async with station.database.read() as connection:
            first = await store.meeting_by(connection, booking_id=booking_id)
        assert first is not None
        return first
    return meeting


async def meetings_without_job(station: Station, since: datetime, until: datetime) -> list[str]:
    """The ids of meetings that ended in a span of time and that nothing has asked to be composed."""
    async with station.database.read() as connection:
        return await store.ended_without_job(connection, since, until)


async def meetings_to_expire(station: Station, before: datetime) -> list[str]:
    """The ids of meetings over before a moment, of which something is still kept."""
    async with station.database.read() as connection:
        return await store.held_before(connection, before)


async def delete_expired_chat(station: Station, work: Transaction, meeting_id: str) -> int:
    """Part of expiring a meeting: what was written goes, and it is marked as expired; returns how many lines."""
    await store.set_expired(work, meeting_id, station.clock.now())
    return await store.delete_chat(work, meeting_id)


async def meetings_of_bookings(station: Station, bookings: list[str]) -> dict[str, Meeting]:
    """The meetings made so far for bookings, by booking id; for the desks and for "my" pages."""
    async with station.database.read() as connection:
        return await store.meetings_by_booking(connection, bookings)


async def create_hearing(station: Station, who: Principal, form: HearingForm) -> Meeting:
    """A hearing with its chair. Raises BadInput with the fields at fault."""
    faults: dict[str, str] = {}
    if not form.title:
        faults["title"] = N_("请写听证会的名称")
    elif len(form.title) > MAX_TITLE:
        faults["title"] = N_("名称最多 60 个字")
    if form.ends_at <= form.starts_at:
        faults["ends"] = N_("结束要比开始晚")
    if faults:
        raise BadInput(fields=faults)
    try:
        deputy = await get_deputy(station, form.deputy_id)
    except NotFound:
        raise BadInput(fields={"deputy": N_("请选主持的代表")}) from None
    meeting = Meeting(
        new_id("mt"), Kind.HEARING, State.SCHEDULED, form.title, "", deputy.id, deputy.name, "", "",
        form.starts_at, form.ends_at, form.public, published=False, opened_at=None, ended_at=None,
    )  # fmt: skip
    await _insert(station, who, meeting)
    return meeting


async def _insert(station: Station, who: Principal, meeting: Meeting) -> None:
    async with station.database.transaction() as work:
        await work.execute(
            insert(store.meetings).values(
                id=meeting.id, kind=meeting.kind, state=meeting.state, title=meeting.title,
                booking_id=meeting.booking_id or None, deputy_id=meeting.deputy_id, deputy_name=meeting.deputy_name,
                citizen=meeting.citizen, citizen_name=meeting.citizen_name, starts_at=meeting.starts_at,
                ends_at=meeting.ends_at, public=meeting.public, published=False, created_at=station.clock.now(),
            )
        )  # fmt: skip
        data = {"kind": meeting.kind, "booking": meeting.booking_id, "deputy": meeting.deputy_id}
        await append(station, work, who, "meeting.created", meeting.subject, data)


async def list_hearings(station: Station) -> list[Meeting]:
    """Hearings of the last three months and all to come, the earliest first."""
    async with station.database.read() as connection:
        return await store.hearings_since(connection, station.clock.now() - HEARINGS_SHOWN_BACK)


async def open_meeting(station: Station, work: Transaction, who: Principal, meeting: Meeting) -> Meeting:
    """Part of letting a host in: the first one opens the meeting. Raises MeetingEnded."""
    current = await store.meeting_by(work.connection, for_update=True, id=meeting.id)
    assert current is not None
    after = step_meeting(current.state, Step.OPEN)
    if after is current.state:
        return current
    now = station.clock.now()
    await work.execute(
        update(store.meetings).where(store.meetings.c.id == meeting.id).values(state=after, opened_at=now)
    )
    await append(station, work, who, "meeting.opened", meeting.subject)
    return replace(current, state=after, opened_at=now)


async def end_meeting(station: Station, who: Principal, meeting_id: str) -> Meeting:
    """End for all: the room closes, its recording stops, the booking is marked. Ending twice changes nothing.

    The room goes first: were media away, the meeting must not look ended while people still talk in it.
    Raises Unavailable then, and NotAllowed for who is no host.
    """
    meeting, seat = await take_seat(station, who, meeting_id)
    if meeting.state is State.ENDED:
        return meeting
    if not seat.may_end:
        raise NotAllowed
    await stop_broadcasts_of(station, who, meeting_id)
    await media_client.close_room(station, meeting_id)
    async with station.database.transaction() as work:
        current = await store.meeting_by(work.connection, for_update=True, id=meeting_id)
        assert current is not None
        if current.state is not State.ENDED:
            after, now = step_meeting(current.state, Step.END), station.clock.now()
            where = store.meetings.c.id == meeting_id
            await work.execute(update(store.meetings).where(where).values(state=after, ended_at=now))
            await append(station, work, who, "meeting.ended", meeting.subject)
        entries = await store.entries_of(work.connection, meeting_id)
    if meeting.booking_id:
        came = any(entry.account == meeting.citizen and entry.granted_at for entry in entries)
        await _mark(station, who, meeting.booking_id, came)
    return await get_meeting(station, who, meeting_id)


async def _mark(station: Station, who: Principal, booking_id: str, came: bool) -> None:
    try:
        await mark_booking(station, who, booking_id, "attended" if came else "missed")
    except Conflict:
        return  # cancelled meanwhile: the meeting ends all the same


async def publish_replay(station: Station, who: Principal, meeting_id: str, published: bool) -> None:
    """After review: show the replay to everybody, or take it back. Raises PublishingRefused naming who refuses."""
    meeting = await get_meeting(station, who, meeting_id)
    if who.role not in REVIEWERS:
        raise NotAllowed
    if published:
        await check_publishable(station, meeting)
    async with station.database.transaction() as work:
        where = store.meetings.c.id == meeting_id
        await work.execute(update(store.meetings).where(where).values(published=published))
        action = "replay.published" if published else "replay.recalled"
        await append(station, work, who, action, meeting.subject)


async def check_publishable(station: Station, meeting: Meeting, only: str = "") -> None:
    """Every citizen who was let in (or only one of them) must have agreed to publishing. Raises PublishingRefused."""
    async with station.database.read() as connection:
        entries = await store.entries_of(connection, meeting.id)
    given = {c.account: c.given for c in await consents_of(station, meeting.subject) if c.kind == "published"}
    seen = [e for e in entries if e.granted_at is not None and only in ("", e.account)]
    names = names_refusing(seen, given)
    if names:
        raise PublishingRefused(names="、".join(names))


async def send_chat(station: Station, who: Principal, meeting_id: str, text: str) -> ChatMessage:
    """Write one line to everybody in the room. Raises BadInput, NotAdmitted, MeetingEnded, TooManyRequests."""
    meeting, _ = await seat_inside(station, who, meeting_id)
    words = clean_text(text)
    if not words:
        raise BadInput(fields={"text": N_("请先写点什么")})
    if len(words) > MAX_CHAT:
        raise BadInput(fields={"text": N_("一次最多写 1000 个字，请分几次发")})
    await station.bus.limit(f"chat:{who.account}", 30, 60)
    message = ChatMessage(new_id("ch"), who.account, shown_name(meeting, who), words, station.clock.now())
    async with station.database.transaction() as work:
        await work.execute(
            insert(store.chat_messages).values(
                id=message.id, meeting_id=meeting_id, account=message.account, name=message.name, text=words,
                at=message.at,
            )
        )  # fmt: skip
        await append(station, work, who, "chat.sent", meeting.subject, {"message": message.id})

        async def tell() -> None:
            # Only those inside listen to this topic: the door's topic must not carry what is said in the room.
            body = {"action": "chat", "message": chat_line(message)}
            await station.bus.publish(f"room:{meeting_id}", body)

        work.after_commit.append(tell)
    return message


def chat_line(message: ChatMessage) -> dict[str, str]:
    """A chat message as pages get it."""
    return {
        "id": message.id,
        "account": message.account,
        "name": message.name,
        "text": message.text,
        "at": message.at.isoformat(),
    }


async def chat_of(station: Station, who: Principal, meeting_id: str) -> list[ChatMessage]:
    """All that was written, for those inside, and later for the parties, staff and the archive."""
    meeting, seat = await take_seat(station, who, meeting_id)
    if who.role not in (Role.SYSTEM, Role.ADMIN) and meeting.open and not seat.admitted:
        raise NotAdmitted
    async with station.database.read() as connection:
        return await store.chat_of(connection, meeting_id)
