"""What a person has agreed to, and a button for each answer to change it, at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from station.base.clock import local_date
from station.base.errors import N_, NotFound
from station.base.principal import Principal
from station.base.station import Station
from station.base.web import principal_of, read_form, render, see_other, station_of
from station.booking.model import Booking
from station.booking.service import my_bookings, withdraw_use
from station.meeting.consent import answer_consent, staff_of
from station.meeting.model import Kind, Meeting
from station.meeting.service import meetings_by_id
from station.meeting.topics import forget_topic
from station.people.model import Consent, ConsentKind
from station.people.service import get_own_consent, my_consents

KIND_WORDS = {
    ConsentKind.USE: N_("用姓名、电话和写的内容办事"),
    ConsentKind.RECORDED: N_("录像"),
    ConsentKind.BROADCAST: N_("直播里播出我的画面和声音"),
    ConsentKind.PUBLISHED: N_("审核后公开录像"),
}


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One answer and what it was about: a meeting, a hearing or a booking; "" and None where that is gone."""

    consent: Consent
    words: str
    title: str
    deputy_name: str
    is_hearing: bool
    starts_at: datetime | None

    @property
    def asks_once_more(self) -> bool:
        """Whether taking it back has a consequence that is told first."""
        return self.consent.kind is ConsentKind.USE


async def list_consents(request: web.Request) -> web.StreamResponse:
    """Every question once, with the latest answer, the newest first."""
    station, who = station_of(request), principal_of(request)
    lines = await _lines(station, who, await my_consents(station, who))
    return render(request, "my/consents.html", lines=lines, today=local_date(station.clock.now()))


async def ask_withdrawal(request: web.Request) -> web.StreamResponse:
    """Sure? Says what happens when the use of one's data is taken back."""
    station, who = station_of(request), principal_of(request)
    consent = await get_own_consent(station, who, request.match_info["consent"])
    [line] = await _lines(station, who, [consent])
    return render(request, "my/consent.html", line=line, today=local_date(station.clock.now()))


async def answer_again(request: web.Request) -> web.StreamResponse:
    """Take an answer back, or agree after all; the effect is there before this page answers."""
    station, who = station_of(request), principal_of(request)
    consent = await get_own_consent(station, who, request.match_info["consent"])
    given = (await read_form(request)).get("given") == "yes"
    holder, _, identity = consent.subject.partition(":")
    if holder == "meeting":
        await answer_consent(station, who, identity, consent.kind, given)
    elif holder == "booking" and not given:
        booking = next((b for b in await my_bookings(station, who) if b.id == identity), None)
        if booking is None:
            raise NotFound
        if consent.given:
            await withdraw_use(station, who, identity, await staff_of(station, booking.deputy_id))
        await forget_topic(station, booking)  # pressed once more it does what a crash in between left undone
    else:
        raise NotFound
    return see_other("/my/consents")


async def _lines(station: Station, who: Principal, consents: list[Consent]) -> list[ConsentLine]:
    ids = [c.subject.partition(":")[2] for c in consents if c.subject.startswith("meeting:")]
    meetings = await meetings_by_id(station, ids) if ids else {}
    bookings = {booking.id: booking for booking in await my_bookings(station, who)}
    return [_line(consent, meetings, bookings) for consent in consents]


def _line(consent: Consent, meetings: dict[str, Meeting], bookings: dict[str, Booking]) -> ConsentLine:
    words = KIND_WORDS.get(consent.kind, consent.kind)
    identity = consent.subject.partition(":")[2]
    if (meeting := meetings.get(identity)) is not None:
        hearing = meeting.kind is Kind.HEARING
        return ConsentLine(
            consent=consent,
            words=words,
            title=meeting.title,
            deputy_name=meeting.deputy_name,
            is_hearing=hearing,
            starts_at=meeting.starts_at,
        )
    if (booking := bookings.get(identity)) is not None:
        return ConsentLine(
            consent=consent,
            words=words,
            title=booking.topic,
            deputy_name=booking.deputy_name,
            is_hearing=False,
            starts_at=booking.starts_at,
        )
    return ConsentLine(consent=consent, words=words, title="", deputy_name="", is_hearing=False, starts_at=None)
