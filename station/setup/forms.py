"""Reading the forms that set-up and administration share: small fields, the mark, the texts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from station.base.errors import N_, BadInput
from station.base.identity import ACCENT, Identity
from station.base.uploads import Caps, read_upload
from station.base.web import station_of
from station.setup.colours import can_be_read, measure, nearest_readable, read_colour
from station.setup.mark import MAX_PNG_BYTES, TOO_LARGE, check_mark
from station.setup.model import Facts, Look, Texts, read_accent

MARK_CAPS = Caps(files=1, file_bytes=MAX_PNG_BYTES)
SWATCHES = {ACCENT: N_("青"), "#1f4e79": N_("蓝"), "#4a3f7a": N_("紫")}


async def read_look(request: web.Request) -> tuple[Look | None, dict[str, str], dict[str, str]]:
    """What the form on the look says: the look, or None with the faults; and its fields as they were typed."""
    folder = station_of(request).settings.data
    async with read_upload(request, MARK_CAPS, folder) as upload:
        form = dict(upload.fields)
        faults: dict[str, str] = {}
        accent, mark = ACCENT, None
        try:
            accent = read_accent(form)
        except BadInput as fault:
            faults |= fault.fields
        try:
            for file in upload.files:
                if file is None:
                    raise BadInput(fields={"mark": TOO_LARGE})
                file.seek(0)
                mark = await asyncio.to_thread(check_mark, file.read())
        except BadInput as fault:
            faults |= fault.fields
    return (None if faults else Look(accent, mark, form.get("without_mark") == "yes")), form, faults


def facts_as_typed(identity: Identity) -> dict[str, str]:
    """The fields of the form on names, filled with what holds."""
    facts = Facts.of(identity)
    return {
        "district": facts.district,
        "higher_unit": facts.higher_unit,
        "help_phone": facts.help_phone,
        "help_hours": facts.help_hours,
        "sms_signature": facts.sms_signature,
        "english": "yes" if "en" in facts.languages else "",
    }


def look_as_typed(identity: Identity) -> dict[str, str]:
    """The fields of the form on the look."""
    known = identity.accent in SWATCHES
    return {"accent": identity.accent if known else "own", "code": "" if known else identity.accent}


def texts_as_typed(texts: Texts) -> dict[str, str]:
    """The fields of the form on the texts."""
    return {
        "notice": texts.notice,
        "notice_english": texts.notice_english,
        "consent": texts.consent,
        "consent_english": texts.consent_english,
    }


def colour_context(identity: Identity, form: Mapping[str, str]) -> dict[str, object]:
    """What the form on the look shows of a colour: how it can be read, and the nearest that can."""
    typed = read_colour(form.get("code", "")) if form.get("accent") == "own" else read_colour(form.get("accent", ""))
    colour = typed or identity.accent
    nearest = "" if can_be_read(colour) else nearest_readable(colour)
    return {"swatches": SWATCHES, "colour": colour, "measures": measure(colour), "nearest": nearest}
