"""Terms: the first one, without which nobody could have a seat."""

from __future__ import annotations

from datetime import date

from station.base.clock import local_date
from station.base.errors import N_, BadInput, Conflict
from station.base.idempotency import keep_made
from station.base.ids import new_id
from station.base.principal import Principal
from station.base.station import Station
from station.directory import edit_store
from station.directory.edit_service import begin_edit
from station.ledger.service import append

MAX_NAME = 40


class TermThere(Conflict):
    """A term lasts already."""

    code = "term-there"
    message = N_("已经有这一届了，请看最新的")


async def begin_first_term(station: Station, who: Principal, name: str, starts_on: date | None) -> str:
    """Write the first term; returns its id. Raises BadInput, TermThere."""
    faults: dict[str, str] = {}
    if not name or len(name) > MAX_NAME:
        faults["name"] = N_("请写这一届的名称，最多 40 个字，比如：第十八届")
    if starts_on is None or starts_on.year < 1950:
        faults["starts_on"] = N_("请选这一届的第一天")
    elif starts_on > local_date(station.clock.now()):
        faults["starts_on"] = N_("第一天还没到，到那天再写")
    if faults or starts_on is None:
        raise BadInput(fields=faults)
    async with station.database.transaction() as work:
        await begin_edit(station, work)
        if await edit_store.current_term(work.connection) is not None:
            raise TermThere
        identity = new_id("te")
        await edit_store.insert_term(work, identity, name, starts_on)
        await keep_made(work, identity)
        await append(station, work, who, "directory.term-begun", f"term:{identity}")
    return identity
