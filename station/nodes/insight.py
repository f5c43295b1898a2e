"""What media tells of the lines in a room, as far as the quality page reads it. Pure: plain data.

The same names as in media's own snapshot (`station/rtc/insight/insight.py`); what it leaves out is the default here.
"""

from __future__ import annotations

import msgspec


class Line(msgspec.Struct, frozen=True):
    """A connection. `network` is the peer's address without its last part."""

    connected: bool = False
    transport: str = ""
    network: str = ""
    round_trip_ms: int | None = None


class Layer(msgspec.Struct, frozen=True):
    """One encoding as it arrives at the station; `loss` is a share, over the last seconds."""

    rid: str = ""
    height: int = 0
    is_sending: bool = False
    bits_per_s: int = 0
    packets: int = 0
    loss: float = 0.0
    jitter_ms: float = 0.0


class Sent(msgspec.Struct, frozen=True):
    """A track that somebody publishes."""

    track: str
    source: str
    kind: str
    codec: str = ""
    muted: bool = False
    has_b_frames: bool = False
    layers: list[Layer] = msgspec.field(default_factory=list)

    @property
    def is_sending(self) -> bool:
        """Whether any layer of the track arrives."""
        return any(layer.is_sending for layer in self.layers)

    @property
    def best(self) -> Layer:
        """The largest encoding that arrives."""
        return max(self.layers, key=lambda layer: (layer.is_sending, layer.height), default=Layer())

    @property
    def bits_per_s(self) -> int:
        """What all layers of the track come to."""
        return sum(layer.bits_per_s for layer in self.layers if layer.is_sending)

    @property
    def loss(self) -> float:
        """Of the encoding that loses most."""
        return max((layer.loss for layer in self.layers if layer.is_sending), default=0.0)


class Given(msgspec.Struct, frozen=True):
    """A track as somebody gets it; freezes are of the last minute, None is what the page did not tell."""

    track: str
    person: str
    source: str
    kind: str
    is_given: bool = False
    is_paused: bool = False
    height: int = 0
    best_height: int = 0
    shown_height: int | None = None
    bits_per_s: int = 0
    loss: float = 0.0
    frames_per_s: float | None = None
    jitter_ms: float | None = None
    concealed: float | None = None
    freezes: int = 0
    frozen_s: float = 0.0


class Up(msgspec.Struct, frozen=True):
    """What somebody publishes."""

    line: Line = Line()
    tracks: list[Sent] = msgspec.field(default_factory=list)


class Down(msgspec.Struct, frozen=True):
    """What somebody watches by one connection."""

    line: Line = Line()
    estimate_bps: int | None = None
    queue_ms: int = 0
    loss: float = 0.0
    tracks: list[Given] = msgspec.field(default_factory=list)


class Person(msgspec.Struct, frozen=True):
    """Somebody in the room."""

    person: str
    name: str = ""
    up: Up | None = None
    down: list[Down] = msgspec.field(default_factory=list)

    @property
    def lines(self) -> list[Line]:
        """Those that are up."""
        own = [self.up.line] if self.up is not None else []
        return [line for line in [*own, *(watching.line for watching in self.down)] if line.connected]

    @property
    def round_trip_ms(self) -> int | None:
        """Of the slower direction; None before it is known."""
        return max((line.round_trip_ms for line in self.lines if line.round_trip_ms is not None), default=None)

    @property
    def sent(self) -> list[Sent]:
        """The tracks that the person publishes."""
        return self.up.tracks if self.up is not None else []

    @property
    def given(self) -> list[Given]:
        """The tracks that the person is sent, over all their connections."""
        return [track for watching in self.down for track in watching.tracks]


class RoomInsight(msgspec.Struct, frozen=True):
    """A room at one moment."""

    people: list[Person] = msgspec.field(default_factory=list)
