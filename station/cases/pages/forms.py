"""What templates need beside a case: words, kinds of tags, choices of forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from station.base.calendar import china
from station.base.clock import local
from station.base.errors import BadInput, NotFound
from station.base.ids import is_safe_name
from station.base.text import fold
from station.base.web import principal_of, render, station_of
from station.cases import service
from station.cases.law.deadlines import due_by
from station.cases.law.policy import policy_of
from station.cases.model import CLOCK_REASONS, GRADE_WORDS, STATE_WORDS, CaseState, CaseStep, Colour, Grade
from station.cases.privacy import mask_personal
from station.cases.reads.reading import CaseView
from station.cases.steps.transitions import Seen, rule_of
from station.directory.service import get_unit

WORDS: dict[str, Any] = {
    "CLOCK_REASONS": CLOCK_REASONS,
    "GRADE_WORDS": GRADE_WORDS,
    "STATE_WORDS": STATE_WORDS,
    "CaseState": CaseState,
    "CaseStep": CaseStep,
    "Grade": Grade,
    "Colour": Colour,
}


_OFFER_CHOICES = frozenset({"cases/rate.html", "cases/desk_case.html"})  # masking words takes as long as a page does


def case_id_of(request: web.Request) -> str:
    """The id in the path. Raises NotFound for what cannot be one."""
    raw = request.match_info["case"]
    if not is_safe_name(raw):
        raise NotFound
    return raw


def faults_at(form: str, fields: dict[str, str]) -> dict[str, str]:
    """The faults by the fields' ids: where several forms of a page have a `reason`, each has its own id for it."""
    return {f"{form}-reason" if form and name == "reason" else name: words for name, words in fields.items()}


async def show_case(
    request: web.Request,
    template: str,
    fields: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    parties_only: bool = False,
    **more: object,
) -> web.Response:
    """A case on one of its pages; with `fields`, the form again as it was sent and what is wrong with it.

    Raises NotFound to strangers where the page is for `parties_only`.
    """
    station, who = station_of(request), principal_of(request)
    async with station.database.snapshot(brief=True):
        view = await service.case_view(station, who, case_id_of(request))
        if parties_only and not view.party:
            raise NotFound
        unit = await get_unit(station, view.case.unit_id) if view.case.unit_id else None
    return render(
        request,
        template,
        status=422 if fields else 200,
        view=view,
        case=view.case,
        unit=unit,
        policy=policy_of(station),
        fields=fields or {},
        form=form or {},
        today=view.today,
        **WORDS,
        **(_choices(request, view) if template in _OFFER_CHOICES else {}),
        **more,
    )


def _choices(request: web.Request, view: CaseView) -> dict[str, Any]:
    """What the forms of a case offer: due days of each category, and words to review before publishing."""
    station, policy = station_of(request), policy_of(station_of(request))
    today = local(station.clock.now()).date()
    dues = {code: due_by(category.reply, today, china()) for code, category in policy.categories.items()}
    name, reply = view.case.citizen_name, view.reply
    return {
        "category_dues": dues,
        "redo_due": due_by(rule_of(station, "redo"), today, china()),
        "suggested_title": view.case.public_title or mask_personal(view.case.title, name),
        "suggested_reply": view.case.public_reply or (mask_personal(reply.text, name) if reply else ""),
    }


def due_in_days(request: web.Request, raw: str) -> Any:
    """The due day of so many working days from today, for looking before assigning. Raises BadInput."""
    station = station_of(request)
    rule = service.reply_rule(station, "general", parse_days(raw))
    return due_by(rule, local(station.clock.now()).date(), china())


def seen(form: Mapping[str, str]) -> Seen | None:
    """What the page showed whose form was sent."""
    return Seen.of_form(form.get("seen", ""))


def parse_days(raw: str) -> int | None:
    """A number of working days from a form; None when the field was left empty. Raises BadInput."""
    typed = fold(raw)
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 3):
        raise BadInput(fields={"days": "工作日要在 1 到 60 之间"})
    return int(typed)
