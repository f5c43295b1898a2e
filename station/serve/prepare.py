"""What must be there before the roles: the newest database and, in the demo, its data.

`station serve` runs it in a process of its own, which takes what it loads for it away with it.
"""

from __future__ import annotations

import asyncio

from station.base.database import Database, is_current, migrate
from station.base.errors import DatabaseAway
from station.base.settings import Settings
from station.serve.folder import note_set_up
from station.serve.policies import find_policy_fault
from station.serve.ports import CannotStart


async def prepare(settings: Settings, link_hash: str = "") -> None:
    """Bring the database to this release, and add what is missing of the demo. Raises CannotStart.

    Where nobody has set the station up, the link with that hash opens set-up, and a file says that it does.

    When it is cancelled a migration, in its thread, comes to its end all the same.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    if fault := find_policy_fault(settings):
        raise CannotStart(f"The station does not start, as its rules cannot be used. {fault}")
    if not await _is_current(settings):
        await asyncio.to_thread(migrate, settings)
    if settings.demo:
        await _add_demo(settings)
    await _open_set_up(settings, link_hash)


async def _is_current(settings: Settings) -> bool:
    database = Database(settings.resolved_database_url)
    try:
        return await is_current(database)
    except DatabaseAway as error:
        raise CannotStart("The database does not answer: see `station doctor`") from error
    finally:
        await database.close()


async def _open_set_up(settings: Settings, link_hash: str) -> None:
    is_open = False
    if link_hash and not settings.demo:
        from station.app import close_station, open_station  # noqa: PLC0415
        from station.setup.start_service import replace_link  # noqa: PLC0415

        station = open_station(settings)
        try:
            is_open = await replace_link(station, link_hash)
        finally:
            await close_station(station)
    note_set_up(settings.data, is_open)


async def _add_demo(settings: Settings) -> None:
    from station.app import close_station, open_station  # noqa: PLC0415  only the demo needs the whole station here
    from station.demo import seed  # noqa: PLC0415

    station = open_station(settings)
    try:
        await seed(station)
    finally:
        await close_station(station)
