"""One subscriber: counts what comes without decrypting it, and says what a browser says."""

from __future__ import annotations

import struct

from bench.description import TRANSPORT_CC
from bench.drain import Drain, want_times
from bench.peer import CHECK_EVERY_S, Peer
from bench.reports import OUR_SSRC, write_report
from bench.traffic import MARK, STAMP
from station.rtc.formats.twcc import ArrivalLog
from station.rtc.transport.dtls_srtp import Scratch, srtp_unprotect
from tests.rtc.header_extensions import find_extension

FEEDBACK_EVERY_S = 1 / 16  # as Chromium was seen to do
REPORT_EVERY_S = 1.0
REMB_BITS_PER_S = 2_500_000
_HEAD = struct.Struct("!BBHII")
_SPREAD = 0.618  # so that no two subscribers speak at the same moment
_scratch = Scratch()


class Viewer:
    """Owns a connected peer. `read` and `speak` are called a hundred times a second."""

    def __init__(self, peer: Peer, number: int) -> None:
        assert peer.remote is not None
        self.peer = peer
        self.number = number
        self.is_probe = False
        self.packets = self.gaps = 0
        self.delays_ms: list[float] = []
        self._file = peer.socket.fileno()
        self._highest: dict[int, int] = {}
        self._arrivals = ArrivalLog()
        sections = peer.remote.sections
        media = [section for section in sections if section.kind in ("audio", "video")]
        self._types = {section.types[0] for section in media}
        has_feedback = any("transport-cc" in section.feedback for section in media)
        numbers = {section.extensions.get(TRANSPORT_CC, 0) for section in media} - {0}
        self._transport_extension = numbers.pop() if has_feedback and len(numbers) == 1 else 0
        has_remb = any("goog-remb" in section.feedback for section in media)
        self._remb = REMB_BITS_PER_S if has_remb and not self._transport_extension else 0
        phase = number * _SPREAD % 1
        self._feedback_s = self._report_s = self._check_s = 0.0
        self._phase = phase
        want_times(peer.socket)

    def begin(self) -> None:
        """Counts from here."""
        self.packets = self.gaps = 0
        self.delays_ms = []

    def read(self, drain: Drain) -> None:
        """Empties the socket."""
        buffer, highest = drain.buffer, self._highest
        for at, size, arrived_ns in drain.read(self._file):
            first, kind, sequence, _, ssrc = _HEAD.unpack_from(buffer, at)
            if not 127 < first < 192:
                if first < 4:
                    self.peer.take_check(bytes(buffer[at : at + size]))
                continue
            if 192 <= kind <= 223:
                continue
            if self._transport_extension:
                value = _transport_number(buffer, at, first, self._transport_extension)
                if value is not None:
                    self._arrivals.note(value, arrived_ns / 1e9)
            if kind & 0x7F not in self._types:  # a repair stream
                continue
            self.packets += 1
            step = sequence - highest.get(ssrc, sequence - 1) & 0xFFFF
            if step < 0x8000:
                highest[ssrc] = sequence
                self.gaps += step - 1
            else:
                self.gaps -= 1
            if self.is_probe:
                self._measure(bytes(buffer[at : at + size]), arrived_ns)

    def speak(self, now_s: float) -> None:
        """Consent checks, receiver reports and transport-wide feedback, when they are due."""
        if now_s >= self._feedback_s:
            self._feedback_s = self._next(now_s, self._feedback_s, FEEDBACK_EVERY_S)
            if self._transport_extension:
                self._report_arrivals(now_s)
        if now_s >= self._report_s:
            self._report_s = self._next(now_s, self._report_s, REPORT_EVERY_S)
            if self._highest:
                self.peer.send_rtcp(write_report(self._highest, self._remb), _scratch)
        if now_s >= self._check_s:
            self._check_s = self._next(now_s, self._check_s, CHECK_EVERY_S)
            self.peer.check()

    def _report_arrivals(self, now_s: float) -> None:
        media_ssrc = next(iter(self._highest), 0)
        while (packet := self._arrivals.feedback(OUR_SSRC, media_ssrc, now_s)) is not None:
            self.peer.send_rtcp(packet, _scratch)

    def _next(self, now_s: float, due_s: float, period_s: float) -> float:
        return max(now_s, due_s + period_s) if due_s else now_s + self._phase * period_s

    def _measure(self, datagram: bytes, arrived_ns: int) -> None:
        """Notes how long ago the publisher wrote the packet."""
        incoming = self.peer.incoming
        assert incoming is not None
        _scratch.view[: len(datagram)] = datagram
        _scratch.size[0] = len(datagram)
        if srtp_unprotect(incoming.handle, _scratch.pointer, _scratch.size) == 0:
            plain = bytes(_scratch.view[: min(_scratch.size[0], 160)])
            at = plain.find(MARK, 12)
            if at > 0:
                self.delays_ms.append((arrived_ns - STAMP.unpack_from(plain, at + len(MARK))[0]) / 1e6)


def _transport_number(buffer: bytearray, at: int, first: int, wanted: int) -> int | None:
    """The transport-wide sequence number of a packet; extensions lie in the clear."""
    if not first & 0x10:
        return None
    if buffer[at + 12 : at + 14] == b"\xbe\xde" and buffer[at + 16] == wanted << 4 | 1:  # where it mostly is
        return buffer[at + 17] << 8 | buffer[at + 18]
    value = find_extension(bytes(buffer[at : at + 64]), 64, wanted)
    return int.from_bytes(value, "big") if value is not None and len(value) == 2 else None
