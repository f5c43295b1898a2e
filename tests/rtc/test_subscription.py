"""A picture as one subscriber gets it: how it goes over to a smaller encoding, and what is repeated then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from station.rtc.formats.sdp import Codec
from station.rtc.forwarding.layer import Layer
from station.rtc.forwarding.published import PublishedTrack, TrackState
from station.rtc.forwarding.sender_clock import SenderClock
from station.rtc.forwarding.subscription import Subscription
from station.rtc.transport.dtls_srtp import Certificate, Scratch
from station.rtc.transport.port import MediaPort
from station.rtc.transport.session import Session
from tests.rtc.test_forwarder import Subscriber

CODEC = Codec("h264", 102, "", ("nack", "nack pli"), repair_type=103)
KEY, DELTA = b"\x65\x88", b"\x41\x9a"


class Stage:
    """A track in two encodings, and who watches it."""

    def __init__(self, port: MediaPort) -> None:
        session = Session(port, Certificate(), ())
        state = TrackState("tk_1", "anna", "camera", "video", "h264")
        self.track = PublishedTrack(state, "0", CODEC, session, SenderClock(), rids=("q", "f"))
        self.small, self.large = self.track.layers
        self.small.bits_per_s, self.large.bits_per_s = 150_000, 1_500_000
        self.subscriber = Subscriber()
        self.subscription = Subscription(self.track, self.subscriber.down_track)
        self._numbers = {self.small: 100, self.large: 500}
        self._port = port

    def send(self, layer: Layer, payload: bytes) -> None:
        number = self._numbers[layer] = self._numbers[layer] + 1
        layer.receive(number, number * 3600, 0x80, payload, number / 25)
        while self._port.dirty:
            self._port.dirty.pop().flush()

    def sent(self, *steps: tuple[Layer, bytes]) -> list[bytes]:
        """What the subscriber got of these."""
        before = len(self.subscriber.payloads)
        for layer, payload in steps:
            self.send(layer, payload)
        return self.subscriber.payloads[before:]

    def watch(self, layer: Layer) -> None:
        """Begins to give this encoding, with a keyframe and a frame more."""
        for other in self.track.layers:
            self.send(other, DELTA)
        self.subscription.select(layer)
        assert self.sent((layer, KEY + b"1"), (layer, DELTA + b"2")) == [KEY + b"1", DELTA + b"2"]


@pytest.fixture
def stage() -> Iterator[Stage]:
    port = MediaPort(0, "127.0.0.1")
    yield Stage(port)
    port.sockets.close()


def test_the_encoding_before_is_given_until_the_other_begins(stage: Stage) -> None:
    """With time enough, a subscriber sees no gap."""
    stage.watch(stage.large)
    stage.subscription.select(stage.small)
    got = stage.sent((stage.large, DELTA + b"3"), (stage.small, DELTA + b"-"), (stage.small, KEY + b"4"))
    assert got == [DELTA + b"3", KEY + b"4"]


def test_in_haste_what_is_too_much_is_not_sent_on(stage: Stage) -> None:
    """On a line that is too full already, nothing comes until the smaller one begins; its numbers go on."""
    stage.watch(stage.large)
    stage.subscription.select(stage.small, in_haste=True)
    got = stage.sent((stage.large, DELTA + b"3"), (stage.small, DELTA + b"-"), (stage.small, KEY + b"4"))
    assert got == [KEY + b"4"]
    assert (stage.subscriber.sequences[-1] - stage.subscriber.sequences[-2]) & 0xFFFF == 1


def test_haste_does_not_hold_up_a_larger_encoding(stage: Stage) -> None:
    """Going over to more is never hasty: the smaller one is given until the larger begins."""
    stage.watch(stage.small)
    stage.subscription.select(stage.large, in_haste=True)
    assert stage.sent((stage.small, DELTA + b"3"), (stage.large, KEY + b"4")) == [DELTA + b"3", KEY + b"4"]


def test_repeats_are_of_what_is_given_now(stage: Stage) -> None:
    """What was missed of the present encoding is sent again; what went before a switch, or before a pause, is not."""
    stage.watch(stage.large)
    lost = stage.subscriber.sequences[-1]
    assert stage.subscription.retransmit(Scratch(), lost, 0.0) > 0
    stage.subscription.select(stage.small)
    stage.sent((stage.small, KEY + b"3"))
    assert stage.subscription.retransmit(Scratch(), lost, 0.0) == 0
    last = (lost + 1) & 0xFFFF
    assert stage.subscription.retransmit(Scratch(), last, 0.0) > 0
    stage.subscription.select(None)
    assert stage.subscription.retransmit(Scratch(), last, 0.0) == 0
