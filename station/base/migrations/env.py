"""Alembic's entry: runs the migrations on SQLite or PostgreSQL with the async drivers."""

from __future__ import annotations

import asyncio
import importlib
import threading

from alembic import context
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from station.base.database import metadata

STORES = (
    "station.base.heartbeats",
    "station.base.jobs",
    "station.ledger.store",
    "station.people.store",
    "station.directory.store",
    "station.booking.store",
    "station.photos.store",
    "station.meeting.store",
    "station.nodes.journal_store",
    "station.nodes.placement_store",
    "station.live.web.store",
    "station.cases.store",
    "station.notices.store",
)


def _load_tables() -> None:
    for name in STORES:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=False)
    with context.begin_transaction():
        context.run_migrations()


async def _migrate() -> None:
    engine = create_async_engine(context.config.attributes["url"])
    async with engine.begin() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


_load_tables()
# A caller may already have a loop running: the migration then gets a thread, and a loop, of its own.
_failure: list[BaseException] = []


def _in_thread() -> None:
    try:
        asyncio.run(_migrate())
    except BaseException as error:  # handed on to the caller's thread
        _failure.append(error)


_thread = threading.Thread(target=_in_thread)
_thread.start()
_thread.join()
if _failure:
    raise _failure[0]
