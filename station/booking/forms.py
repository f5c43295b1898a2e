"""What the browser sends about a matter, made into plain data."""

from __future__ import annotations

from multidict import MultiMapping

from station.booking.model import Help, Matter, Mode, Slot


def read_matter(fields: MultiMapping[str], slot: Slot) -> Matter:
    """The matter as typed; unknown values are left out, `check_matter` judges the rest.

    A slot with one way to meet needs no choice. Line breaks come as CRLF (HTML, form submission) and count once.
    """
    ticked = fields.getall("help", [])
    sent = fields.get("mode", "")
    chosen = next((mode for mode in Mode if mode == sent), None)
    mode = chosen or (slot.modes[0] if len(slot.modes) == 1 else None)
    topic = " ".join(fields.get("topic", "").split())
    description = fields.get("description", "").replace("\r\n", "\n")
    return Matter(mode, topic, description, tuple(kind for kind in Help if kind in ticked))
