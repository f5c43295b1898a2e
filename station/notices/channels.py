"""Ways out for a notice, behind one port: SMS by a carrier's gateway, mail by SMTP, and the demo's outbox file.

What is told inside the station only needs no way out: the row itself is what its reader sees.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import aiosmtplib
from aiohttp import ClientError, ClientSession, ClientTimeout, encode_basic_auth

from station.base.settings import Settings

SMS_TIMEOUT = ClientTimeout(total=10)


class DeliveryFailed(Exception):
    """The gateway did not take it; try again later."""


class NotDeliverable(DeliveryFailed):
    """Trying again would not help."""


class Channel(Protocol):
    """Delivers one text to one address. Raises DeliveryFailed."""

    async def send(self, address: str, text: str) -> None:
        """Deliver one notice. Raises NotDeliverable for good, any other error for now."""


class OutboxFile:
    """The demo's stand-in for an SMS carrier: one JSON line a message, one-time codes in clear."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, address: str, text: str) -> None:
        """Append the notice to the demo's outbox."""
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


class NoCarrier:
    """What a station without an SMS carrier has: nothing is sent, and nothing is written down."""

    async def send(self, address: str, text: str) -> None:
        """Raises NotDeliverable: nothing carries it."""
        raise NotDeliverable("this station has no SMS carrier")


class SmsGateway:
    """A carrier's gateway, or the city's own in front of it: POST {"to", "text"}; any 2xx means that it took it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        self._headers: dict[str, str] = {}
        if parts.username:
            login = encode_basic_auth(unquote(parts.username), unquote(parts.password or ""), "utf-8")
            self._headers["Authorization"] = login

    async def send(self, address: str, text: str) -> None:
        """POST the notice to the gateway. Raises when it does not take it."""
        await send_sms(self._url, self._headers, {"to": address, "text": text})


async def send_sms(url: str, headers: Mapping[str, str], body: Mapping[str, str]) -> None:
    """One SMS to a carrier's gateway. Raises DeliveryFailed when that does not take it."""
    try:
        async with (
            ClientSession(timeout=SMS_TIMEOUT) as session,
            session.post(url, json=body, headers=headers, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (ClientError, TimeoutError, OSError) as error:
        # The kind of error only: its words may hold the address, and with it a password.
        raise DeliveryFailed(f"the SMS gateway does not answer ({type(error).__name__})") from error
    if not 200 <= status < 300:
        raise DeliveryFailed(f"the SMS gateway answered {status}")


class Mail:
    """Mail through the SMTP server of the settings."""

    def __init__(self, url: str, sender: str = "station@localhost") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 25
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender

    async def send(self, address: str, text: str) -> None:
        """Hand the notice to the mail server. Raises when it does not take it."""
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
    """The channels that the settings make possible; mail without one waits in the outbox."""
    channels: dict[str, Channel] = {"sms": _sms_channel(settings)}
    if settings.smtp_url.get_secret_value():
        channels["mail"] = Mail(settings.smtp_url.get_secret_value())
    return channels


def _sms_channel(settings: Settings) -> Channel:
    gateway = settings.sms_url.get_secret_value()
    if gateway:
        return SmsGateway(gateway)
    return OutboxFile(outbox_file(settings)) if settings.demo else NoCarrier()


def outbox_file(settings: Settings) -> Path:
    """Where the demo's SMS go; stations outside of the demo once wrote there as well."""
    return settings.data / "outbox" / "sms.jsonl"
