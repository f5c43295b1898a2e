"""Insert unless it is there: the check and the insert are one statement, on SQLite and on PostgreSQL alike.

A `SELECT` before an `INSERT` lets two callers pass the check at once wherever writers run side by side. The
database's own unique constraint is the only check that holds; these helpers ask it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Row, Table
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from station.base.database import Transaction


def insert_into(work: Transaction, table: Table) -> Any:
    """An INSERT in the words of the database at hand: only these know what to do on a conflict."""
    return (insert_postgresql if work.connection.dialect.name == "postgresql" else insert_sqlite)(table)


async def insert_missing(work: Transaction, table: Table, rows: list[dict[str, Any]]) -> list[Row[Any]]:
    """Insert rows, leaving alone those that a unique constraint refuses; returns the keys of those inserted."""
    if not rows:
        return []
    return list(await work.execute(_missing(work.connection.dialect.name == "postgresql", table), rows))


async def count_inserted(work: Transaction, table: Table, rows: list[dict[str, Any]]) -> int:
    """`insert_missing` for many rows, whose keys nobody wants to know: returns how many were inserted."""
    if not rows:
        return 0
    if work.connection.dialect.name == "postgresql":  # its driver does not count the rows of such a statement
        return len(await insert_missing(work, table, rows))
    return (await work.execute(_missing_uncounted(table), rows)).rowcount


@cache
def _missing_uncounted(table: Table) -> Any:
    return insert_sqlite(table).on_conflict_do_nothing()


@cache
def _missing(is_postgresql: bool, table: Table) -> Any:
    statement = (insert_postgresql if is_postgresql else insert_sqlite)(table)
    return statement.on_conflict_do_nothing().returning(*table.primary_key.columns)


async def insert_unless_there(work: Transaction, table: Table, **values: Any) -> bool:
    """Insert one row; False when somebody else's row with the same key is there already."""
    return bool(await insert_missing(work, table, [values]))


async def insert_or_replace(work: Transaction, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows; one whose primary key is there already gets the new values."""
    if not rows:
        return
    statement = insert_into(work, table)
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    await work.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
