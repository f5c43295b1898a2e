"""The pure rules: states, the door, seats, and whose word recording needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from station.base.clock import SHANGHAI
from station.base.errors import Conflict
from station.base.principal import Role
from station.meeting.model import (
    LOBBY_TRANSITIONS,
    TRANSITIONS,
    Admission,
    DoorClosed,
    DoorStep,
    Entry,
    Kind,
    Meeting,
    MeetingEnded,
    MeetingState,
    MeetingStep,
    Relation,
    check_hearing,
    display_name,
    names_refusing,
    present,
    propose_hearing,
    relation_to,
    seat_for,
    step_door,
    step_meeting,
)

NOW = datetime(2026, 10, 12, 2, tzinfo=UTC)


def meeting(kind: Kind = Kind.RECEPTION, public: bool = False) -> Meeting:
    citizen = "ac_zhao" if kind is Kind.RECEPTION else ""
    return Meeting(
        id="mt_1",
        kind=kind,
        state=MeetingState.SCHEDULED,
        title="电梯",
        booking_id="",
        deputy_id="dp_lin",
        deputy_name="林秀兰",
        citizen=citizen,
        citizen_name="赵玉梅",
        starts_at=NOW,
        ends_at=NOW,
        public=public,
        published=False,
        opened_at=None,
        ended_at=None,
    )


def entry(account: str, role: Role = Role.CITIZEN, granted_at: datetime | None = None) -> Entry:
    return Entry("mt_1", account, account, role, Admission.ADMITTED, True, NOW, granted_at)


@pytest.mark.parametrize(("state", "step"), list(product(MeetingState, MeetingStep)))
def test_only_what_the_table_names_moves_a_meeting(state: MeetingState, step: MeetingStep) -> None:
    """Every pair either leads where the table says or says that the meeting has ended; what has ended stays so."""
    if (state, step) in TRANSITIONS:
        assert step_meeting(state, step) is TRANSITIONS[state, step][0]
    else:
        assert state is MeetingState.ENDED
        with pytest.raises(MeetingEnded):
            step_meeting(state, step)


@pytest.mark.parametrize(("state", "step"), list(product(Admission, DoorStep)))
def test_only_what_the_table_names_happens_at_the_door(state: Admission, step: DoorStep) -> None:
    """Every pair leads where the table says or is refused; nobody gets in without being let in."""
    if (state, step) not in LOBBY_TRANSITIONS:
        with pytest.raises(DoorClosed if state is Admission.REFUSED else Conflict):
            step_door(state, step)
        return
    after = step_door(state, step)
    if after is Admission.ADMITTED:
        assert step is DoorStep.ADMIT or state is Admission.ADMITTED


@pytest.mark.parametrize(
    ("role", "relation", "state", "admission"), list(product(Role, Relation, MeetingState, Admission))
)
def test_a_seat_gives_what_it_must_and_no_more(
    role: Role, relation: Relation, state: MeetingState, admission: Admission
) -> None:
    """Strangers and the late get nothing; hosts everything; others the room once admitted, and never its keys."""
    seat = seat_for(role, relation, state is not MeetingState.ENDED, admission)
    host = relation in (Relation.HOST, Relation.STAFF)
    if relation is Relation.STRANGER or state is MeetingState.ENDED:
        assert not seat.admitted
    elif host:
        assert seat.admitted
    else:
        assert seat.admitted is (admission is Admission.ADMITTED)
    if not (host and state is not MeetingState.ENDED):
        assert not (seat.may_admit or seat.may_record or seat.may_end)
    if role is Role.CITIZEN and not host:
        assert not seat.may_note


def test_relations_follow_from_role_and_scope() -> None:
    """The deputy booked hosts, another does not; the citizen who booked takes part, another is a stranger."""
    reception = meeting()
    assert relation_to(reception, Role.DEPUTY, "ac_1", "dp_lin", in_charge=False) is Relation.HOST
    assert relation_to(reception, Role.DEPUTY, "ac_2", "dp_chen", in_charge=False) is Relation.STRANGER
    assert relation_to(reception, Role.DEPUTY, "ac_2", "", in_charge=False) is Relation.STRANGER
    assert relation_to(reception, Role.CITIZEN, "ac_zhao", "", in_charge=False) is Relation.PARTY
    assert relation_to(reception, Role.CITIZEN, "ac_li", "", in_charge=False) is Relation.STRANGER
    assert relation_to(reception, Role.CLERK, "ac_3", "st_1", in_charge=True) is Relation.STAFF
    assert relation_to(reception, Role.CLERK, "ac_3", "st_2", in_charge=False) is Relation.STRANGER
    for role in (Role.GUEST, Role.UNIT, Role.SUPERVISOR, Role.ADMIN):
        assert relation_to(reception, role, "", "", in_charge=False) is Relation.STRANGER


def test_citizens_may_ask_to_come_to_public_hearings_only() -> None:
    """A hearing that is not public is open to deputies and staff alone, and a guest is a stranger to all."""
    assert (
        relation_to(meeting(Kind.HEARING, public=True), Role.CITIZEN, "ac_li", "", in_charge=False) is Relation.INVITED
    )
    assert relation_to(meeting(Kind.HEARING), Role.CITIZEN, "ac_li", "", in_charge=False) is Relation.STRANGER
    assert relation_to(meeting(Kind.HEARING), Role.DEPUTY, "ac_2", "dp_chen", in_charge=False) is Relation.INVITED
    assert relation_to(meeting(Kind.HEARING, public=True), Role.GUEST, "", "", in_charge=False) is Relation.STRANGER


def test_recording_needs_the_word_of_every_citizen_present() -> None:
    """Silence counts as no; deputies in office are not asked."""
    here = [entry("zhao"), entry("li"), entry("chen", Role.DEPUTY)]
    assert names_refusing(here, {"zhao": True}) == ["li"]
    assert names_refusing(here, {"zhao": True, "li": False}) == ["li"]
    assert names_refusing(here, {"zhao": True, "li": True}) == []


def test_who_is_on_the_way_in_counts_as_present() -> None:
    """A pass that is still good is as much as a seat: recording must not begin between pass and door."""
    since = NOW - timedelta(seconds=60)
    late, gone = entry("late", granted_at=NOW), entry("gone", granted_at=NOW - timedelta(minutes=5))
    assert present([late, gone, entry("in")], {"in"}, since) == [late, entry("in")]


def test_public_names_show_no_citizen_in_full() -> None:
    """Deputies keep name and office; a citizen's given name stays inside."""
    assert display_name(Role.DEPUTY, "林秀兰", True) == "林秀兰代表"
    assert display_name(Role.CITIZEN, "赵玉梅", True) == "赵**"
    assert display_name(Role.CITIZEN, "赵玉梅", False) == "赵玉梅"


@pytest.mark.parametrize(
    ("now", "starts"),
    [
        ("2026-10-12T08:00", "2026-10-12T14:00"),
        ("2026-10-12T13:00", "2026-10-12T14:00"),
        ("2026-10-12T13:30", "2026-10-12T14:00"),
        ("2026-10-12T14:00", "2026-10-12T15:00"),
        ("2026-10-12T16:20", "2026-10-12T17:00"),
        ("2026-10-12T19:59", "2026-10-12T20:00"),
        ("2026-10-12T20:00", "2026-10-13T14:00"),
        ("2026-12-31T23:59", "2027-01-01T14:00"),
    ],
)
def test_the_time_proposed_for_a_hearing_is_one_that_is_taken(now: str, starts: str) -> None:
    """At any hour of the day the form can be sent as it is shown."""
    moment = datetime.fromisoformat(now).replace(tzinfo=SHANGHAI).astimezone(UTC)
    begins, ends = propose_hearing(moment)
    assert f"{begins:%Y-%m-%dT%H:%M}" == starts
    assert check_hearing("电梯", begins, ends, moment) == {}
