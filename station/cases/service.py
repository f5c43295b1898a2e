"""What may be done with cases, and what can be read of them: the package's face to its siblings."""

from station.cases.privacy import mask_personal
from station.cases.reads.reading import (
    CaseLine,
    CaseView,
    PublicPage,
    bookings_with_cases,
    case_view,
    cases_of_meeting,
    due_cases,
    find_public,
    list_public,
    my_cases,
    open_case_photo,
    read_case,
    titles_for,
)
from station.cases.records import Case, OpenCase
from station.cases.steps.cards import (
    count_due_since,
    issue_card,
    issue_due_cards,
    recount_provisional,
    recount_since,
    withdraw_card,
)
from station.cases.steps.handling import add_note, ask_extension, decide_extension, reply_case, return_case
from station.cases.steps.intake import (
    accept_case,
    assign_case,
    conclude_case,
    decline_case,
    open_case,
    publish_case,
    recall_case,
    reply_rule,
)
from station.cases.steps.rating import rate_case, redo_case

__all__ = [
    "Case",
    "CaseLine",
    "CaseView",
    "OpenCase",
    "PublicPage",
    "accept_case",
    "add_note",
    "ask_extension",
    "assign_case",
    "bookings_with_cases",
    "case_view",
    "cases_of_meeting",
    "conclude_case",
    "count_due_since",
    "decide_extension",
    "decline_case",
    "due_cases",
    "find_public",
    "issue_card",
    "issue_due_cards",
    "list_public",
    "mask_personal",
    "my_cases",
    "open_case",
    "open_case_photo",
    "publish_case",
    "rate_case",
    "read_case",
    "recall_case",
    "recount_provisional",
    "recount_since",
    "redo_case",
    "reply_case",
    "reply_rule",
    "return_case",
    "titles_for",
    "withdraw_card",
]
