"""The forwarding loop in C does what the one in Python does, byte for byte, and says what became of each datagram."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from station.rtc.congestion.send_log import SendLog
from station.rtc.formats.sdp import Codec
from station.rtc.formats.vp8 import PictureShift
from station.rtc.forwarding import compiled, forwarder
from station.rtc.forwarding.compiled import LIBRARY_FILE, SENT, UNPROTECTED, UNSENT, CompiledFanOut, load
from station.rtc.forwarding.down_track import DownTrack, Span
from station.rtc.forwarding.downlink import Downlink
from station.rtc.forwarding.fan_out import fan_out
from station.rtc.forwarding.forwarder import Forwarder
from station.rtc.forwarding.gso import Packet
from station.rtc.forwarding.sender_clock import SenderClock, TrackClock
from station.rtc.transport.dtls_srtp import Scratch, SrtpStream
from station.rtc.transport.wire import MAX_SEGMENTED_BYTES, UdpWire

KEY = os.urandom(28)
PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
NUMBER_ID = 4
SOURCE = LIBRARY_FILE.with_suffix(".c")
Build = Callable[..., Path]
Open = Callable[..., "Receiver"]


class Receiver:
    """A subscriber on a real UDP socket, which keeps what arrives as it is: encrypted."""

    def __init__(self, family: socket.AddressFamily = socket.AF_INET) -> None:
        host = "127.0.0.1" if family == socket.AF_INET else "::1"
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.outgoing = socket.socket(family, socket.SOCK_DGRAM)
        self.outgoing.bind((host, 0))
        self.log = SendLog()
        self.down_track = DownTrack(0x1234, 102, 90_000, Downlink(self.log))
        self.down_track.number_packets(NUMBER_ID)
        self._stream = SrtpStream(KEY, PROFILE, outbound=True)
        self.wire = UdpWire(self.outgoing)
        self.lead(self._stream.handle)

    def lead(self, handle: object) -> None:
        self.down_track.set_route(self.wire, self.socket.getsockname(), handle)

    def got(self) -> list[bytes]:
        datagrams = []
        while True:
            try:
                datagrams.append(self.socket.recv(2048))
            except BlockingIOError:
                return datagrams

    def close(self) -> None:
        self.socket.close()
        self.outgoing.close()


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    def made(*options: str) -> Path:
        library = tmp_path_factory.mktemp("loop") / "forwarding_loop.so"
        strict = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run(["cc", *strict, *options, "-o", str(library), str(SOURCE)], check=True)
        return library

    return made


@pytest.fixture(scope="session")
def compiled_loop(build: Build) -> ctypes.CDLL:
    library = load(build())
    assert library is not None
    return library


@pytest.fixture
def receiver() -> Iterator[Open]:
    opened: list[Receiver] = []

    def open_(family: socket.AddressFamily = socket.AF_INET) -> Receiver:
        opened.append(Receiver(family))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


def new_forwarder() -> Forwarder:
    return Forwarder([], Scratch(MAX_SEGMENTED_BYTES + 2048), TrackClock(90_000, SenderClock()))


@st.composite
def runs(draw: st.DrawFn) -> list[Packet]:
    """What comes out of `split_runs`: packets of one length, the last perhaps shorter."""
    count, octets = draw(st.integers(1, 6)), draw(st.integers(1, 1200))
    first, timestamp = draw(st.integers(0, 1 << 40)), draw(st.integers(0, 0xFFFFFFFF))
    lengths = [octets] * (count - 1) + [draw(st.integers(0, octets))]
    heads = draw(st.lists(st.binary(min_size=6, max_size=6), min_size=count, max_size=count))
    return [
        Packet(first + n, timestamp, draw(st.sampled_from((0, 0x80))), (head + bytes(1200))[:length], flags)
        for n, (length, head) in enumerate(zip(lengths, heads, strict=True))
        for flags in [draw(st.sampled_from((0x80, 0xA0)))]
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    run=runs(),
    number=st.integers(0, 0xFFFFFFFF),
    offsets=st.tuples(st.integers(-(1 << 41), 1 << 41), st.integers(-0xFFFFFFFF, 0xFFFFFFFF)),
    shift=st.none() | st.builds(PictureShift, st.integers(0, 0x7FFF), st.integers(0, 0xFF)),
    extension_id=st.integers(0, 14),
)
def test_both_write_the_same(
    compiled_loop: ctypes.CDLL,
    run: list[Packet],
    number: int,
    offsets: tuple[int, int],
    shift: PictureShift | None,
    extension_id: int,
) -> None:
    """Whatever the packets, the offsets and the VP8 descriptors are, the datagrams and the counts are equal."""
    scratch = Scratch(MAX_SEGMENTED_BYTES)
    plain, in_c = Receiver(), Receiver()
    try:
        for one in (plain, in_c):
            one.down_track.number_packets(extension_id)
            one.down_track.downlink.number = number
            one.down_track._open(Span(new_forwarder(), 0, *offsets, shift))
        assert fan_out(scratch, run, [plain.down_track], 1.0) == (len(run), 0)
        ((first, octets, outcome),) = CompiledFanOut(compiled_loop, scratch, [in_c.down_track.route]).send(run)
        sent = plain.got()
        assert in_c.got() == sent and len(sent) == len(run)
        assert (outcome, octets, first) == (SENT, plain.down_track.octets, number)
        assert in_c.down_track.downlink.number == plain.down_track.downlink.number
    finally:
        plain.close()
        in_c.close()


def test_more_than_a_batch_arrives_in_order(
    compiled_loop: ctypes.CDLL, receiver: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over IPv4, IPv6 and what only Python can send to, from a buffer that is too small for all of them at once."""
    families = [socket.AF_INET] * 70 + [socket.AF_INET6] * 3 + [socket.AF_INET] * 2
    receivers = [receiver(family) for family in families]
    receivers[72].down_track.route.socket = -1  # as over TCP
    monkeypatch.setattr(forwarder, "LIBRARY", compiled_loop)
    forwarding = new_forwarder()
    forwarding.outputs = [one.down_track for one in receivers]
    for sequence in range(3):
        forwarding.forward(Packet(sequence, 90, 0, bytes([sequence]) * 1100))
    forwarding.flush()
    forwarding.forward(Packet(3, 90, 0x80, b"last"))
    forwarding.flush()
    arrived = [one.got() for one in receivers]
    assert all(datagrams == arrived[0] for datagrams in arrived)
    assert [len(datagram) for datagram in arrived[0]] == [1136, 1136, 1136, 40]
    assert (forwarding.sent, forwarding.dropped) == (4 * len(receivers), 0)
    for one in receivers:
        assert (one.down_track.packets, one.down_track.octets) == (4, 3 * 1136 + 40)
        assert (len(one.log), one.down_track.downlink.number) == (2, 4)


def test_whatever_changes_on_the_way_changes_for_both(
    compiled_loop: ctypes.CDLL, receiver: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sound with redundancy and without, another codec without numbers: C and Python go on with the same types."""
    receivers = [receiver() for _ in range(4)]
    receivers[3].down_track.route.socket = -1  # by Python
    monkeypatch.setattr(forwarder, "LIBRARY", compiled_loop)
    forwarding = new_forwarder()
    forwarding.outputs = [one.down_track for one in receivers]
    h264 = Codec("h264", 102, "", ())
    changes: list[Callable[[DownTrack], object]] = [
        lambda down_track: setattr(down_track, "payload_type", 63),
        lambda down_track: setattr(down_track, "payload_type", 111),
        lambda down_track: down_track.number_packets(0),
        lambda down_track: down_track.number_packets(NUMBER_ID),
        lambda down_track: down_track.turn_to(h264, same_clock=True),
        lambda down_track: down_track.begin(forwarding, 5, 0, 1.0),
    ]
    for sequence, change in enumerate(changes):
        for one in receivers:
            change(one.down_track)
        forwarding.forward(Packet(sequence, 90, 0x80, b"sound"))
        forwarding.flush()
    got = [one.got() for one in receivers]
    kinds = [[datagram[1] & 0x7F for datagram in datagrams] for datagrams in got]
    assert kinds == [[63, 111, 111, 111, 102, 102]] * 4
    assert [[datagram[0] & 0x10 for datagram in datagrams] for datagrams in got] == [[16, 16, 0, 16, 0, 0]] * 4


def test_one_that_cannot_be_sent_to_stops_nobody(
    compiled_loop: ctypes.CDLL, receiver: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel refuses an address, libsrtp a number that was used: the others get theirs, both are counted."""
    receivers = [receiver() for _ in range(5)]
    nowhere, spent = receivers[1].down_track, receivers[3].down_track
    nowhere.set_route(receivers[1].wire, ("127.0.0.1", 0), nowhere.handle)
    once = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE))
    receivers[3].lead(once._srtp[0])
    monkeypatch.setattr(forwarder, "LIBRARY", compiled_loop)
    forwarding = new_forwarder()
    forwarding.outputs = [one.down_track for one in receivers]
    for _ in range(2):
        forwarding._fan_out([Packet(7, 90, 0, b"same")], forwarding.outputs)
    assert [len(one.got()) for one in receivers] == [2, 0, 2, 1, 2]
    assert (forwarding.sent, forwarding.dropped) == (7, 3)
    assert (nowhere.packets, spent.packets) == (2, 1)
    assert [one.down_track.downlink.number for one in receivers] == [2, 2, 2, 1, 2]
    again = CompiledFanOut(compiled_loop, Scratch(), [one.down_track.route for one in receivers])
    outcomes = [outcome for *_, outcome in again.send([Packet(7, 90, 0, b"same")])]
    assert outcomes == [SENT, UNSENT, SENT, UNPROTECTED, SENT]


def test_a_library_that_does_not_fit_is_left_alone(build: Build, tmp_path: Path) -> None:
    """No file, another program's file, or one built from other sources: forwarding is done in Python."""
    assert load(tmp_path / "missing.so") is None
    (tmp_path / "text.so").write_text("not a library")
    assert load(tmp_path / "text.so") is None
    assert load(build(f"-DFORMAT={compiled.FORMAT + 1}")) is None


def test_what_set_up_built_is_used(compiled_loop: ctypes.CDLL) -> None:
    """On a machine with a compiler the media role forwards by the compiled loop."""
    assert forwarder.LIBRARY is not None
