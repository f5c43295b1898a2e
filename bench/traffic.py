"""The publishers' side: about 1 Mbit/s of video in 25 frames a second and Opus, 50 packets a second, real feedback.

Two shapes: `bursts` writes a frame's packets at once, as Chromium does, which favours a server that batches; `paced`
spreads them, at 2.5 times the bit rate. Each packet carries the Unix time at which it was written.
"""

from __future__ import annotations

import heapq
import itertools
import struct
import threading
import time
from collections.abc import Callable
from typing import Literal

from bench.description import AUDIO_LEVEL, AUDIO_TYPE, MID, SEND_TIME, TRANSPORT_CC, VIDEO_TYPE, Line
from bench.peer import CHECK_EVERY_S, Peer
from station.rtc.formats import rtcp
from station.rtc.formats.rtp import HEADER
from station.rtc.transport.dtls_srtp import Scratch, srtp_unprotect_rtcp

FRAMES_PER_S, FRAME_BYTES, PACKET_BYTES, AUDIO_BYTES = 25, 5000, 1100, 100
AUDIO_PER_S = 50
KEYFRAME_EVERY = 25  # frames
PACING = 2.5
MARK = b"STAMP"
STAMP = struct.Struct("!Q")
_SHORT = struct.Struct("!H")
Shape = Literal["bursts", "paced"]


def lines(number: int) -> list[Line]:
    """What publisher `number` offers."""
    first = 1000 * (number + 1)
    return [Line("audio", "0", (first + 2,)), Line("video", "1", (first, first + 1))]


class Stream:
    """One RTP stream of a publisher: its numbers, and what it puts into header extensions."""

    def __init__(self, kind: str, line: Line, extensions: dict[str, int], clock_rate: int) -> None:
        self.kind = kind
        self.ssrc = line.ssrcs[0]
        self.clock_rate = clock_rate
        self.sequence = 100
        self.packets = self.octets = 0
        self._mid = line.mid.encode()
        self._extensions = extensions

    def extension(self, now_s: float, transport_number: int) -> bytes:
        """The header extension block with everything that was negotiated (RFC 8285, one-byte form)."""
        values = {
            MID: self._mid,
            SEND_TIME: (int(now_s * 2**18) & 0xFFFFFF).to_bytes(3, "big"),
            TRANSPORT_CC: _SHORT.pack(transport_number),
            AUDIO_LEVEL: b"\x9e",  # speaking, -30 dBov
        }
        block = b""
        for uri, number in self._extensions.items():
            if uri in values and (self.kind == "audio" or uri != AUDIO_LEVEL):
                block += bytes([number << 4 | len(values[uri]) - 1]) + values[uri]
        block += bytes(-len(block) % 4)
        return struct.pack("!HH", 0xBEDE, len(block) // 4) + block if block else b""


class Publisher:
    """Writes packets when `Traffic` says so."""

    def __init__(self, peer: Peer, number: int) -> None:
        assert peer.remote is not None
        self.peer = peer
        self.sent = 0
        audio, video = lines(number)
        extensions = {section.kind: section.extensions for section in peer.remote.sections}
        self.audio = Stream("audio", audio, extensions.get("audio", {}), 48_000)
        self.video = Stream("video", video, extensions.get("video", {}), 90_000)
        self._scratch = Scratch()
        self._transport_number = 0
        self._is_key_wanted = True
        self._frames = 0
        self._checked_s = 0.0

    def frame(self) -> list[Callable[[], None]]:
        """The next frame as packets still to be written, stamped with the time of their frame."""
        is_key = self._is_key_wanted or self._frames % KEYFRAME_EVERY == 0
        self._is_key_wanted = False
        self._frames += 1
        timestamp = int(time.time() * 90_000)
        sizes = [PACKET_BYTES] * (FRAME_BYTES // PACKET_BYTES)
        sizes += [FRAME_BYTES % PACKET_BYTES] if FRAME_BYTES % PACKET_BYTES else []
        first = 0x65 if is_key else 0x61
        return [self._packet(timestamp, size, first, at == len(sizes) - 1) for at, size in enumerate(sizes)]

    def _packet(self, timestamp: int, size: int, first: int, last: bool) -> Callable[[], None]:
        return lambda: self._write(self.video, VIDEO_TYPE | (0x80 if last else 0), timestamp, size, first)

    def sound(self) -> None:
        """Writes the next 20 ms of sound."""
        self._write(self.audio, AUDIO_TYPE, int(time.time() * 48_000), AUDIO_BYTES, 0xFC)

    def _write(self, stream: Stream, kind: int, timestamp: int, size: int, first: int) -> None:
        now_ns = time.time_ns()
        stream.sequence = stream.sequence + 1 & 0xFFFF
        self._transport_number = self._transport_number + 1 & 0xFFFF
        extension = stream.extension(now_ns / 1e9, self._transport_number)
        head = HEADER.pack(0x90 if extension else 0x80, kind, stream.sequence, timestamp & 0xFFFFFFFF, stream.ssrc)
        payload = bytes([first]) + MARK + STAMP.pack(now_ns)
        self.peer.send_rtp(head + extension + payload + bytes(size - len(payload)), self._scratch)
        stream.packets += 1
        stream.octets += size
        self.sent += 1

    def keep_up(self) -> None:
        """Reads what the server says, renews consent; call it several times a second."""
        self._read()
        now_s = time.monotonic()
        if now_s - self._checked_s > CHECK_EVERY_S:
            self._checked_s = now_s
            self.peer.check()

    def report(self) -> None:
        """Sender reports of both streams."""
        unix_s = time.time()
        for stream in (self.audio, self.video):
            timestamp = int(unix_s * stream.clock_rate)
            report = rtcp.sender_report(stream.ssrc, unix_s, timestamp, stream.packets, stream.octets, "bench")
            self.peer.send_rtcp(report, self._scratch)

    def _read(self) -> None:
        while True:
            try:
                datagram = self.peer.socket.recv(2048)
            except (BlockingIOError, ConnectionError):
                return
            if datagram[0] < 4:
                self.peer.take_check(datagram)
            elif 127 < datagram[0] < 192:
                self._take_rtcp(datagram)

    def _take_rtcp(self, datagram: bytes) -> None:
        scratch, incoming = self._scratch, self.peer.incoming
        assert incoming is not None
        scratch.view[: len(datagram)] = datagram
        scratch.size[0] = len(datagram)
        if srtp_unprotect_rtcp(incoming.handle, scratch.pointer, scratch.size) == 0:
            items = rtcp.parse(bytes(scratch.view[: scratch.size[0]]))
            self._is_key_wanted |= any(isinstance(item, rtcp.KeyframeWanted) for item in items)


class Traffic:
    """A thread that writes for all publishers in real time while `is_on`. A context manager."""

    def __init__(self, publishers: list[Publisher]) -> None:
        self.publishers = publishers
        self.shape: Shape = "bursts"
        self.is_on = True
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[float], None]]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def __enter__(self) -> Traffic:
        now_s = time.monotonic()
        for at, publisher in enumerate(self.publishers):
            offset_s = at / FRAMES_PER_S / len(self.publishers)  # people do not film in step
            self._add(now_s + offset_s, self._every(1 / FRAMES_PER_S, self._frame, publisher))
            self._add(now_s + offset_s, self._every(1 / AUDIO_PER_S, self._sound, publisher))
            self._add(now_s + offset_s, self._every(0.1, lambda _, who: who.keep_up(), publisher))
            self._add(now_s + offset_s, self._every(1.0, lambda _, who: who.report(), publisher))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for publisher in self.publishers:
            publisher.peer.close()

    @property
    def sent(self) -> int:
        """RTP packets of all publishers so far."""
        return sum(publisher.sent for publisher in self.publishers)

    def _add(self, at_s: float, what: Callable[[float], None]) -> None:
        heapq.heappush(self._due, (at_s, next(self._order), what))

    def _every(
        self, period_s: float, what: Callable[[float, Publisher], None], publisher: Publisher
    ) -> Callable[[float], None]:
        def act(at_s: float) -> None:
            self._add(at_s + period_s, act)
            what(at_s, publisher)

        return act

    def _frame(self, at_s: float, publisher: Publisher) -> None:
        if not self.is_on:
            return
        gap_s = 0.0
        if self.shape == "paced":
            gap_s = PACKET_BYTES / (FRAME_BYTES * FRAMES_PER_S * PACING)
        for number, write in enumerate(publisher.frame()):
            if gap_s and number:
                self._add(at_s + number * gap_s, lambda _, write=write: write())  # type: ignore[misc]
            else:
                write()

    def _sound(self, _at_s: float, publisher: Publisher) -> None:
        if self.is_on:
            publisher.sound()

    def _run(self) -> None:
        while not self._stopped.is_set():
            at_s, _, what = heapq.heappop(self._due)
            left_s = at_s - time.monotonic()
            if left_s > 0:
                time.sleep(left_s)
            what(at_s)
