"""`station init`: the same steps as `/setup`, at the terminal."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pyotp
import segno

from station.base.errors import BadInput
from station.base.identity import Mark
from station.base.principal import SYSTEM
from station.base.station import Station
from station.people.service import authenticator_uri
from station.setup.default_texts import texts_for
from station.setup.mark import check_mark
from station.setup.model import Look, read_accent, read_facts
from station.setup.service import save_facts, save_look, save_texts
from station.setup.start_service import (
    FirstAdministrator,
    check_open,
    finish,
    keep_administrator,
    keep_secret,
    note_step,
    read_administrator,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was given on the command line."""

    facts: dict[str, str]
    colour: str
    mark: Path | None
    name: str
    login: str
    password: str


async def set_up(
    station: Station, asked: Asked, tell: Callable[[str], None], ask_code: Callable[[], str] | None
) -> None:
    """Do all steps; what was saved before a fault stays. Raises BadInput, SetUpOver.

    Without `ask_code` nobody proves that an authenticator has the secret: for who sets up many stations by a script.
    """
    await check_open(station)
    facts = read_facts(asked.facts)
    accent = read_accent({"accent": asked.colour})
    mark = await asyncio.to_thread(_read_mark, asked.mark) if asked.mark else None
    await save_facts(station, SYSTEM, facts)
    await save_look(station, SYSTEM, Look(accent, mark))
    await save_texts(station, SYSTEM, texts_for(station.identity))
    for step in ("district", "look", "texts"):
        await note_step(station, step)
    secret = (await keep_secret(station)).totp_secret
    uri = authenticator_uri(asked.login, secret)
    tell(_as_text(uri))
    tell(f"Authenticator secret, shown only now: {secret}")
    tell(uri)
    code = ask_code() if ask_code else _code_now(station, secret)
    proven = await keep_administrator(station, _administrator(asked, code))
    # A code that nobody has typed is still good for the first sign-in.
    await finish(station, proven if ask_code else replace(proven, step=0))


def _read_mark(path: Path) -> Mark:
    try:
        return check_mark(path.read_bytes())
    except OSError as error:
        raise BadInput(fields={"mark": f"{path}: {error.strerror}"}) from error


def _administrator(asked: Asked, code: str) -> FirstAdministrator:
    return read_administrator({"name": asked.name, "login": asked.login, "password": asked.password, "otp": code})


def _code_now(station: Station, secret: str) -> str:
    return pyotp.TOTP(secret).at(station.clock.now())


def _as_text(uri: str) -> str:
    drawn = io.StringIO()
    segno.make(uri, error="l", micro=False).terminal(drawn, compact=True)
    return drawn.getvalue()
