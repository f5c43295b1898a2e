"""The one table of URLs: method, path, handler, and the action that its caller must be allowed."""

from __future__ import annotations

from station import gateway
from station.archive import replay_pages as replay
from station.base.web import Handler, Route
from station.booking import find_pages as finding
from station.booking import matter_pages as matter
from station.booking import pages as booking
from station.cases.pages import api as cases_api
from station.cases.pages import desk_pages as cases_desk
from station.cases.pages import oversight_pages as oversight
from station.cases.pages import public_pages as cases
from station.cases.pages import unit_pages as unit
from station.directory import admin_pages as directory_admin
from station.directory import constituency_pages as constituencies
from station.directory import deputy_admin_pages as deputies_admin
from station.directory import pages as directory
from station.directory import terms_pages as terms
from station.hearings import pages as hearings
from station.live.web import pages as live
from station.meeting import api as meeting_api
from station.meeting import desk_pages as desk
from station.meeting import pages as meeting
from station.my import consent_pages as consents
from station.my import pages as my
from station.notices import pages as notices
from station.operations import account_pages as accounts
from station.operations import admin_pages as administration
from station.operations import delivery_pages as deliveries
from station.operations import holiday_pages as holidays
from station.operations import jobs_pages as jobs
from station.operations import pages as operations
from station.people import invite_pages as invites
from station.people import kept_form_pages as kept_forms
from station.people import pages as people
from station.people import session_pages as sessions
from station.people.rights import Action
from station.quality import pages as quality
from station.setup import district_pages as district
from station.setup import public_pages as identity
from station.setup import start_pages as start


def _act(page: str, name: str, handler: Handler, action: Action) -> Route:
    """A form of a page, sent to an address below it: what it asks for is done once, however often it is sent."""
    return Route("POST", f"{page}/{name}", handler, action, page=page, once=True)


OPERATIONS = (
    Route("GET", "/healthz", operations.healthz, Action.BROWSE, anonymous=True),
    Route("GET", "/readyz", operations.readyz, Action.BROWSE, anonymous=True),
    Route("GET", "/metrics", operations.metrics, Action.BROWSE, anonymous=True),
    Route("GET", "/demo", operations.demo, Action.SEE_DEMO),
    Route("GET", "/desk/jobs", jobs.show_jobs, Action.MIND_JOBS),
    _act("/desk/jobs", "retry", jobs.retry, Action.MIND_JOBS),
)

ADMINISTRATION = (
    Route("GET", "/admin", administration.show_home, Action.ADMINISTER),
    Route("GET", "/admin/notices", deliveries.list_notices, Action.ADMINISTER),
    _act("/admin/notices", "resend", deliveries.send_again, Action.ADMINISTER),
    Route("GET", "/admin/holidays", holidays.show, Action.ADMINISTER),
    Route("POST", "/admin/holidays", holidays.check, Action.ADMINISTER),
    Route("POST", r"/admin/holidays/{year}", holidays.keep, Action.ADMINISTER, page="/admin/holidays", once=True),
    Route("GET", r"/admin/holidays/{year}/withdraw", holidays.ask_take_back, Action.ADMINISTER),
    Route("POST", r"/admin/holidays/{year}/withdraw", holidays.take_back, Action.ADMINISTER, once=True),
)

# Open to everybody whom the link has let in: there is no account yet.
SET_UP = (
    Route("GET", "/setup", start.begin, Action.SET_UP),
    Route("GET", "/setup/district", start.show_district, Action.SET_UP),
    Route("POST", "/setup/district", start.keep_district, Action.SET_UP),
    Route("GET", "/setup/look", start.show_look, Action.SET_UP),
    Route("POST", "/setup/look", start.keep_look, Action.SET_UP, upload=True),
    Route("GET", "/setup/texts", start.show_texts, Action.SET_UP),
    Route("POST", "/setup/texts", start.keep_texts, Action.SET_UP),
    Route("GET", "/setup/admin", start.show_administrator, Action.SET_UP),
    Route("POST", "/setup/admin", start.make_administrator, Action.SET_UP),
)


def _kept(page: str, name: str, new: Handler, add: Handler) -> tuple[Route, ...]:
    """The form of something new, the form of one that is there, and where both are sent."""
    one = f"{page}/{{{name}}}"
    return (
        Route("GET", f"{page}/new", new, Action.ADMINISTER),
        Route("POST", page, add, Action.ADMINISTER, page=f"{page}/new", once=True),
        Route("GET", one, new, Action.ADMINISTER),
        Route("POST", one, add, Action.ADMINISTER, once=True),
    )


DIRECTORY_KEPT = (
    Route("GET", "/admin/stations", directory_admin.list_stations, Action.ADMINISTER),
    *_kept("/admin/stations", "station", directory_admin.ask_station, directory_admin.save_station),
    _act("/admin/stations/{station}", "close", directory_admin.close_station, Action.ADMINISTER),
    Route("GET", "/admin/units", directory_admin.list_units, Action.ADMINISTER),
    Route("GET", "/admin/constituencies", constituencies.list_constituencies, Action.ADMINISTER),
    *_kept("/admin/constituencies", "constituency", constituencies.ask_constituency, constituencies.save_constituency),
    _act("/admin/constituencies/{constituency}", "remove", constituencies.remove_constituency, Action.ADMINISTER),
    Route("GET", "/admin/terms", terms.show_terms, Action.ADMINISTER),
    Route("POST", "/admin/terms", terms.begin_term, Action.ADMINISTER, once=True),
    Route("GET", "/admin/deputies", deputies_admin.list_all, Action.ADMINISTER),
    *_kept("/admin/deputies", "deputy", deputies_admin.ask_deputy, deputies_admin.save_deputy),
    *_kept("/admin/units", "unit", directory_admin.ask_unit, directory_admin.save_unit),
    _act("/admin/units/{unit}", "retire", directory_admin.retire_unit, Action.ADMINISTER),
)

DISTRICT = (
    Route("GET", "/identity.css", identity.send_stylesheet, Action.BROWSE, anonymous=True),
    Route("GET", "/mark.svg", identity.send_svg, Action.BROWSE, anonymous=True),
    Route("GET", "/mark.png", identity.send_png, Action.BROWSE, anonymous=True),
    Route("GET", "/admin/district", district.show_district, Action.ADMINISTER),
    _act("/admin/district", "facts", district.change_facts, Action.ADMINISTER),
    Route("POST", "/admin/district/look", district.change_look, Action.ADMINISTER, upload=True, page="/admin/district"),
    _act("/admin/district", "texts", district.change_texts, Action.ADMINISTER),
    Route("GET", "/admin/district/texts/{kind:notice|consent}/{version}", district.show_text, Action.ADMINISTER),
)

ACCOUNTS = (
    Route("GET", "/admin/accounts", accounts.list_accounts, Action.ADMINISTER),
    Route("GET", "/admin/accounts/new", accounts.ask_account, Action.ADMINISTER),
    Route("POST", "/admin/accounts", accounts.create, Action.ADMINISTER, page="/admin/accounts/new", once=True),
    Route("GET", "/admin/accounts/{account}", accounts.show_account, Action.ADMINISTER),
    Route("GET", "/admin/accounts/{account}/invite", accounts.show_link, Action.ADMINISTER),
    *(
        _act("/admin/accounts/{account}", name, handler, Action.ADMINISTER)
        for name, handler in (
            ("edit", accounts.edit),
            ("new-invite", accounts.invite),
            ("revoke", accounts.revoke),
            ("reset", accounts.reset),
            ("lock", accounts.lock),
            ("unlock", accounts.unlock),
            ("end-sessions", accounts.end_sessions),
        )
    ),
    Route("GET", "/my/sessions", sessions.show_sessions, Action.SEE_OWN),
    _act("/my/sessions", "end", sessions.end_one, Action.SEE_OWN),
    _act("/my/sessions", "end-others", sessions.end_others, Action.SEE_OWN),
    Route("GET", "/invite/{token}", invites.show_invite, Action.SIGN_IN),
    Route("POST", "/invite/{token}/password", invites.set_password, Action.SIGN_IN, page="/invite/{token}"),
    Route("POST", "/invite/{token}/factor", invites.set_factor, Action.SIGN_IN, page="/invite/{token}"),
)

PEOPLE = (
    Route("GET", "/signin", people.ask_phone, Action.SIGN_IN),
    Route("POST", "/signin", people.send_code, Action.SIGN_IN),
    Route("GET", "/signin/code", people.ask_code, Action.SIGN_IN),
    Route("POST", "/signin/code", people.check_code, Action.SIGN_IN),
    Route("GET", "/signin/staff", people.ask_password, Action.SIGN_IN),
    Route("POST", "/signin/staff", people.check_password, Action.SIGN_IN),
    Route("POST", "/kept-forms/discard", kept_forms.discard, Action.BROWSE),
    Route("POST", "/signout", people.sign_out, Action.SIGN_OUT),
    Route("GET", "/language/{language:zh|en}", people.choose_language, Action.BROWSE),
    Route("GET", "/mode/{mode:elder|standard}", people.choose_mode, Action.BROWSE),
    Route("GET", "/privacy", people.privacy, Action.BROWSE, shared=True),
)

NOTICES = (
    Route("GET", "/notices", notices.list_notices, Action.SEE_OWN),
    Route("POST", "/notices/read", notices.mark_all_read, Action.SEE_OWN, page="/notices"),
    Route("GET", "/notices/{notice}", notices.follow_notice, Action.SEE_OWN),
)

DIRECTORY = (
    Route("GET", "/", finding.show_home, Action.BROWSE, shared=True),
    Route("GET", "/stations", directory.list_stations, Action.BROWSE, shared=True),
    Route("GET", "/deputies", finding.list_deputies, Action.BROWSE, shared=True),
    Route("GET", "/deputies/{deputy}", finding.show_deputy, Action.BROWSE, shared=True),
    Route("GET", "/deputies/{deputy}/qr.svg", directory.show_qr, Action.BROWSE),
    Route("GET", "/deputies/{deputy}/poster", directory.show_poster, Action.BROWSE),
    Route("GET", "/d/{code}", directory.follow_code, Action.BROWSE),
)

BOOKING = (
    Route("GET", "/book", booking.choose_slot, Action.BROWSE),
    Route("GET", "/book/{slot}", matter.ask_matter, Action.BOOK),
    Route("POST", "/book/{slot}", matter.keep_matter, Action.BOOK, upload=True),
    Route("GET", "/book/photos/{photo}.jpg", matter.send_draft_photo, Action.BOOK),
    Route("GET", "/book/{slot}/check", booking.show_check, Action.BOOK),
    Route("POST", "/book/{slot}/check", booking.confirm, Action.BOOK),
    Route("POST", "/book/{slot}/leave", booking.give_up, Action.BOOK, page="/book/{slot}"),
    Route("GET", "/bookings/{booking}", booking.show_booking, Action.SEE_OWN),
    Route("GET", "/bookings/{booking}/calendar.ics", booking.send_calendar, Action.SEE_OWN),
    Route("GET", "/bookings/{booking}/photos/{photo}.jpg", booking.send_photo, Action.SEE_PHOTO),
    Route("GET", "/bookings/{booking}/cancel", booking.ask_cancel, Action.SEE_OWN),
    Route("POST", "/bookings/{booking}/cancel", booking.cancel, Action.SEE_OWN),
    Route("GET", "/my", my.show_my, Action.SEE_OWN),
    Route("GET", "/my/consents", consents.list_consents, Action.SEE_OWN),
    Route("GET", "/my/consents/{consent}", consents.ask_withdrawal, Action.SEE_OWN),
    Route("POST", "/my/consents/{consent}", consents.answer_again, Action.SEE_OWN, page="/my/consents", once=True),
)

GATEWAY = (
    Route("GET", "/media/{node}/ws", gateway.signalling, Action.MEDIA),
    *(
        Route(method, f"/{way}/{{room}}", gateway.whip_whep, Action.MEDIA, bearer=True)
        for way in ("whip", "whep")
        for method in ("OPTIONS", "GET", "POST")
    ),
    *(
        Route(method, f"/{way}/{{room}}/{{session}}", gateway.whip_whep, Action.MEDIA, bearer=True)
        for way in ("whip", "whep")
        for method in ("OPTIONS", "GET", "PATCH", "DELETE")
    ),
    Route("GET", "/live/{broadcast}/{file}", gateway.broadcast_file, Action.WATCH, anonymous=True, cors=True),
    Route("OPTIONS", "/live/{broadcast}/{file}", gateway.broadcast_file, Action.WATCH, anonymous=True, cors=True),
)


CASES = (
    Route("GET", "/cases", cases.list_cases, Action.SEE_PUBLIC_CASES, shared=True),
    Route("GET", "/cases/rules", cases.show_rules, Action.SEE_PUBLIC_CASES, shared=True),
    Route("GET", "/cases/{case}", cases.show, Action.SEE_PUBLIC_CASES, shared=True),
    Route("GET", "/cases/{case}/photos/{photo}.jpg", cases.send_photo, Action.SEE_PHOTO),
    _act("/cases/{case}", "notes", cases.add_note, Action.SUPPLEMENT_CASE),
    Route("GET", "/cases/{case}/rate", cases.ask_rating, Action.RATE_CASE),
    Route("POST", "/cases/{case}/rate", cases.rate, Action.RATE_CASE, once=True),
    Route("GET", "/desk/cases", cases_desk.list_cases, Action.CLERK_DESK),
    Route("GET", "/desk/cases/{case}", cases_desk.show, Action.CLERK_DESK),
    _act("/desk/cases/{case}", "accept", cases_desk.accept, Action.TRIAGE_CASE),
    _act("/desk/cases/{case}", "decline", cases_desk.decline, Action.TRIAGE_CASE),
    _act("/desk/cases/{case}", "assign", cases_desk.assign, Action.TRIAGE_CASE),
    _act("/desk/cases/{case}", "extension", cases_desk.decide_extension, Action.TRIAGE_CASE),
    _act("/desk/cases/{case}", "publish", cases_desk.publish, Action.TRIAGE_CASE),
    _act("/desk/cases/{case}", "recall", cases_desk.recall, Action.TRIAGE_CASE),
    _act("/desk/cases/{case}", "redo", cases_desk.redo, Action.TRIAGE_CASE),
    _act("/desk/cases/{case}", "conclude", cases_desk.conclude, Action.TRIAGE_CASE),
    _act("/desk/cases/{case}", "notes", cases_desk.add_note, Action.TRIAGE_CASE),
    Route("GET", "/unit", unit.show_desk, Action.HANDLE_CASE),
    Route("GET", "/unit/cases/{case}", unit.show, Action.HANDLE_CASE),
    _act("/unit/cases/{case}", "reply", unit.reply, Action.HANDLE_CASE),
    _act("/unit/cases/{case}", "return", unit.send_back, Action.HANDLE_CASE),
    _act("/unit/cases/{case}", "extension", unit.ask_extension, Action.HANDLE_CASE),
    _act("/unit/cases/{case}", "notes", unit.add_note, Action.HANDLE_CASE),
    Route("GET", "/oversight", oversight.show_month, Action.OVERSEE),
    Route("GET", "/oversight/cards", oversight.list_cards, Action.OVERSEE),
    Route(
        "POST",
        "/oversight/cards/{card}/withdraw",
        oversight.withdraw_card,
        Action.OVERSEE,
        page="/oversight/cards",
        once=True,
    ),
    Route("GET", "/oversight/cases/{case}", oversight.show_case_page, Action.OVERSEE),
    _act("/oversight/cases/{case}", "cards", oversight.issue_card, Action.OVERSEE),
    Route("GET", "/api/v1/cases", cases_api.list_cases, Action.SEE_PUBLIC_CASES),
    Route("GET", "/api/v1/cases/{number}", cases_api.get_case, Action.SEE_PUBLIC_CASES),
)

MEETING = (
    Route("GET", "/meet/booking/{booking}", meeting.enter_from_booking, Action.ENTER_MEETING),
    Route("GET", "/meet/{meeting}", meeting.show_meeting, Action.ENTER_MEETING),
    Route("GET", "/meet/{meeting}/events", meeting.stream_events, Action.ENTER_MEETING),
    Route("GET", "/meet/{meeting}/quality", quality.show_quality, Action.SEE_QUALITY),
    Route("GET", "/meet/{meeting}/quality/report.json", quality.send_report, Action.SEE_QUALITY),
    _act("/meet/{meeting}", "admit", desk.admit_from_desk, Action.ADMIT),
    Route("GET", "/api/v1/meetings/{meeting}/state", meeting_api.show_state, Action.ENTER_MEETING),
    Route("POST", "/api/v1/meetings/{meeting}/door", meeting_api.step_at_door, Action.ENTER_MEETING),
    Route("POST", "/api/v1/meetings/{meeting}/people/{person}", meeting_api.decide_person, Action.ADMIT),
    Route("POST", "/api/v1/meetings/{meeting}/consent", meeting_api.answer_consent, Action.ENTER_MEETING),
    Route("POST", "/api/v1/meetings/{meeting}/grant", meeting_api.sign_grant, Action.ENTER_MEETING),
    Route("POST", "/api/v1/meetings/{meeting}/recording", meeting_api.control_recording, Action.RECORD),
    Route("GET", "/api/v1/meetings/{meeting}/chat", meeting_api.list_chat, Action.ENTER_MEETING),
    Route("POST", "/api/v1/meetings/{meeting}/chat", meeting_api.send_chat, Action.ENTER_MEETING, once=True),
    Route("POST", "/api/v1/meetings/{meeting}/matters", meeting_api.note_matter, Action.NOTE_MATTER, once=True),
    Route("POST", "/api/v1/meetings/{meeting}/end", meeting_api.end_meeting, Action.END_MEETING),
    Route("GET", "/api/v1/meetings/{meeting}/composing", replay.show_composing, Action.SEE_REPLAY),
    Route("GET", "/deputy", desk.show_deputy_day, Action.DEPUTY_DESK),
    Route("GET", "/desk", desk.show_today, Action.CLERK_DESK),
    Route("GET", "/desk/events", meeting.stream_lobby, Action.ADMIT),
    Route("GET", "/desk/hearings", hearings.list_hearings, Action.RUN_HEARING),
    Route("POST", "/desk/hearings", hearings.create_hearing, Action.RUN_HEARING, page="/desk/hearings/new", once=True),
    Route("GET", "/desk/hearings/new", hearings.ask_hearing, Action.RUN_HEARING),
    Route("GET", "/desk/hearings/{meeting}", hearings.show_hearing, Action.RUN_HEARING),
    _act("/desk/hearings/{meeting}", "live", hearings.go_live, Action.RUN_HEARING),
    Route(
        "POST",
        "/desk/hearings/{meeting}/live/stop",
        hearings.stop_live,
        Action.RUN_HEARING,
        page="/desk/hearings/{meeting}",
    ),
    Route(
        "POST",
        "/desk/hearings/{meeting}/end",
        hearings.end_hearing,
        Action.RUN_HEARING,
        page="/desk/hearings/{meeting}",
    ),
    Route("GET", "/live", live.list_live, Action.WATCH, shared=True),
    Route("GET", "/live/{broadcast}", live.show_live, Action.WATCH),
    Route("GET", "/api/v1/broadcasts/{broadcast}", live.show_status, Action.WATCH),
    Route("GET", "/replay/{meeting}", replay.show_replay, Action.SEE_REPLAY),
    Route("GET", "/replay/{meeting}/video.mp4", replay.send_video, Action.SEE_REPLAY),
    _act("/replay/{meeting}", "publish", replay.publish_replay, Action.RUN_HEARING),
    Route("GET", "/bookings/{booking}/replay", replay.find_replay, Action.SEE_OWN),
    Route("GET", "/desk/broadcasts/{broadcast}", replay.review_broadcast, Action.RUN_HEARING),
    _act("/desk/broadcasts/{broadcast}", "publish", replay.publish_broadcast, Action.RUN_HEARING),
    Route("GET", "/desk/broadcasts/{broadcast}/{file}", gateway.review_file, Action.RUN_HEARING),
)

ROUTES: tuple[Route, ...] = (
    *OPERATIONS,
    *ADMINISTRATION,
    *DIRECTORY_KEPT,
    *DISTRICT,
    *ACCOUNTS,
    *SET_UP,
    *PEOPLE,
    *NOTICES,
    *DIRECTORY,
    *BOOKING,
    *CASES,
    *GATEWAY,
    *MEETING,
)
