"""Calls to the control interface of the media process that holds a room. A room that is nowhere is empty, no error."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec

from recordings.timeline import State
from station.base.errors import Unavailable
from station.base.inner_http import Answer
from station.base.station import Station
from station.nodes.insight import RoomInsight
from station.nodes.model import RecordingAction
from station.nodes.placement import Node, all_nodes, find_node, forget_room, place_room

T = TypeVar("T")


class RoomMember(msgspec.Struct, frozen=True):
    """Somebody in a room."""

    person: str
    name: str = ""


class Stay(msgspec.Struct, frozen=True):
    """Somebody in some room, with the session that they came in with; an encoder has none."""

    room: str
    person: str
    session: str = ""


class Occupants(msgspec.Struct, frozen=True):
    """All rooms of a media process, and who is in them."""

    rooms: list[str]
    stays: list[Stay]


class RoomTrack(msgspec.Struct, frozen=True):
    """Something published in a room."""

    person: str
    source: str = ""
    kind: str = ""
    has_b_frames: bool = False


class RecordingState(msgspec.Struct, frozen=True):
    """off, recording or paused."""

    state: State = "off"
    alarm: str | None = None


class RoomState(msgspec.Struct, frozen=True):
    """A room as media sees it."""

    members: list[RoomMember] = msgspec.field(default_factory=list)
    tracks: list[RoomTrack] = msgspec.field(default_factory=list)
    recording: RecordingState = msgspec.field(default_factory=RecordingState)


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
    """Put a person out of a room, also one who is only on the way in. Raises Unavailable.

    All processes are told: the room may move, and a pass that was signed before must not open it there. Only the one
    that holds the room must answer.
    """
    path = f"/control/rooms/{room}/members/{person}"
    holder = await find_node(station, room)
    await _tell_all(station, path, [holder] if holder is not None else [])


async def end_session(station: Station, session: str) -> None:
    """Somebody has signed out: their stays and passes end, in every room. Raises Unavailable."""
    await _tell_all(station, f"/control/sessions/{session}", all_nodes(station))


async def _tell_all(station: Station, path: str, must_answer: list[Node]) -> None:
    nodes = all_nodes(station)
    calls = (_call(station, node, "DELETE", path) for node in nodes)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for node, answer in zip(nodes, answers, strict=True):
        if node in must_answer:
            if isinstance(answer, BaseException):
                raise answer
            _check(answer, 404)


async def list_occupants(station: Station) -> Occupants:
    """Who is in all rooms of the processes that answer."""
    calls = (_call(station, node, "GET", "/control/stays") for node in all_nodes(station))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    found = [_decode(answer, Occupants) for answer in answers if isinstance(answer, Answer) and answer.status == 200]
    return Occupants([room for one in found for room in one.rooms], [stay for one in found for stay in one.stays])


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
    told = [answer for answer in answers if isinstance(answer, Answer)]
    if not told:
        raise Unavailable
    return [snapshot for answer in told for snapshot in _decode(answer, list[msgspec.Raw])]


async def _call(station: Station, node: Node, method: str, path: str, body: object = None) -> Answer:
    return await station.inner_http.call(method, node.url + path, station.signer.service_headers(), body)


def _check(answer: Answer, *fine: int) -> None:
    if answer.status >= 300 and answer.status not in fine:
        raise Unavailable


def _decode(answer: Answer, shape: type[T]) -> T:
    _check(answer)
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except msgspec.DecodeError as error:
        raise Unavailable from error
