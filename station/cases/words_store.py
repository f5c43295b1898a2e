"""The words of published titles: kept by the transaction that publishes a case or recalls it."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from station.base.database import Transaction
from station.cases.model import title_words
from station.cases.records import Case
from station.cases.store import case_words, cases

TITLES_AT_ONCE = 500  # whose words are written by one statement; each has some ten


async def show_title(work: Transaction, case: Case, folded: str) -> None:
    """Let a published title, folded, be found by its words, and no earlier one of that case."""
    await hide_title(work, case.id)
    rows = [
        {"word": word, "year": case.year, "serial": case.serial, "case_id": case.id}
        for word in sorted(title_words(folded))  # in one order, so that two transactions do not wait for each other
    ]
    if rows:
        await work.execute(insert(case_words), rows)


async def hide_title(work: Transaction, case_id: str) -> None:
    """Let no search find the case by its title any more."""
    await work.execute(delete(case_words).where(case_words.c.case_id == case_id))


async def rebuild_words(work: Transaction) -> None:
    """Make the words of all published titles anew: for rows that came another way than by `show_title`."""
    await work.execute(delete(case_words))
    query = select(cases.c.id, cases.c.year, cases.c.serial, cases.c.search_text).where(cases.c.published.is_(True))
    shown = (await work.execute(query)).all()
    for first in range(0, len(shown), TITLES_AT_ONCE):
        rows = [
            {"word": word, "year": case.year, "serial": case.serial, "case_id": case.id}
            for case in shown[first : first + TITLES_AT_ONCE]
            for word in title_words(case.search_text)
        ]
        if rows:
            await work.execute(insert(case_words), rows)
