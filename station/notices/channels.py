"""Ways out for a notice, behind one port: SMS by a carrier's gateway, mail by SMTP, and the demo's outbox file.

What is told inside the station only needs no way out: the row itself is what its reader sees.
"""

from __future__ import annotations

import asyncio
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import aiosmtplib
from aiohttp import encode_basic_auth
from yarl import URL

from station.base.settings import Settings
from station.notices.carriers.choice import carrier_of, is_carrier
from station.notices.carriers.http import send_sms
from station.notices.model import DeliveryFailed, NotDeliverable, Notice


class Channel(Protocol):
    """A way out."""

    async def send(self, notice: Notice) -> None:
        """Deliver one notice. Raises NotDeliverable for good, DeliveryFailed for now, OutcomeUnknown."""


class OutboxFile:
    """The demo's stand-in for an SMS carrier: one JSON line a message, one-time codes in clear."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, notice: Notice) -> None:
        """Append the notice to the demo's outbox."""
        line = json.dumps({"to": notice.address, "text": notice.text}, ensure_ascii=False)
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

    async def send(self, notice: Notice) -> None:
        """Raises NotDeliverable: nothing carries it."""
        raise NotDeliverable("this station has no SMS carrier")


class SmsGateway:
    """A carrier's gateway, or the city's own in front of it: POST {"to", "text"}; any 2xx means that it took it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url = URL(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))
        self._headers = {"Content-Type": "application/json"}
        if parts.username:
            login = encode_basic_auth(unquote(parts.username), unquote(parts.password or ""), "utf-8")
            self._headers["Authorization"] = login

    async def send(self, notice: Notice) -> None:
        """POST the notice to the gateway. Raises when it does not take it."""
        body = json.dumps({"to": notice.address, "text": notice.text}).encode()
        status, _ = await send_sms(self._url, self._headers, body, undecided=(408, 504))
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

    async def send(self, notice: Notice) -> None:
        """Hand the notice to the mail server. Raises when it does not take it."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, notice.address, "网上代表联络站"
        message.set_content(notice.text)
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


def channels_for(settings: Settings, signature: str = "") -> dict[str, Channel]:
    """The channels that the settings make possible; mail without one waits in the outbox.

    `signature` stands at the head of text messages, as it is registered with the carrier; "" takes the settings'.
    """
    channels: dict[str, Channel] = {"sms": _sms_channel(settings, signature)}
    if settings.smtp_url.get_secret_value():
        channels["mail"] = Mail(settings.smtp_url.get_secret_value())
    return channels


def _sms_channel(settings: Settings, signature: str) -> Channel:
    address = settings.sms_url.get_secret_value()
    if is_carrier(address):
        return carrier_of(settings, signature)
    if address:
        return SmsGateway(address)
    return OutboxFile(outbox_file(settings)) if settings.demo else NoCarrier()


def outbox_file(settings: Settings) -> Path:
    """Where the demo's SMS go; stations outside of the demo once wrote there as well."""
    return settings.data / "outbox" / "sms.jsonl"
