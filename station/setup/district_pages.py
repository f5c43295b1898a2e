"""`/admin/district`: names, look and texts of the district, changed while the station runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from station.base.clock import local_date
from station.base.errors import BadInput, NotFound
from station.base.idempotency import answer_at
from station.base.identity import Identity, parts_of
from station.base.web import MAX_NUMBER_DIGITS, principal_of, read_form, render, see_other, station_of
from station.setup import forms
from station.setup.default_texts import texts_for
from station.setup.model import Facts, Look, TextKind, Texts, read_facts, read_texts
from station.setup.service import (
    ChangedMeanwhile,
    get_text,
    list_texts,
    save_facts,
    save_look,
    save_texts,
    stored_identity,
)

PAGE = "/admin/district"


async def show_district(request: web.Request) -> web.StreamResponse:
    """All that the district says of itself, in three forms."""
    return await _answer(request)


async def change_facts(request: web.Request) -> web.StreamResponse:
    """Names, telephone, hours, languages."""
    form = await read_form(request)
    try:
        facts = read_facts(form)
    except BadInput as fault:
        return await _answer(request, "facts", form, fault.fields, fault.status)
    return await _save(request, "facts", form, lambda seen: _save_facts(request, facts, seen))


async def change_look(request: web.Request) -> web.StreamResponse:
    """Colour and mark."""
    look, form, faults = await forms.read_look(request)
    if look is None:
        return await _answer(request, "look", form, faults, 422)
    return await _save(request, "look", form, lambda seen: _save_look(request, look, seen))


async def change_texts(request: web.Request) -> web.StreamResponse:
    """A new version of the notice or of the wording of consent."""
    form = await read_form(request)
    try:
        texts = read_texts(form)
    except BadInput as fault:
        return await _answer(request, "texts", form, fault.fields, fault.status)
    return await _save(request, "texts", form, lambda seen: _save_texts(request, texts, seen))


async def show_text(request: web.Request) -> web.StreamResponse:
    """One version of a text as it was, for who looks back."""
    station = station_of(request)
    version = read_version(request.match_info["version"])
    text = await get_text(station, TextKind(request.match_info["kind"]), version)
    if text is None:
        raise NotFound
    return render(request, "setup/text.html", text=text, chinese=parts_of(text.chinese), english=parts_of(text.english))


async def _save_facts(request: web.Request, facts: Facts, seen: int) -> None:
    await save_facts(station_of(request), principal_of(request), facts, seen)


async def _save_look(request: web.Request, look: Look, seen: int) -> None:
    await save_look(station_of(request), principal_of(request), look, seen)


async def _save_texts(request: web.Request, texts: Texts, seen: int) -> None:
    await save_texts(station_of(request), principal_of(request), texts, seen)


async def _save(
    request: web.Request, part: str, form: dict[str, str], save: Callable[[int], Awaitable[None]]
) -> web.StreamResponse:
    onward = f"{PAGE}?saved={part}#{part}"
    answer_at(onward)
    try:
        await save(read_version(form.get("seen", "")))
    except ChangedMeanwhile as changed:
        return await _answer(request, part, form, {}, changed.status, changed.text)
    return see_other(onward)


def read_version(typed: str) -> int:
    """The number of a version; -1, which none has, for what is no number."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= MAX_NUMBER_DIGITS else -1


async def _answer(
    request: web.Request,
    part: str = "",
    form: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
    status: int = 200,
    clash: str = "",
) -> web.StreamResponse:
    """The page; the form that could not be taken as it was typed, the others as they are."""
    station = station_of(request)
    identity = await stored_identity(station)
    typed = {"facts": forms.facts_as_typed(identity), "look": forms.look_as_typed(identity)}
    typed["texts"] = forms.texts_as_typed(_texts_to_change(identity))
    if form is not None:
        typed[part] = form
    return render(
        request,
        "setup/district.html",
        status,
        present=identity,
        typed=typed,
        part=part,
        fields=fields or {},
        clash=clash,
        saved=request.query.get("saved", "") if not part else "",
        notices=await list_texts(station, TextKind.NOTICE),
        consents=await list_texts(station, TextKind.CONSENT),
        today=local_date(station.clock.now()),
        **forms.colour_context(identity, typed["look"]),
    )


def _texts_to_change(identity: Identity) -> Texts:
    """Those in force; where the built-in ones are, a good beginning for one's own."""
    return Texts.of(identity) if identity.notice.version else texts_for(identity)
