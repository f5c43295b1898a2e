"""One request to a carrier: what certainly did not reach it is told apart from what may have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientConnectionError, ClientError, ClientSession, ClientTimeout, ConnectionTimeoutError
from aiohttp.client_exceptions import ClientConnectorError
from yarl import URL

from station.notices.model import DeliveryFailed, OutcomeUnknown

TIMEOUT = ClientTimeout(total=10, connect=5)
LONGEST_ANSWER = 64 * 1024
_UNDECIDED = (408, 502, 504)  # something between us and the carrier gave up waiting for it


async def send_sms(url: URL, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """The status and the body of the answer. Raises DeliveryFailed when it was not asked, OutcomeUnknown when it may.

    The words of an error are not passed on: they may hold the address, and with it a number or a password.
    """
    try:
        async with (
            ClientSession(timeout=TIMEOUT) as session,
            session.post(url, headers=headers, data=body, allow_redirects=False) as answer,
        ):
            read = await answer.content.read(LONGEST_ANSWER)
            if answer.status in _UNDECIDED:
                raise OutcomeUnknown(f"the carrier's gateway answered {answer.status}")
            return answer.status, read
    except (ClientConnectorError, ConnectionTimeoutError) as error:
        raise DeliveryFailed(f"the carrier cannot be reached ({type(error).__name__})") from error
    except (ClientConnectionError, ClientError, TimeoutError, OSError) as error:
        raise OutcomeUnknown(f"the carrier did not answer ({type(error).__name__})") from error


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
