"""What the meeting page's scripts ask for: door, consent, pass, recording, chat, matters, end."""

from __future__ import annotations

import msgspec
from aiohttp import web

from station.base.errors import BadInput
from station.base.web import answer_json, principal_of, read_json, station_of
from station.meeting import admission as entering
from station.meeting import chat, consent, lobby, matters, recording, service
from station.meeting.view import view_room
from station.nodes.model import RecordingAction
from station.people.model import ConsentKind


class DoorBody(msgspec.Struct, forbid_unknown_fields=True):
    """`enter` on opening the page, `ready` once the devices are tried, `here` to each ping, `leave` to stop waiting."""

    action: str


class PersonBody(msgspec.Struct, forbid_unknown_fields=True):
    """`admit` or `refuse` (also puts out somebody who is inside)."""

    action: str


class ConsentBody(msgspec.Struct, forbid_unknown_fields=True):
    """A yes or a no to being `recorded`, `broadcast` or `published`."""

    kind: ConsentKind
    given: bool


class RecordingBody(msgspec.Struct, forbid_unknown_fields=True):
    """What to ask of the recorder."""

    action: RecordingAction


class ChatBody(msgspec.Struct, forbid_unknown_fields=True):
    """One line."""

    text: str


class MatterBody(msgspec.Struct, forbid_unknown_fields=True):
    """A matter in one sentence, and the unit that should handle it, if known."""

    title: str
    unit_id: str = ""


def _meeting(request: web.Request) -> str:
    return request.match_info["meeting"]


async def show_state(request: web.Request) -> web.StreamResponse:
    """The room as the caller may see it."""
    return answer_json(await view_room(station_of(request), principal_of(request), _meeting(request)))


async def step_at_door(request: web.Request) -> web.StreamResponse:
    """Come to the door, say that one is ready, or go."""
    body = await read_json(request, DoorBody)
    station, who = station_of(request), principal_of(request)
    if body.action == "here":
        await lobby.stay_in_lobby(station, who, _meeting(request))
    elif body.action in ("enter", "ready"):
        await lobby.enter_lobby(station, who, _meeting(request), ready=body.action == "ready")
    elif body.action == "leave":
        await lobby.leave_lobby(station, who, _meeting(request))
    else:
        raise BadInput
    return await show_state(request)


async def decide_person(request: web.Request) -> web.StreamResponse:
    """Let somebody in, turn them away, put them out."""
    body = await read_json(request, PersonBody)
    decide = {"admit": lobby.admit, "refuse": lobby.refuse}.get(body.action)
    if decide is None:
        raise BadInput
    await decide(station_of(request), principal_of(request), _meeting(request), request.match_info["person"])
    return await show_state(request)


async def answer_consent(request: web.Request) -> web.StreamResponse:
    """Store the answer; withdrawing it pauses the recording."""
    body = await read_json(request, ConsentBody)
    await consent.answer_consent(station_of(request), principal_of(request), _meeting(request), body.kind, body.given)
    return await show_state(request)


async def sign_grant(request: web.Request) -> web.StreamResponse:
    """A pass into the room for one minute."""
    return answer_json(await entering.sign_grant(station_of(request), principal_of(request), _meeting(request)))


async def control_recording(request: web.Request) -> web.StreamResponse:
    """Start, pause, resume or stop."""
    body = await read_json(request, RecordingBody)
    state = await recording.control_recording(
        station_of(request), principal_of(request), _meeting(request), body.action
    )
    return answer_json(state)


async def list_chat(request: web.Request) -> web.StreamResponse:
    """Everything written so far."""
    messages = await chat.chat_of(station_of(request), principal_of(request), _meeting(request))
    return answer_json([chat.chat_line(message) for message in messages])


async def send_chat(request: web.Request) -> web.StreamResponse:
    """Write a line."""
    body = await read_json(request, ChatBody)
    message = await chat.send_chat(station_of(request), principal_of(request), _meeting(request), body.text)
    return answer_json(chat.chat_line(message), status=201)


async def note_matter(request: web.Request) -> web.StreamResponse:
    """Make a case of what was said."""
    body = await read_json(request, MatterBody)
    matter = await matters.note_matter(
        station_of(request), principal_of(request), _meeting(request), body.title, body.unit_id
    )
    return answer_json(matter, status=201)


async def end_meeting(request: web.Request) -> web.StreamResponse:
    """End for all."""
    meeting = await service.end_meeting(station_of(request), principal_of(request), _meeting(request))
    return answer_json({"meeting": meeting.state, "replay": f"/replay/{meeting.id}"})
