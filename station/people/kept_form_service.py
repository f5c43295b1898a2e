"""What somebody typed into a form that could not be taken: kept over an error or a sign-in, then put back.

The row is sealed with a key that only the browser's cookie holds, bound to the account that typed it, and gone after
two hours. It is a courtesy that ends by itself and no step in anybody's matter, so it leaves no ledger event.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from station.base.keyed_requests import FORM_KEY
from station.base.principal import Principal
from station.base.station import Station
from station.people import kept_form_store as store

KEEP_FOR = timedelta(hours=2)
MAX_FORMS = 10  # of one browser: several tabs
Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form to put back: where it is sent, on which page it stands, and what was typed, in order."""

    action: str
    page: str
    fields: Fields

    @property
    def typed(self) -> Fields:
        """What is shown to be sent again: all but the key that the form came with."""
        return [(name, value) for name, value in self.fields if name != FORM_KEY]

    @property
    def key(self) -> str:
        """The key that the form came with, "" where it had none."""
        return dict(self.fields).get(FORM_KEY, "")


async def keep_form(station: Station, secret: str, account: str, form: KeptForm) -> bool:
    """Keep a form for the browser that holds `secret`; False when it keeps too many already.

    `account` is whose words they are: nobody else who uses the browser gets to see them.
    """
    now = station.clock.now()
    sealed = Fernet(_key(secret)).encrypt(msgspec.json.encode(form.fields))
    async with station.database.transaction() as work:
        await store.drop_expired(work, now)
        if await store.count_forms(work, _hash(secret)) >= MAX_FORMS:
            return False
        await store.put_form(
            work,
            browser_hash=_hash(secret),
            action=form.action,
            account=account,
            page=form.page,
            sealed=sealed,
            expires_at=now + KEEP_FOR,
        )
    return True


async def has_form(station: Station, secret: str, page: str) -> bool:
    """Whether something is kept for a page; for the sign-in page, which shows that but not what."""
    async with station.database.read() as connection:
        return bool(await store.forms_of(connection, _hash(secret), page, station.clock.now()))


async def find_form(station: Station, who: Principal, secret: str, page: str) -> KeptForm | None:
    """The newest form kept for a page, if it is the caller's own."""
    async with station.database.read() as connection:
        rows = await store.forms_of(connection, _hash(secret), page, station.clock.now())
    for row in rows:
        if row.account == who.account:
            return _open(row.action, row.page, row.sealed, secret)
    return None


async def move_form(station: Station, secret: str, action: str, page: str) -> None:
    """Show a kept form on another page from now on."""
    async with station.database.transaction() as work:
        await store.set_page(work, _hash(secret), action, page)


async def forget_form(station: Station, secret: str, action: str) -> None:
    """Delete a kept form: it has been sent again, or is no longer wanted."""
    async with station.database.transaction() as work:
        await store.drop_form(work, _hash(secret), action)


async def forget_old_forms(station: Station) -> None:
    """Delete what nobody came back for in time."""
    async with station.database.transaction() as work:
        await store.drop_expired(work, station.clock.now())


def _open(action: str, page: str, sealed: bytes, secret: str) -> KeptForm | None:
    try:
        return KeptForm(action, page, msgspec.json.decode(Fernet(_key(secret)).decrypt(sealed), type=Fields))
    except (InvalidToken, msgspec.DecodeError):
        return None


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"kept form key\n{secret}".encode()).digest())


def _hash(secret: str) -> str:
    return hashlib.sha256(f"kept form\n{secret}".encode()).hexdigest()
