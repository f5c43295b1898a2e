"""Calls to our own processes on this machine: one client with its connections, made when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession, ClientTimeout

from station.base.errors import Unavailable

TIMEOUT = ClientTimeout(total=8, sock_connect=2)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and whole body."""

    status: int
    body: bytes = field(repr=False)


class InnerHttp:
    """Belongs to one running station, on one event loop; `close()` may be called twice."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    async def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        timeout: ClientTimeout = TIMEOUT,
    ) -> Answer:
        """One call, with a body as JSON. Raises Unavailable when no answer comes."""
        if self._session is None:
            self._session = ClientSession()
        try:
            async with self._session.request(method, url, headers=headers, json=body, timeout=timeout) as answer:
                return Answer(answer.status, await answer.read())
        except (ClientError, TimeoutError, OSError) as error:
            raise Unavailable from error

    async def close(self) -> None:
        """Lets go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
