"""Ways out for a notice, behind one port: mail by SMTP, SMS by a carrier's gateway, in-app, and the outbox file."""

from __future__ import annotations

import asyncio
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from station.base.settings import Settings


class DeliveryFailed(Exception):
    """The gateway did not take it; try again later."""


class Channel(Protocol):
    """Delivers one text to one address. Raises DeliveryFailed."""

    async def send(self, address: str, text: str) -> None: ...


class InApp:
    """The notice's row itself is what the person sees in the station."""

    async def send(self, address: str, text: str) -> None:
        return None


class OutboxFile:
    """An SMS carrier's stand-in: one JSON line a message, for a station that has no carrier (and for the demo)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, address: str, text: str) -> None:
        line = json.dumps({"to": address, "text": text}, ensure_ascii=False)
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            raise DeliveryFailed(str(error)) from error

    def _append(self, line: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self._path.chmod(0o600)


class Mail:
    """Mail through the SMTP server of the settings."""

    def __init__(self, url: str, sender: str = "station@localhost") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 25
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender

    async def send(self, address: str, text: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, address, "网上代表联络站"
        message.set_content(text)
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                timeout=10,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise DeliveryFailed(str(error)) from error


def channels_for(settings: Settings) -> dict[str, Channel]:
    """The channels that the settings make possible; what has none waits in the outbox."""
    channels: dict[str, Channel] = {"app": InApp(), "sms": OutboxFile(settings.data / "outbox" / "sms.jsonl")}
    if settings.smtp_url.get_secret_value():
        channels["mail"] = Mail(settings.smtp_url.get_secret_value())
    return channels
