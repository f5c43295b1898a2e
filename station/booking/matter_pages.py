"""The page on which a citizen says what it is about, and adds photos."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from station.base.clock import local_date
from station.base.errors import N_, BadInput, StationError
from station.base.uploads import Caps, Upload, read_upload
from station.base.web import principal_of, private_file, render, see_other, station_of, translate
from station.booking.drafts import get_draft, save_draft, start_draft
from station.booking.find_pages import answer_deputy
from station.booking.forms import read_matter
from station.booking.model import CHOOSE_ANOTHER, Draft, Matter, Slot
from station.booking.photos import add_photo, draft_photos, open_draft_photo, remove_photo
from station.booking.policy import booking_policy
from station.booking.rota import get_slot
from station.directory.service import get_deputy
from station.photos.model import CONTENT_TYPE, MAX_PHOTOS, PhotoTooLarge, TooManyPhotos


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why the form is shown again: the status of the answer, and the faults by field."""

    status: int
    fields: dict[str, str]


async def ask_matter(request: web.Request) -> web.StreamResponse:
    """What is it about? Opening this page holds the slot."""
    station, who = station_of(request), principal_of(request)
    slot_id = request.match_info["slot"]
    try:
        draft, slot = await start_draft(station, who, slot_id)
    except CHOOSE_ANOTHER as error:
        return await answer_deputy(request, (await get_slot(station, who, slot_id)).deputy_id, error)
    typed = Matter(draft.mode, draft.topic, draft.description, draft.help)
    return await _show_matter(request, slot, draft, typed)


async def _show_matter(
    request: web.Request, slot: Slot, draft: Draft | None, typed: Matter, fault: _Fault | None = None
) -> web.StreamResponse:
    station = station_of(request)
    return render(
        request,
        "booking/matter.html",
        status=fault.status if fault else 200,
        fields=fault.fields if fault else {},
        slot=slot,
        deputy=await get_deputy(station, slot.deputy_id),
        held_until=draft.held_until if draft else None,
        typed=typed,
        photos=await draft_photos(station, principal_of(request)),
        max_photos=MAX_PHOTOS,
        max_photo_mb=_photo_mb(request),
        policy=booking_policy(station),
        today=local_date(station.clock.now()),
    )


async def keep_matter(request: web.Request) -> web.StreamResponse:
    """Keep what was typed and the photos chosen; go on to the check, or stay when only photos were added or removed."""
    station, who = station_of(request), principal_of(request)
    slot = await get_slot(station, who, request.match_info["slot"])
    caps = Caps(MAX_PHOTOS, station.settings.max_upload_bytes)
    async with read_upload(request, caps, station.settings.data) as form:
        stays = "remove" in form.fields or form.fields.get("then") == "add"
        typed = read_matter(form.fields, slot)
        if "remove" in form.fields:
            await remove_photo(station, who, form.fields["remove"])
        fault = await _take_photos(request, form)
    try:
        await save_draft(station, who, slot.id, typed)
    except BadInput as error:
        if not stays:
            fault = _Fault(error.status, error.fields | (fault.fields if fault else {}))
    except CHOOSE_ANOTHER as error:
        return await answer_deputy(request, slot.deputy_id, error)
    if fault is None and not stays:
        return see_other(f"/book/{slot.id}/check")
    return await _show_matter(request, slot, await get_draft(station, who), typed, fault)


async def _take_photos(request: web.Request, form: Upload) -> _Fault | None:
    """Keep each photo that is one; tell what is wrong with the others."""
    refused: dict[int, StationError] = {}
    for number, sent in enumerate(form.files, 1):
        try:
            if sent is None:
                raise PhotoTooLarge(mb=_photo_mb(request))
            await add_photo(station_of(request), principal_of(request), sent)
        except StationError as error:
            refused[number] = error
    if form.surplus:
        refused[len(form.files) + 1] = TooManyPhotos(n=MAX_PHOTOS)
    if not refused:
        return None
    words = _told(request, refused, several=len(form.files) + form.surplus > 1)
    return _Fault(next(iter(refused.values())).status, {"photos": words})


def _told(request: web.Request, refused: dict[int, StationError], several: bool) -> str:
    """What was not taken and why. A file is told by its place, never by the name that its sender gave it."""
    sentences = []
    for code in dict.fromkeys(error.code for error in refused.values()):
        numbers = [number for number, error in refused.items() if error.code == code]
        error = refused[numbers[0]]
        which = ", ".join(str(number) for number in numbers)
        placed = several and not isinstance(error, TooManyPhotos)
        prefix = translate(request, N_("第 %(n)s 个文件："), n=which) if placed else ""
        sentences.append(prefix + translate(request, error.text, **error.params))
    return " ".join(sentences)


def _photo_mb(request: web.Request) -> int:
    return max(1, station_of(request).settings.max_upload_bytes // 2**20)


async def send_draft_photo(request: web.Request) -> web.StreamResponse:
    """A photo of the draft, for the one who is writing it."""
    path = await open_draft_photo(station_of(request), principal_of(request), request.match_info["photo"])
    return private_file(path, CONTENT_TYPE)
