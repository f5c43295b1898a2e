"""One published track: its encodings, of which each subscriber is given one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from station.rtc.formats.sdp import Codec
from station.rtc.forwarding.layer import Layer
from station.rtc.forwarding.sender_clock import SenderClock
from station.rtc.transport.session import Session

TELL_LATE_EVERY_S = 2.0
MANY_FRAMES_BACK = 3  # one may be an encoder that began its clock anew


@dataclass(slots=True)
class TrackState:
    """What everyone in the room knows of a track."""

    id: str
    person: str
    source: str
    kind: str
    codec: str
    muted: bool = False
    codecs: tuple[str, ...] = ()  # what its publisher could send it in, best first


class PublishedTrack:
    """Lives as long as its m-line is active in the publisher's connection. `layers` are in the order of the offer."""

    def __init__(
        self,
        state: TrackState,
        mid: str,
        codec: Codec,
        session: Session,
        clock: SenderClock,
        rids: tuple[str, ...] = (),
    ) -> None:
        self.state = state
        self.mid = mid
        self.codec = codec
        self.session = session
        self.payload_type = codec.redundant_type or codec.payload_type
        self.ended = False
        self.layers = tuple(Layer(rid, codec, session, clock) for rid in rids or ("",))
        self.listeners: list[Callable[[], None]] = []  # told when encodings were switched on or off
        self.on_late: Callable[[int], None] = lambda _wait_ms: None  # told how late retransmissions come, in ms
        self._told_late: tuple[int, float] = (0, 0.0)
        self._sending: tuple[Layer, ...] = ()

    @property
    def payload_types(self) -> tuple[int, int]:
        """What its packets may have: with redundancy or plain; mostly the same."""
        return self.payload_type, self.codec.payload_type

    def layer(self, rid: str) -> Layer | None:
        """The encoding of that name."""
        return next((layer for layer in self.layers if layer.rid == rid), None)

    @property
    def sending(self) -> tuple[Layer, ...]:
        """The encodings that the publisher sends now, the smallest first; all of them before any has been heard of."""
        return self._sending or self.layers

    @property
    def best(self) -> Layer:
        """The largest encoding that is sent."""
        return self.sending[-1]

    @property
    def has_b_frames(self) -> bool:
        """Whether frames come in another order than they are to be shown in, which players of RTP do not expect."""
        return any(layer.frames_back >= MANY_FRAMES_BACK for layer in self.layers)

    def want_keyframe(self) -> None:
        """Somebody cannot go on without a keyframe of the largest encoding."""
        self.best.want_keyframe()

    def tick(self, now_s: float) -> None:
        """Lets each encoding recover its losses, and notices which of them are sent."""
        for layer in self.layers:
            layer.tick(now_s)
        self._note_late(now_s)
        heard = [layer for layer in self.layers if layer.is_sending(now_s)]
        if len(self.layers) > 1 and heard:
            heard.sort(key=lambda layer: (layer.height, self.layers.index(layer)))
            self._note_sending(tuple(heard))

    def _note_late(self, now_s: float) -> None:
        """Tells how long to wait when that has changed by much, and newcomers now and then."""
        wait_ms = int(max(layer.missing.wait_s(now_s) for layer in self.layers) * 1000)
        told_ms, told_s = self._told_late
        changed = abs(wait_ms - told_ms) > told_ms / 4
        if now_s - told_s >= TELL_LATE_EVERY_S and (changed or wait_ms):
            self._told_late = (wait_ms, now_s)
            self.on_late(wait_ms)

    def _note_sending(self, sending: tuple[Layer, ...]) -> None:
        if sending != self._sending:
            self._sending = sending
            for listener in list(self.listeners):
                listener()

    def end(self) -> None:
        """The track is over: nobody is sent anything any more."""
        self.ended = True
        self.listeners = []
        for layer in self.layers:
            layer.end()

    @property
    def bits_per_s(self) -> float:
        """What the publisher sends of it in all."""
        return sum(layer.bits_per_s for layer in self.layers)
