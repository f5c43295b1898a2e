"""What stands of a case's cards before another one is issued."""

from __future__ import annotations

from sqlalchemy import ColumnElement, String, cast, exists, select

from station.base.database import Transaction
from station.cases import store
from station.cases.model import Colour


def red_stands() -> ColumnElement[bool]:
    """Whether the unit that has a case has a red card in its present round (`Card.stands`).

    A card's key begins with case and round. The card of a unit that has returned the case is not the next unit's.
    """
    t, c = store.case_cards.c, store.cases.c
    key = c.id + ":" + cast(c.round, String) + ":%"
    return exists().where(
        t.case_id == c.id, t.unit_id == c.unit_id, t.colour == Colour.RED, t.withdrawn_at.is_(None), t.key.like(key)
    )


async def has_red_card(work: Transaction, case_id: str) -> bool:
    """The same of one case."""
    return (
        await work.execute(select(store.cases.c.id).where(store.cases.c.id == case_id, red_stands()))
    ).first() is not None
