"""Chores that do something with each of many rows: one that cannot be done holds up no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import structlog

from station.base.errors import DatabaseAway, StorageFull

log = structlog.get_logger()
T = TypeVar("T")


async def do_each(items: Iterable[T], act: Callable[[T], Awaitable[bool]]) -> int:
    """Act on each; returns for how many there was something to do. What fails is told in the log, and found again at
    the chore's next turn. Raises DatabaseAway and StorageFull: then it would be the same with all.
    """
    done = 0
    for item in items:
        try:
            done += await act(item)
        except (DatabaseAway, StorageFull):
            raise
        except Exception:
            log.exception("chore_failed_for_one", step=act.__qualname__, item=str(getattr(item, "id", item)))
    return done
