"""Calls to the control interface of the media process that holds a room. A room that is nowhere is empty, no error."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from station.base.errors import Unavailable
from station.base.station import Station
from station.nodes.insight import RoomInsight
from station.nodes.model import RecordingAction
from station.nodes.placement import Node, all_nodes, find_node, forget_room, place_room

T = TypeVar("T")
TIMEOUT = ClientTimeout(total=8, sock_connect=2)


class RoomMember(msgspec.Struct, frozen=True):
    """Somebody in a room."""

    person: str
    name: str = ""


class RoomTrack(msgspec.Struct, frozen=True):
    """Something published in a room."""

    person: str
    source: str = ""
    kind: str = ""
    has_b_frames: bool = False


class RecordingState(msgspec.Struct, frozen=True):
    """off, recording or paused."""

    state: str = "off"
    alarm: str | None = None


class RoomState(msgspec.Struct, frozen=True):
    """A room as media sees it."""

    members: list[RoomMember] = msgspec.field(default_factory=list)
    tracks: list[RoomTrack] = msgspec.field(default_factory=list)
    recording: RecordingState = msgspec.field(default_factory=RecordingState)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes = field(repr=False)


async def get_room(station: Station, room: str) -> RoomState:
    """Who is in a room and whether it is recorded. Raises Unavailable while media is away."""
    node = await find_node(station, room)
    if node is None:
        return RoomState()
    answer = await _call(station, node, "GET", f"/control/rooms/{room}")
    if answer.status == 404:
        return RoomState()
    return _decode(answer, RoomState)


def inside(room: RoomState) -> frozenset[str]:
    """The accounts of those in a room."""
    return frozenset(member.person for member in room.members)


async def set_recording(station: Station, room: str, action: RecordingAction) -> RecordingState:
    """Start, pause, resume or stop; asking twice changes nothing. Raises Unavailable."""
    node = await place_room(station, room)
    answer = await _call(station, node, "POST", f"/control/rooms/{room}/recording", {"action": action})
    if answer.status == 404 and action in (RecordingAction.STOP, RecordingAction.PAUSE):
        return RecordingState()
    return _decode(answer, RecordingState)


async def remove_member(station: Station, room: str, person: str) -> None:
    """Put a person out of a room. Raises Unavailable."""
    node = await find_node(station, room)
    if node is not None:
        _check(await _call(station, node, "DELETE", f"/control/rooms/{room}/members/{person}"), 404)


async def close_room(station: Station, room: str) -> None:
    """Stop the recording and send everybody home. Raises Unavailable."""
    node = await place_room(station, room)
    _check(await _call(station, node, "DELETE", f"/control/rooms/{room}"), 404)
    await forget_room(station, room)


async def get_insight(station: Station, room: str) -> RoomInsight:
    """How each line of a room goes now. Raises Unavailable."""
    node = await find_node(station, room)
    if node is None:
        return RoomInsight()
    answer = await _call(station, node, "GET", f"/control/rooms/{room}/insight")
    return RoomInsight() if answer.status == 404 else _decode(answer, RoomInsight)


async def get_insight_history(station: Station, room: str) -> list[msgspec.Raw]:
    """Snapshots of the last ten minutes as media keeps them, without names; also of a room that has moved or ended.

    Raises Unavailable when no process answers.
    """
    asked = (_call(station, node, "GET", f"/control/rooms/{room}/insight/history") for node in all_nodes(station))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    told = [answer for answer in answers if isinstance(answer, _Answer)]
    if not told:
        raise Unavailable
    return [snapshot for answer in told for snapshot in _decode(answer, list[msgspec.Raw])]


async def _call(station: Station, node: Node, method: str, path: str, body: object = None) -> _Answer:
    headers = {"Authorization": f"Bearer {station.signer.service_token()}"}
    try:
        async with (
            ClientSession(timeout=TIMEOUT) as session,
            session.request(method, node.url + path, headers=headers, json=body) as answer,
        ):
            return _Answer(answer.status, await answer.read())
    except (ClientError, TimeoutError, OSError) as error:
        raise Unavailable from error


def _check(answer: _Answer, *fine: int) -> None:
    if answer.status >= 300 and answer.status not in fine:
        raise Unavailable


def _decode(answer: _Answer, shape: type[T]) -> T:
    _check(answer)
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except msgspec.DecodeError as error:
        raise Unavailable from error
