"""Rights are one table: which role may do which action. Scope (whose booking, which unit) is the service's check."""

from __future__ import annotations

from enum import StrEnum

from station.base.principal import Principal, Role


class Action(StrEnum):
    """What a route does; every route names one."""

    BROWSE = "browse"  # public pages and files
    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    SEE_DEMO = "see-demo"
    BOOK = "book"
    SEE_OWN = "see-own"
    SEE_PHOTO = "see-photo"  # of a booking or a case; whose is the service's check
    ENTER_MEETING = "enter-meeting"
    ADMIT = "admit"
    RECORD = "record"
    NOTE_MATTER = "note-matter"
    END_MEETING = "end-meeting"
    SEE_QUALITY = "see-quality"  # of the connections in a meeting, and the file to go with a bug report
    SEE_REPLAY = "see-replay"
    WATCH = "watch"  # live pages, playlists, parts
    RUN_HEARING = "run-hearing"  # hearings and broadcasts
    DEPUTY_DESK = "deputy-desk"
    CLERK_DESK = "clerk-desk"
    SEE_PUBLIC_CASES = "see-public-cases"
    SUPPLEMENT_CASE = "supplement-case"
    TRIAGE_CASE = "triage-case"
    HANDLE_CASE = "handle-case"
    RATE_CASE = "rate-case"
    OVERSEE = "oversee"
    SET_UP = "set-up"  # the first start: a key decides, as there is no account yet
    ADMINISTER = "administer"  # accounts, the directory, how the station runs
    MIND_JOBS = "mind-jobs"  # see long jobs, begin a failed one anew
    MEDIA = "media"  # signalling, WHIP, WHEP: a grant decides, not the account


_EVERYONE = frozenset(Role) - {Role.SYSTEM}
_SIGNED_IN = _EVERYONE - {Role.GUEST}

RIGHTS: dict[Action, frozenset[Role]] = {
    Action.BROWSE: _EVERYONE,
    Action.SIGN_IN: _EVERYONE,
    Action.SIGN_OUT: _EVERYONE,
    Action.SEE_DEMO: _EVERYONE,
    Action.BOOK: frozenset({Role.CITIZEN}),
    Action.SEE_OWN: _SIGNED_IN,
    Action.SEE_PHOTO: _SIGNED_IN,
    Action.ENTER_MEETING: frozenset({Role.CITIZEN, Role.DEPUTY, Role.CLERK}),
    Action.ADMIT: frozenset({Role.DEPUTY, Role.CLERK}),
    Action.RECORD: frozenset({Role.DEPUTY, Role.CLERK}),
    Action.NOTE_MATTER: frozenset({Role.DEPUTY, Role.CLERK}),
    Action.END_MEETING: frozenset({Role.DEPUTY, Role.CLERK}),
    Action.SEE_QUALITY: frozenset({Role.DEPUTY, Role.CLERK, Role.ADMIN}),
    Action.SEE_REPLAY: _EVERYONE,  # published ones are public; the service decides
    Action.WATCH: _EVERYONE,
    Action.RUN_HEARING: frozenset({Role.CLERK, Role.ADMIN}),
    Action.DEPUTY_DESK: frozenset({Role.DEPUTY}),
    Action.CLERK_DESK: frozenset({Role.CLERK, Role.ADMIN}),
    Action.SEE_PUBLIC_CASES: _EVERYONE,
    Action.SUPPLEMENT_CASE: frozenset({Role.CITIZEN, Role.DEPUTY, Role.CLERK, Role.UNIT}),
    Action.TRIAGE_CASE: frozenset({Role.CLERK, Role.ADMIN}),
    Action.HANDLE_CASE: frozenset({Role.UNIT}),
    Action.RATE_CASE: frozenset({Role.CITIZEN, Role.DEPUTY}),  # a deputy where no citizen asked
    Action.OVERSEE: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    Action.SET_UP: _EVERYONE,
    Action.ADMINISTER: frozenset({Role.ADMIN}),
    Action.MIND_JOBS: frozenset({Role.CLERK, Role.ADMIN}),
    Action.MEDIA: _EVERYONE,
}


def allowed(who: Principal, action: Action) -> bool:
    """Whether the role of `who` may do the action at all."""
    return who.role in RIGHTS[action]
