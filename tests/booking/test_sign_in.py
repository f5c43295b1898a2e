"""Booking as a guest begins it: the form comes after signing in, and what was typed is offered again."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from station.base.principal import Principal, Role
from station.base.station import Station
from station.booking.drafts import save_draft, start_draft
from station.booking.model import Matter, Mode
from station.booking.rota import list_slots
from station.demo.booking import LIN
from station.notices.service import list_newest
from tests.fixtures import Person

NewPerson = Callable[..., Awaitable[Person]]
ZHAO = Principal("ac_demo_citizen", Role.CITIZEN, "赵玉梅")


async def test_the_form_comes_after_signing_in(town: Station, new_person: NewPerson) -> None:
    """A guest who picked a time signs in and stands at the form; a text typed before is told on the deputy's page."""
    guest = await new_person()
    slot = next(slot for slot in await list_slots(town, ZHAO, LIN) if not slot.full)
    page = await guest.get(f"/book?slot={slot.id}")
    onward = re.search(r'name="next" value="([^"]*)"', page)
    assert onward
    page = await guest.post("/signin", phone="13800001234", next=onward[1])
    code = re.search(r"\d{6}", next(n.text for n in await list_newest(town) if n.address == "13800001234"))
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    fields.pop("csrf", None)
    assert code
    assert 'id="topic"' in await guest.post("/signin/code", **{**fields, "code": code[0]})
    await start_draft(town, ZHAO, slot.id)
    await save_draft(town, ZHAO, slot.id, Matter(Mode.VIDEO, "7 号楼想装电梯"))
    assert "您上次写的内容还在" in await guest.get(f"/deputies/{LIN}")
