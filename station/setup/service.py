"""The district's identity: read once a process, changed under a check of its version, each change in the ledger."""

from __future__ import annotations

from functools import partial

import structlog

from station.base.database import Transaction
from station.base.errors import N_, Conflict
from station.base.idempotency import claim_key
from station.base.identity import IDENTITY_TOPIC, Identity, Wording
from station.base.principal import Principal
from station.base.station import Station
from station.ledger.service import append
from station.setup import store
from station.setup.model import Facts, Look, TextKind, Texts, TextVersion

log = structlog.get_logger()
LOOK_EVERY_S = 3.0  # other processes have no bus to them on a station without Redis
VERSIONS_LISTED = 50
SUBJECT = "district:identity"


class ChangedMeanwhile(Conflict):
    """Somebody else has changed the identity since the form was shown."""

    code = "identity-changed"
    message = N_("别人刚刚改过这一页，您写的还在下面，没有存。请看看现在的内容，要改就再存一次")


async def load_identity(station: Station) -> None:
    """Take over what the database holds, where it has changed."""
    held = station.identities.stored
    async with station.database.read(brief=True) as connection:
        if await store.stored_version(connection) != (held.version if held else 0):
            station.identities.stored = await store.read_identity(connection)


async def follow_identity(station: Station) -> None:
    """Keep this process's identity fresh, until cancelled: at once when the bus tells, every few seconds otherwise."""
    was_away = False
    async with station.bus.subscribe(IDENTITY_TOPIC) as subscription:
        while True:
            try:
                await load_identity(station)
                was_away = False
            except Exception as error:  # the pages go on with what was loaded last
                if not was_away:
                    log.warning("identity_not_loaded", error=f"{type(error).__name__}: {error}"[:200])
                was_away = True
            await subscription.get(LOOK_EVERY_S)


async def load_identity_or_go_on(station: Station) -> None:
    """For the start of a process, which a database that is away must not end."""
    try:
        await load_identity(station)
    except Exception as error:
        log.warning("identity_not_loaded", error=f"{type(error).__name__}: {error}"[:200])


async def save_facts(station: Station, who: Principal, facts: Facts, seen: int | None = None) -> None:
    """Names, telephone, hours, languages. `seen` is the version that the form showed. Raises ChangedMeanwhile."""
    async with station.database.transaction() as work:
        await _begin_change(station, work, seen)
        await store.change_facts(work, facts)
        await _end_change(station, work, who, "facts")


async def save_look(station: Station, who: Principal, look: Look, seen: int | None = None) -> None:
    """Colour and mark. Raises ChangedMeanwhile."""
    async with station.database.transaction() as work:
        await _begin_change(station, work, seen)
        await store.change_look(work, look)
        await _end_change(station, work, who, "look")


async def save_texts(station: Station, who: Principal, texts: Texts, seen: int | None = None) -> None:
    """A new version of each text that has changed; the same text again makes none. Raises ChangedMeanwhile."""
    async with station.database.transaction() as work:
        await _begin_change(station, work, seen)
        changed = [
            await _follow_text(station, work, TextKind.NOTICE, texts.notice, texts.notice_english),
            await _follow_text(station, work, TextKind.CONSENT, texts.consent, texts.consent_english),
        ]
        if any(changed):
            await _end_change(station, work, who, "texts", {text.kind: text.version for text in changed if text})


async def list_texts(station: Station, kind: TextKind) -> list[TextVersion]:
    """The versions of a text, the newest first."""
    async with station.database.read() as connection:
        return await store.texts_of(connection, kind, VERSIONS_LISTED)


async def get_text(station: Station, kind: TextKind, version: int) -> TextVersion | None:
    """One version of a text."""
    async with station.database.read(brief=True) as connection:
        return await store.text_of(connection, kind, version)


async def stored_identity(station: Station) -> Identity:
    """The identity as the database holds it at this moment, for forms that change it."""
    await load_identity(station)
    return station.identity


async def _begin_change(station: Station, work: Transaction, seen: int | None) -> None:
    await claim_key(work, station.clock.now())
    version = await store.lock_identity(work, station.identity, station.clock.now())
    if seen is not None and seen != version:
        raise ChangedMeanwhile


async def _end_change(
    station: Station, work: Transaction, who: Principal, part: str, data: dict[str, int] | None = None
) -> None:
    await store.count_change(work, station.clock.now())
    await append(station, work, who, f"district.{part}-changed", SUBJECT, dict(data or {}))
    work.after_commit.append(partial(_tell, station))


async def _tell(station: Station) -> None:
    await load_identity(station)
    await station.bus.publish(IDENTITY_TOPIC, {"action": "changed"})


async def _follow_text(
    station: Station, work: Transaction, kind: TextKind, chinese: str, english: str
) -> TextVersion | None:
    newest = await store.newest_text(work.connection, kind)
    if newest == Wording(newest.version, chinese, english):
        return None
    text = TextVersion(kind, newest.version + 1, chinese, english, station.clock.now())
    await store.add_text(work, text)
    return text
