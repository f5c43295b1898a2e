"""Tables and queries of the district's identity, its texts, and the first start."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from station.base.database import Transaction, UtcDateTime, metadata
from station.base.identity import Identity, Mark, Wording
from station.base.inserts import insert_unless_there
from station.setup.model import Facts, Look, TextKind, TextVersion

ONE = "district"  # there is one row

identities = Table(
    "identities",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("district", String(40), nullable=False, default=""),
    Column("higher_unit", String(60), nullable=False, default=""),
    Column("help_phone", String(40), nullable=False, default=""),
    Column("help_hours", String(60), nullable=False, default=""),
    Column("sms_signature", String(20), nullable=False, default=""),
    Column("languages", String(20), nullable=False),
    Column("accent", String(7), nullable=False),
    Column("mark_kind", String(3), nullable=False, default=""),
    Column("mark", LargeBinary, nullable=False, default=b""),
    Column("mark_digest", String(64), nullable=False, default=""),
    Column("changed_at", UtcDateTime, nullable=False),
)

district_texts = Table(
    "district_texts",
    metadata,
    Column("kind", String(12), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("chinese", Text, nullable=False),
    Column("english", Text, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
)


async def stored_version(connection: AsyncConnection) -> int:
    """How often the identity has changed; 0 where there is none."""
    found = (await connection.execute(select(identities.c.version).where(identities.c.id == ONE))).scalar()
    return int(found or 0)


async def read_identity(connection: AsyncConnection) -> Identity | None:
    """The identity with the newest version of each text; None where nobody has set it up."""
    row = (await connection.execute(select(identities).where(identities.c.id == ONE))).first()
    if row is None:
        return None
    notice = await newest_text(connection, TextKind.NOTICE)
    consent = await newest_text(connection, TextKind.CONSENT)
    mark = Mark(row.mark_kind, row.mark, row.mark_digest) if row.mark_kind else None
    return Identity(
        version=row.version,
        district=row.district,
        higher_unit=row.higher_unit,
        help_phone=row.help_phone,
        help_hours=row.help_hours,
        sms_signature=row.sms_signature,
        accent=row.accent,
        languages=tuple(row.languages.split(",")),
        mark=mark,
        notice=notice,
        consent=consent,
        look=f"{row.accent[1:]}{row.mark_digest[:12]}",
    )


async def newest_text(connection: AsyncConnection, kind: TextKind) -> Wording:
    """The version that is in force; the built-in one, version 0, where there is none."""
    found = await texts_of(connection, kind, 1)
    return Wording(found[0].version, found[0].chinese, found[0].english) if found else Wording()


async def texts_of(connection: AsyncConnection, kind: TextKind, limit: int) -> list[TextVersion]:
    """The versions of a text, the newest first."""
    query = select(district_texts).where(district_texts.c.kind == kind)
    rows = await connection.execute(query.order_by(district_texts.c.version.desc()).limit(limit))
    return [TextVersion(kind, row.version, row.chinese, row.english, row.published_at) for row in rows]


async def text_of(connection: AsyncConnection, kind: TextKind, version: int) -> TextVersion | None:
    """One version of a text."""
    where = (district_texts.c.kind == kind) & (district_texts.c.version == version)
    row = (await connection.execute(select(district_texts).where(where))).first()
    return None if row is None else TextVersion(kind, version, row.chinese, row.english, row.published_at)


async def lock_identity(work: Transaction, first: Identity, now: datetime) -> int:
    """Hold the identity until the end of the transaction, made from `first` where there is none; its version."""
    values = _facts(Facts.of(first)) | {"accent": first.accent, "version": 0, "changed_at": now}
    empty = {"mark_kind": "", "mark": b"", "mark_digest": ""}
    await insert_unless_there(work, identities, id=ONE, **values, **empty)
    query = select(identities.c.version).where(identities.c.id == ONE).with_for_update()
    return int((await work.execute(query)).scalar_one())


async def change_facts(work: Transaction, facts: Facts) -> None:
    """Names, telephone, hours, languages."""
    await work.execute(update(identities).where(identities.c.id == ONE).values(_facts(facts)))


async def change_look(work: Transaction, look: Look) -> None:
    """The colour; and the mark, where a new one was sent or the old one is not wanted any more."""
    values: dict[str, Any] = {"accent": look.accent}
    if look.mark is not None:
        values |= {"mark_kind": look.mark.kind, "mark": look.mark.body, "mark_digest": look.mark.digest}
    elif look.without_mark:
        values |= {"mark_kind": "", "mark": b"", "mark_digest": ""}
    await work.execute(update(identities).where(identities.c.id == ONE).values(values))


async def add_text(work: Transaction, text: TextVersion) -> None:
    """One version more; earlier ones stay, as people have agreed to them."""
    values = {"chinese": text.chinese, "english": text.english, "published_at": text.published_at}
    await work.execute(insert(district_texts).values(kind=text.kind, version=text.version, **values))


async def count_change(work: Transaction, now: datetime) -> None:
    """Whoever reads the version next reads all of it anew."""
    values = {"version": identities.c.version + 1, "changed_at": now}
    await work.execute(update(identities).where(identities.c.id == ONE).values(values))


def _facts(facts: Facts) -> dict[str, str]:
    return {
        "district": facts.district,
        "higher_unit": facts.higher_unit,
        "help_phone": facts.help_phone,
        "help_hours": facts.help_hours,
        "sms_signature": facts.sms_signature,
        "languages": ",".join(facts.languages),
    }
