"""What stands of a case's cards before another one is issued."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, String, cast, exists, select

from station.base.database import Transaction
from station.cases import store
from station.cases.model import Colour


async def has_card_by_hand(work: Transaction, case_id: str, colour: Colour, reason: str, since: datetime) -> bool:
    """Whether a card of that colour with the same reason, not withdrawn, has been issued by hand after `since`."""
    t = store.case_cards.c
    same = (t.case_id == case_id) & (t.colour == colour) & (t.reason == reason) & (t.issued_at > since)
    found = select(t.id).where(same & t.by_clock.is_(False) & t.withdrawn_at.is_(None))
    return (await work.execute(found)).first() is not None


def red_stands() -> ColumnElement[bool]:
    """Whether a case's present round has a red card that was not withdrawn; its key begins with case and round."""
    t = store.case_cards.c
    key = store.cases.c.id + ":" + cast(store.cases.c.round, String) + ":%"
    return exists().where(
        t.case_id == store.cases.c.id, t.colour == Colour.RED, t.withdrawn_at.is_(None), t.key.like(key)
    )


async def has_red_card(work: Transaction, case_id: str) -> bool:
    """The same of one case."""
    return (
        await work.execute(select(store.cases.c.id).where(store.cases.c.id == case_id, red_stands()))
    ).first() is not None
