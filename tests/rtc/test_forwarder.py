"""Forwarding: what subscribers get decrypts, and its numbers go on whatever happens behind them."""

from __future__ import annotations

import os
import struct
from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import pytest
from pylibsrtp import Policy

from station.rtc.congestion.send_log import SendLog
from station.rtc.formats.address import Address
from station.rtc.formats.rtp import payload_bounds
from station.rtc.formats.sdp import Codec
from station.rtc.forwarding.down_track import DownTrack, Repair
from station.rtc.forwarding.downlink import Downlink
from station.rtc.forwarding.forwarder import RING_SIZE, Forwarder
from station.rtc.forwarding.gso import Packet
from station.rtc.forwarding.published import PublishedTrack, TrackState
from station.rtc.forwarding.retransmit import send_padding, send_retransmission
from station.rtc.forwarding.sender_clock import SenderClock, TrackClock
from station.rtc.forwarding.subscription import Subscription
from station.rtc.transport.dtls_srtp import Scratch, SrtpStream, srtp_unprotect
from station.rtc.transport.session import Session
from station.rtc.transport.totals import TotalsByKind
from station.rtc.transport.wire import Datagram, Flushable, Wire
from tests.rtc.header_extensions import find_extension

NUMBER_ID = 4
KEY = os.urandom(28)
ADDRESS = ("127.0.0.1", 1)


class Subscriber:
    """A DownTrack whose datagrams are decrypted as they come, in place of a socket."""

    def __init__(self, *, repair: bool = True, vp8: bool = False) -> None:
        self.log = SendLog()
        self.down_track = DownTrack(0x1234, 102, 90_000, Downlink(self.log), is_vp8=vp8)
        if repair:
            self.down_track.repair = Repair(0x5678, 103)
            self.down_track.number_packets(NUMBER_ID)
        self._key = SrtpStream(KEY, Policy.SRTP_PROFILE_AEAD_AES_128_GCM, outbound=True)
        self._incoming = SrtpStream(KEY, Policy.SRTP_PROFILE_AEAD_AES_128_GCM, outbound=False)
        self._scratch = Scratch()
        self.descriptor = -1
        self.calls = 0
        self.raw: list[bytes] = []
        self.got: list[bytes] = []
        self.down_track.set_route(cast(Wire, self), ADDRESS, self._key.handle)

    def send(self, datagram: Datagram, address: Address) -> int:
        return self.send_segments(datagram, len(datagram), address)

    def send_segments(self, datagrams: Datagram, segment_bytes: int, address: Address) -> int:
        self.calls += 1
        for at in range(0, len(datagrams), segment_bytes):
            self._decrypt(bytes(datagrams[at : at + segment_bytes]))
        return len(datagrams)

    def _decrypt(self, datagram: bytes) -> None:
        self.raw.append(datagram)
        self._scratch.view[: len(datagram)] = datagram
        self._scratch.size[0] = len(datagram)
        assert srtp_unprotect(self._incoming.handle, self._scratch.pointer, self._scratch.size) == 0
        self.got.append(bytes(self._scratch.view[: self._scratch.size[0]]))

    @property
    def sequences(self) -> list[int]:
        return [int.from_bytes(packet[2:4], "big") for packet in self.got]

    @property
    def timestamps(self) -> list[int]:
        return [int.from_bytes(packet[4:8], "big") for packet in self.got]

    @property
    def payloads(self) -> list[bytes]:
        return [packet[slice(*payload_bounds(packet, len(packet)))] for packet in self.got]


class Publisher:
    """One encoding with its feed."""

    def __init__(self, sequence: int, timestamp: int) -> None:
        self.dirty: list[Flushable] = []
        self.clock = TrackClock(90_000, SenderClock())
        self.forwarder = Forwarder(self.dirty, Scratch(70_000), self.clock)
        self.sequence, self.timestamp = sequence, timestamp

    def packet(self, payload: bytes) -> Packet:
        return Packet(self.sequence, self.timestamp & 0xFFFFFFFF, 0, payload)

    def send(self, *payloads: bytes, keyframe: bool = False) -> None:
        for number, payload in enumerate(payloads):
            item = self.packet(payload)
            self.forwarder.forward(item)
            if keyframe and number == 0:
                self.forwarder.begin(item, keyframe=True)
            self.sequence += 1
        self.timestamp += 3600
        while self.dirty:
            self.dirty.pop().flush()


def is_consecutive(numbers: list[int]) -> bool:
    return all((b - a) & 0xFFFF == 1 for a, b in pairwise(numbers))


@pytest.fixture
def publisher() -> Publisher:
    return Publisher(0x1FFF0, 0xFFFFF000)


def test_equal_packets_leave_in_one_call_and_decrypt(publisher: Publisher) -> None:
    """What came together goes out in one call a run of equal lengths, each packet whole and numbered."""
    subscriber = Subscriber()
    assert not publisher.forwarder.attach(subscriber.down_track)
    sent = [b"k" * 1000, b"l" * 1000, b"m" * 300, b"n" * 1000]
    publisher.send(*sent[:1], keyframe=True)
    subscriber.calls = 0
    publisher.send(*sent)
    assert subscriber.payloads == [sent[0], *sent]
    assert subscriber.calls == 2
    assert is_consecutive(subscriber.sequences)
    numbers = [find_extension(packet, len(packet), NUMBER_ID) for packet in subscriber.got]
    assert numbers == [struct.pack("!H", n) for n in range(5)]
    assert len(subscriber.log) == 3


def test_a_viewer_begins_with_a_keyframe(publisher: Publisher) -> None:
    """Nothing comes before the keyframe; one that has just begun is given from the ring at once."""
    early, late = Subscriber(), Subscriber()
    publisher.forwarder.attach(early.down_track)
    publisher.send(b"before")
    publisher.send(b"key", b"frame", keyframe=True)
    publisher.send(b"after")
    assert early.payloads == [b"key", b"frame", b"after"]
    assert publisher.forwarder.attach(late.down_track)
    assert late.payloads == early.payloads
    publisher.send(b"both")
    assert late.payloads == early.payloads == [b"key", b"frame", b"after", b"both"]


def test_another_encoding_goes_on_under_the_same_numbers(publisher: Publisher) -> None:
    """A switch happens where a keyframe of the other encoding begins; numbers and time go on, repeats reach back."""
    subscriber, other = Subscriber(), Publisher(500, 12345)
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"p1", keyframe=True)
    other.forwarder.attach(subscriber.down_track)
    other.send(b"not yet")
    publisher.send(b"p2")
    other.send(b"o1", b"o2", keyframe=True)
    publisher.send(b"not any more")
    other.send(b"o3")
    assert subscriber.payloads == [b"p1", b"p2", b"o1", b"o2", b"o3"]
    assert is_consecutive(subscriber.sequences)
    steps = [(b - a) & 0xFFFFFFFF for a, b in pairwise(subscriber.timestamps)]
    assert steps[0] == steps[3] == 3600
    assert 0 < steps[1] < 90_000
    assert steps[2] == 0
    found = subscriber.down_track.find(subscriber.sequences[1])
    assert found is not None
    assert send_retransmission(Scratch(), subscriber.down_track, *found, now_s=0.0)
    assert subscriber.payloads[-1] == struct.pack("!H", subscriber.sequences[1]) + b"p2"


def test_time_between_encodings_is_the_senders(publisher: Publisher) -> None:
    """With the reports of both encodings a switch keeps the very distance between their frames."""
    subscriber, other = Subscriber(), Publisher(500, 12345)
    clock = SenderClock()
    clock.observe(100.0, 200.0)
    for side in (publisher, other):
        side.forwarder.clock = TrackClock(90_000, clock)
        side.forwarder.clock.report(side.timestamp & 0xFFFFFFFF, 100.0)
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"p1", keyframe=True)
    other.forwarder.attach(subscriber.down_track)
    other.timestamp += 4500
    other.send(b"o1", keyframe=True)
    assert (subscriber.timestamps[1] - subscriber.timestamps[0]) & 0xFFFFFFFF in range(4499, 4502)


def test_vp8_picture_numbers_go_on(publisher: Publisher) -> None:
    """PictureID and TL0PICIDX have no break at a switch, also in what is repeated."""

    def frame(picture: int, zero: int) -> bytes:
        return bytes([0x90, 0xC0, 0x80 | picture >> 8, picture & 0xFF, zero]) + b"data"

    subscriber, other = Subscriber(vp8=True), Publisher(500, 12345)
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(frame(0x7FFE, 254), keyframe=True)
    publisher.send(frame(0x7FFF, 255))
    other.forwarder.attach(subscriber.down_track)
    other.send(frame(77, 3), keyframe=True)
    other.send(frame(78, 4))
    assert subscriber.payloads == [frame(0x7FFE, 254), frame(0x7FFF, 255), frame(0, 0), frame(1, 1)]
    found = subscriber.down_track.find(subscriber.sequences[3])
    assert found is not None
    send_retransmission(Scratch(), subscriber.down_track, *found, now_s=0.0)
    assert subscriber.payloads[-1][2:] == frame(1, 1)


def test_a_late_packet_fills_its_gap_once_only_where_it_belongs(publisher: Publisher) -> None:
    """A packet that others overtook gets the number that subscribers miss; one from before they came gets none."""
    subscriber = Subscriber()
    before = publisher.packet(b"before")
    publisher.sequence += 1
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"k", keyframe=True)
    late = publisher.packet(b"late")
    publisher.sequence += 1
    publisher.send(b"next")
    publisher.forwarder.forward_late(late)
    publisher.forwarder.forward_late(before)
    assert subscriber.payloads == [b"k", b"next", b"late"]
    first = subscriber.sequences[0]
    assert [(number - first) & 0xFFFF for number in subscriber.sequences] == [0, 2, 1]


def test_what_was_held_back_leaves_no_gap(publisher: Publisher) -> None:
    """A sound that is not forwarded for a while goes on with the next number, its time having passed."""
    subscriber = Subscriber()
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"a", keyframe=True)
    publisher.forwarder.hold(True)
    publisher.send(b"unheard")
    publisher.forwarder.hold(False)
    publisher.send(b"b")
    assert subscriber.payloads == [b"a", b"b"]
    assert is_consecutive(subscriber.sequences)
    assert (subscriber.timestamps[1] - subscriber.timestamps[0]) & 0xFFFFFFFF == 7200


def test_a_publisher_that_begins_anew_is_not_noticed(publisher: Publisher) -> None:
    """Other numbers of the publisher are the next numbers of the subscriber."""
    subscriber = Subscriber()
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"a", keyframe=True)
    publisher.sequence, publisher.timestamp = 0x10005, 77
    publisher.forwarder.begin_anew(publisher.packet(b"b"), 1800)
    publisher.send(b"b")
    assert subscriber.payloads == [b"a", b"b"]
    assert is_consecutive(subscriber.sequences)
    assert (subscriber.timestamps[1] - subscriber.timestamps[0]) & 0xFFFFFFFF == 1800


def test_a_pause_is_followed_by_a_keyframe_without_a_gap(publisher: Publisher) -> None:
    """Who was given nothing for a while begins again with a keyframe, under the next number."""
    subscriber = Subscriber()
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"a", keyframe=True)
    publisher.forwarder.detach(subscriber.down_track)
    publisher.send(*[b"unseen"] * 300)
    assert not publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"b", keyframe=True)
    assert subscriber.payloads == [b"a", b"b"]
    assert is_consecutive(subscriber.sequences)


@pytest.mark.parametrize("back", [0, 1, RING_SIZE - 1])
def test_the_ring_answers_for_as_long_as_it_is(publisher: Publisher, back: int) -> None:
    """Without RTX the very same packet is sent again; what is older than the ring is not found."""
    subscriber = Subscriber(repair=False)
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"0", keyframe=True)
    for number in range(1, RING_SIZE + 1):
        publisher.send(str(number).encode())
    wanted = subscriber.sequences[RING_SIZE - back]
    found = subscriber.down_track.find(wanted)
    assert found is not None
    assert found[1].payload == str(RING_SIZE - back).encode()
    assert subscriber.down_track.find(subscriber.sequences[0]) is None
    assert subscriber.down_track.find((subscriber.sequences[-1] + 1) & 0xFFFF) is None


def test_padding_is_numbered_and_empty(publisher: Publisher) -> None:
    """A probe's packet stands in the stream of repeats, carries the line's next number and no payload."""
    subscriber = Subscriber()
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"a", keyframe=True)
    assert send_padding(Scratch(), subscriber.down_track, now_s=0.0) > 255
    packet = subscriber.got[-1]
    start, end = payload_bounds(packet, len(packet))
    assert start == end
    assert int.from_bytes(packet[8:12], "big") == 0x5678
    assert find_extension(packet, len(packet), NUMBER_ID) == b"\x00\x01"


def test_pieces_of_a_frame_are_made_equal_and_repeated_as_they_were(publisher: Publisher) -> None:
    """Packets that differ by a little leave in one call, padded; without RTX a repeat is the very same datagram."""
    subscriber = Subscriber(repair=False)
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"k", keyframe=True)
    subscriber.calls = 0
    sent = [b"a" * 1099, b"b" * 1099, b"c" * 1100, b"d" * 700, b"e" * 90]
    publisher.send(*sent)
    assert subscriber.payloads[1:] == sent
    assert subscriber.calls == 2
    found = subscriber.down_track.find(subscriber.sequences[1])
    assert found is not None
    with pytest.raises(AssertionError):  # the subscriber's SRTP knows it has had this one
        send_retransmission(Scratch(), subscriber.down_track, *found, now_s=0.0)
    assert subscriber.raw[-1] == subscriber.raw[1]


def test_sound_is_carried_twice_or_once_under_the_same_numbers() -> None:
    """A subscriber that takes both gets the plain sound on a narrow line, and the redundant again: numbers go on."""
    codec = Codec("opus", 111, "", (), redundant_type=63)
    port = SimpleNamespace(dirty=[], outgoing=Scratch(70_000), totals=TotalsByKind())
    session = cast(Session, SimpleNamespace(port=port))
    track = PublishedTrack(TrackState("t", "p", "microphone", "audio", "opus"), "0", codec, session, SenderClock())
    subscriber = Subscriber()
    subscriber.down_track.payload_type = 63
    watched = Subscription(track, subscriber.down_track)
    watched.other_type = 111
    watched.select(track.best)
    for number, twice in enumerate([True, True, False, False, True]):
        watched.set_redundancy(twice)
        payload = struct.pack("!I", 0xEF << 24 | 960 << 10 | 3) + b"\x6foldnew"
        track.best.receive(100 + number, 960 * number, 0, payload, 0.02 * number)
        while port.dirty:
            port.dirty.pop().flush()
    assert [packet[1] & 0x7F for packet in subscriber.got] == [63, 63, 111, 111, 63]
    assert [len(payload) for payload in subscriber.payloads] == [11, 11, 3, 3, 11]
    assert is_consecutive(subscriber.sequences)


def test_who_is_held_back_and_moves_meanwhile_goes_on_where_it_stood(publisher: Publisher) -> None:
    """Leaving a feed that is held does not count what was never sent: no gap follows."""
    subscriber = Subscriber()
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"a", keyframe=True)
    publisher.forwarder.hold(True)
    publisher.send(*[b"unheard"] * 40)
    publisher.forwarder.detach(subscriber.down_track)
    publisher.forwarder.hold(False)
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"b", keyframe=True)
    assert subscriber.payloads == [b"a", b"b"]
    assert is_consecutive(subscriber.sequences)


def test_without_rtx_only_what_has_left_is_repeated(publisher: Publisher) -> None:
    """What is held back or waits to be sent must not go out under its number with bytes of its own."""
    subscriber = Subscriber(repair=False)
    publisher.forwarder.attach(subscriber.down_track)
    publisher.send(b"a", keyframe=True)
    item = publisher.packet(b"waits")
    publisher.forwarder.forward(item)
    assert not publisher.forwarder.is_sent(item)
    publisher.forwarder.flush()
    assert publisher.forwarder.is_sent(item)
    publisher.forwarder.hold(True)
    assert not publisher.forwarder.is_sent(item)
