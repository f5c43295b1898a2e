"""What the browser sends about a matter, made into plain data."""

from __future__ import annotations

from aiohttp import web

from station.base.web import read_form
from station.booking.model import Help, Matter, Mode, Slot


async def read_matter(request: web.Request, slot: Slot) -> Matter:
    """The matter as typed; unknown values are left out, `check_matter` judges the rest.

    A slot with one way to meet needs no choice. Line breaks come as CRLF (HTML, form submission) and count once.
    """
    form = await read_form(request)
    ticked = (await request.post()).getall("help", [])
    sent = form.get("mode", "")
    chosen = next((mode for mode in Mode if mode == sent), None)
    mode = chosen or (slot.modes[0] if len(slot.modes) == 1 else None)
    topic = " ".join(form.get("topic", "").split())
    description = form.get("description", "").replace("\r\n", "\n")
    return Matter(mode, topic, description, tuple(kind for kind in Help if kind in ticked))
