"""One request to a carrier: what certainly did not reach it is told apart from what may have."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
)
from aiohttp.client_exceptions import ClientConnectorError
from yarl import URL

from station.notices.model import DeliveryFailed, NotDeliverable, OutcomeUnknown

TIMEOUT = ClientTimeout(total=10, connect=5)
LONGEST_ANSWER = 64 * 1024
# Something between us and the carrier gave up waiting for it; 502 also says that nothing was there to ask.
UNDECIDED = (408, 502, 504)


async def send_sms(
    url: URL, headers: Mapping[str, str], body: bytes, undecided: Collection[int] = UNDECIDED
) -> tuple[int, bytes]:
    """The status and the body of the answer; `undecided` are statuses that do not say whether it was sent.

    Raises DeliveryFailed when it was not asked, OutcomeUnknown when it may.

    The words of an error are not passed on: they may hold the address, and with it a number or a password.
    """
    try:
        async with (
            ClientSession(timeout=TIMEOUT) as session,
            session.post(url, headers=headers, data=body, allow_redirects=False) as answer,
        ):
            read = await _read(answer)
            if answer.status in undecided:
                raise OutcomeUnknown(f"the carrier's gateway answered {answer.status}")
            return answer.status, read
    except (ClientConnectorError, ConnectionTimeoutError) as error:
        raise DeliveryFailed(f"the carrier cannot be reached ({type(error).__name__})") from error
    except (ClientConnectionError, ClientError, TimeoutError, OSError) as error:
        raise OutcomeUnknown(f"the carrier did not answer ({type(error).__name__})") from error


async def _read(answer: ClientResponse) -> bytes:
    """The whole body, up to what an answer can hold: one read gives what has come so far."""
    pieces = b""
    async for piece in answer.content.iter_any():
        pieces += piece
        if len(pieces) > LONGEST_ANSWER:
            break
    return pieces[:LONGEST_ANSWER]


def check_taken(carrier: str, status: int, code: str, yes: str, passing: tuple[str, ...]) -> None:
    """Whether a carrier took it: `code` is its word for that, and `yes` what it says then, also inside HTTP 200.

    Codes that begin as one of `passing` pass by themselves, or after somebody has paid or waited; every other refusal
    comes again for the same message. Raises OutcomeUnknown, DeliveryFailed, NotDeliverable.
    """
    if status == 200 and code == yes:
        return
    told = f"{carrier} answered {status} {code or '(no code)'}"
    if status == 200 and not code:  # neither yes nor no: it may have been cut on its way
        raise OutcomeUnknown(told)
    if not code or status >= 500 or code.startswith(passing):
        raise DeliveryFailed(told)
    raise NotDeliverable(told)


def json_object(body: bytes) -> dict[str, Any]:
    """The object in an answer; {} when it is something else, such as a proxy's page."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def word(value: object) -> str:
    """A carrier's code for a refusal as we keep it: short, and without anything but its letters."""
    text = str(value) if isinstance(value, str) else ""
    return "".join(sign for sign in text if sign.isascii() and (sign.isalnum() or sign in "._-"))[:64]
