"""Signalling messages, one struct each; the browser's list in web/js/media/messages.js is held equal by a test.

A request carries `id`, its answer repeats it as `re`. What a browser sends is decoded strictly: unknown types,
missing fields and wrong types are refused.
"""

from __future__ import annotations

import msgspec

from station.rtc.forwarding.published import TrackState

MAX_MESSAGE_BYTES = 200_000


class Message(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Any message; subclasses name their type."""


class MemberInfo(msgspec.Struct, frozen=True):
    """Someone in the room."""

    person: str
    name: str


class TrackDescription(msgspec.Struct, frozen=True):
    """A published track. `codecs`: what its publisher could send it in, `codec` among them."""

    id: str
    person: str
    source: str
    kind: str
    codec: str
    codecs: list[str]
    muted: bool


class RecordingInfo(msgspec.Struct, frozen=True):
    """State off, recording or paused; `alarm` is null or a code such as disk_full."""

    state: str
    alarm: str | None = None


class IceServer(msgspec.Struct, frozen=True):
    """A TURN server with credentials for this person (draft-uberti-behave-turn-rest)."""

    urls: str
    username: str
    credential: str


class Join(Message, frozen=True, tag="join"):
    """`decodes` has the video codecs that the browser can show; empty: it did not say."""

    id: str
    grant: str
    decodes: list[str] = []


class Publish(Message, frozen=True, tag="publish"):
    """An offer of what the browser sends; `sources` names each m-line by its mid."""

    id: str
    sdp: str
    sources: dict[str, str]


class Subscribe(Message, frozen=True, tag="subscribe"):
    """An offer to receive; `tracks` says which track each m-line is for."""

    id: str
    sdp: str
    tracks: dict[str, str]


class Mute(Message, frozen=True, tag="mute"):
    """The publisher has muted a track, or no longer."""

    id: str
    track: str
    muted: bool


class Show(Message, frozen=True, tag="show"):
    """How high this subscriber shows each video, in device pixels, 0: not at all. Decides layers."""

    id: str
    tracks: dict[str, int]


class TrackReport(msgspec.Struct, frozen=True):
    """What only the browser knows of a track it receives, since its last report."""

    frames_per_s: float = 0.0
    height: int = 0
    freezes: int = 0
    frozen_s: float = 0.0
    jitter_ms: float = 0.0
    concealed: float = 0.0  # share of the audio that was concealed, 0 to 1

    def bounded(self) -> TrackReport:
        """The same within what can be, since it is a stranger's word."""
        return TrackReport(
            frames_per_s=_within(self.frames_per_s, 240.0),
            height=int(_within(self.height, 10_000)),
            freezes=int(_within(self.freezes, 1000)),
            frozen_s=_within(self.frozen_s, 60.0),
            jitter_ms=_within(self.jitter_ms, 60_000.0),
            concealed=_within(self.concealed, 1.0),
        )


class Report(Message, frozen=True, tag="report"):
    """Sent every few seconds, for the page that tells the clerk whose connection is weak. By track id."""

    id: str
    tracks: dict[str, TrackReport]


class Leave(Message, frozen=True, tag="leave"):
    """The person goes."""

    id: str


class Ping(Message, frozen=True, tag="ping"):
    """Is anybody there?"""

    id: str


class Joined(Message, frozen=True, tag="joined"):
    """The answer to a join: the room as it is."""

    re: str
    person: str
    room: str
    members: list[MemberInfo]
    tracks: list[TrackDescription]
    recording: RecordingInfo
    ice_servers: list[IceServer] = []


class Published(Message, frozen=True, tag="published"):
    """The answer to an offer to send; `tracks` gives each mid its track."""

    re: str
    sdp: str
    tracks: dict[str, str]


class Subscribed(Message, frozen=True, tag="subscribed"):
    """The answer to an offer to receive."""

    re: str
    sdp: str


class Pong(Message, frozen=True, tag="pong"):
    """The answer to a ping."""

    re: str


class MemberJoined(Message, frozen=True, tag="member_joined"):
    """Somebody has come in."""

    member: MemberInfo


class MemberLeft(Message, frozen=True, tag="member_left"):
    """Somebody has gone."""

    person: str


class TrackAdded(Message, frozen=True, tag="track_added"):
    """A track can be subscribed to."""

    track: TrackDescription


class TrackRemoved(Message, frozen=True, tag="track_removed"):
    """A track has ended."""

    track: str


class TrackMuted(Message, frozen=True, tag="track_muted"):
    """A track has been muted, or no longer."""

    track: str
    muted: bool


class Recording(Message, frozen=True, tag="recording"):
    """The state of the recording has changed."""

    state: str
    alarm: str | None = None


class Speakers(Message, frozen=True, tag="speakers"):
    """Who speaks now, the loudest first; told when it changes."""

    people: list[str]


class TrackPaused(Message, frozen=True, tag="track_paused"):
    """To one subscriber: its downlink does not carry this video now (or again does); audio goes on."""

    track: str
    paused: bool


class TrackLate(Message, frozen=True, tag="track_late"):
    """What the publisher's uplink loses comes so much later: who waits for it shows the video smoothly. 0: no more."""

    track: str
    wait_ms: int


class CodecNeeded(Message, frozen=True, tag="codec_needed"):
    """To its publisher: somebody cannot show this track. The answer to another offer will take that codec."""

    track: str
    codec: str


class Closed(Message, frozen=True, tag="closed"):
    """Reason ended, removed, replaced, signed_out or left."""

    reason: str


class Failed(Message, frozen=True, tag="failed"):
    """A request could not be done; `re` is empty if it was none. `message` is a sentence for the user."""

    code: str
    message: str
    re: str = ""


Request = Join | Publish | Subscribe | Mute | Show | Report | Leave | Ping
_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_encoder = msgspec.json.Encoder()


def _within(value: float, most: float) -> float:
    return min(max(value, 0), most)


def decode(text: str) -> Request:
    """The request in a text message. Raises ValueError when it is none."""
    return _decoder.decode(text)


def encode(message: Message) -> str:
    """A message as its JSON text."""
    return _encoder.encode(message).decode()


def describe(state: TrackState) -> TrackDescription:
    """What others are told of a track."""
    codecs = list(state.codecs)
    return TrackDescription(
        id=state.id,
        person=state.person,
        source=state.source,
        kind=state.kind,
        codec=state.codec,
        codecs=codecs,
        muted=state.muted,
    )
