"""Calls to the live role's control interface."""

from __future__ import annotations

import msgspec

from station.base.errors import Unavailable
from station.base.station import Station
from station.live.web.model import LiveStatus

FEED_TTL_S = 24 * 3600  # as long as a broadcast may run: live reads media's feed with this grant


class _Status(msgspec.Struct, frozen=True):
    state: str = ""
    duration_s: float = 0.0
    viewers: int = 0


class OnAirNow(msgspec.Struct, frozen=True):
    """A broadcast that the live role has on air, and for how long."""

    id: str
    age_s: float


class _OnAirList(msgspec.Struct, frozen=True):
    broadcasts: list[OnAirNow]


async def list_broadcasts(station: Station) -> list[OnAirNow]:
    """What the live role has on air. Raises Unavailable."""
    _, body = await _call(station, "GET", "")
    try:
        return msgspec.json.decode(body, type=_OnAirList).broadcasts
    except msgspec.DecodeError as error:
        raise Unavailable from error


async def put_broadcast(station: Station, broadcast_id: str, room: str, person: str) -> None:
    """Start a broadcast, or change what it shows. Raises Unavailable."""
    body = {"room": room, "person": person, "grant": station.signer.service_token(FEED_TTL_S)}
    await _call(station, "PUT", broadcast_id, body)


async def delete_broadcast(station: Station, broadcast_id: str) -> None:
    """End a broadcast; its replay stays. One that live does not know has ended already. Raises Unavailable."""
    await _call(station, "DELETE", broadcast_id, may_be_missing=True)


async def set_access(station: Station, broadcast_id: str, public: bool, hidden: list[str]) -> None:
    """Publish or recall a recording, hide people in it. What live does not know needs no hiding. Raises Unavailable."""
    body = {"public": public, "hidden": hidden}
    await _call(station, "PUT", f"{broadcast_id}/access", body, may_be_missing=True)


async def get_status(station: Station, broadcast_id: str) -> LiveStatus | None:
    """How it goes; None when live does not know it or does not answer (a page must not fail for that)."""
    try:
        status, body = await _call(station, "GET", broadcast_id, may_be_missing=True)
        if status == 404:
            return None
        found = msgspec.json.decode(body, type=_Status)
    except (Unavailable, msgspec.DecodeError):
        return None
    return LiveStatus(found.state, found.duration_s, found.viewers)


async def _call(
    station: Station, method: str, path: str, body: object = None, may_be_missing: bool = False
) -> tuple[int, bytes]:
    url = f"{station.settings.live_url}/control/broadcasts/{path}".rstrip("/")
    answer = await station.inner_http.call(method, url, station.signer.service_headers(), body)
    if answer.status >= 300 and not (answer.status == 404 and may_be_missing):
        raise Unavailable
    return answer.status, answer.body
