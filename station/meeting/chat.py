"""What people write to each other in the room."""

from __future__ import annotations

from station.base.errors import N_, BadInput
from station.base.idempotency import AlreadyDone, claim_key, keep_made
from station.base.ids import new_id
from station.base.principal import Principal, Role
from station.base.station import Station
from station.base.text import clean_text
from station.ledger.service import append
from station.meeting import store
from station.meeting.model import MAX_CHAT, ChatMessage, NotAdmitted
from station.meeting.service import check_still_inside, seat_inside, shown_name, take_seat, took_part


async def send_chat(station: Station, who: Principal, meeting_id: str, text: str) -> ChatMessage:
    """Write one line to everybody in the room; sent again with its key it is answered with the first.

    Raises BadInput, NotAdmitted, MeetingEnded, TooManyRequests.
    """
    meeting, seat = await seat_inside(station, who, meeting_id)
    words = clean_text(text)
    if not words:
        raise BadInput(fields={"text": N_("请先写点什么")})
    if len(words) > MAX_CHAT:
        raise BadInput(fields={"text": N_("一次最多写 1000 个字，请分几次发")})
    await station.bus.limit(f"chat:{who.account}", 30, 60)
    message = ChatMessage(new_id("ch"), who.account, shown_name(meeting, who), words, station.clock.now())

    async def tell() -> None:
        # Only those inside listen to this topic: the door's topic must not carry what is said in the room.
        body = {"action": "chat", "message": chat_line(message)}
        await station.bus.publish(f"room:{meeting_id}", body)

    try:
        async with station.database.transaction() as work:
            await claim_key(work, station.clock.now())
            await check_still_inside(work, who, meeting, seat)
            await store.add_chat(work, meeting_id, message)
            await keep_made(work, message.id)
            await append(station, work, who, "chat.sent", meeting.subject, {"message": message.id})
            work.after_commit.append(tell)
    except AlreadyDone as done:
        async with station.database.read() as connection:
            first = await store.chat_message(connection, done.made)
        return first or message
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
    """All that was written: for those inside, and once it is over for those who took part. Raises NotAdmitted."""
    meeting, seat = await take_seat(station, who, meeting_id)
    reader = who.role in (Role.SYSTEM, Role.ADMIN)  # the archive, and whoever runs the station
    may_read = reader or (seat.admitted if meeting.open else await took_part(station, who, meeting))
    if not may_read:
        raise NotAdmitted
    async with station.database.read() as connection:
        return await store.chat_of(connection, meeting_id)
