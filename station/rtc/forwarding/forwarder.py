"""One encoding of a track on its way to all its subscribers.

Packets are numbered without wrapping (`sequence`, RFC 3550 appendix A.1) and kept once, in a ring. What came in one
reading of the socket goes out together: `forward` collects, `flush` sends, equal packets to a subscriber leave in one
call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from station.rtc.formats.rtp import HEADER_BYTES
from station.rtc.forwarding.compiled import FEWEST, NOT_BY_US, SENT, UNPROTECTED, CompiledFanOut, load
from station.rtc.forwarding.down_track import DownTrack
from station.rtc.forwarding.fan_out import fan_out
from station.rtc.forwarding.gso import MOST_PADDING, Packet, pad_to_longest, split_runs
from station.rtc.forwarding.sender_clock import TrackClock
from station.rtc.transport.dtls_srtp import Scratch
from station.rtc.transport.wire import Flushable

RING_SIZE = 1024
MAX_LATE = 512  # packets: what is older may have been there before, and the ring cannot tell
CACHED_S = 0.6  # a newcomer is given a keyframe of this age instead of waiting for the next one
CACHED_PACKETS = 256
_RING_MASK = RING_SIZE - 1

Tap = Callable[[Packet], None]
LIBRARY = load()


class Keyframe(NamedTuple):
    """Where the latest keyframe begins."""

    sequence: int
    timestamp: int
    at_s: float


class Forwarder:
    """Ring and outputs of one encoding. Puts itself on the port's `dirty` list when it has something to flush."""

    def __init__(self, dirty: list[Flushable], scratch: Scratch, clock: TrackClock) -> None:
        self.clock = clock
        self._dirty = dirty
        self._scratch = scratch
        self._ring: list[Packet | None] = [None] * RING_SIZE
        self._pending: list[Packet] = []
        self._keyframe: Keyframe | None = None
        self._is_held = False
        self.in_bursts = False  # whether the packets of a frame come close together
        self.newest: tuple[int, int] | None = None  # sequence number and timestamp
        self.outputs = []
        self.waiting: list[DownTrack] = []  # for a keyframe to begin
        self.taps: list[Tap] = []
        self.packets = 0
        self.octets = 0
        self.sent = 0
        self.dropped = 0

    def forward(self, item: Packet) -> None:
        """Takes the next packet in order: kept for those who will ask again, sent with the next flush."""
        self._ring[item.sequence & _RING_MASK] = item
        self.newest = item[:2]
        self.packets += 1
        self.octets += HEADER_BYTES + len(item.payload)
        if self._outputs and not self._is_held:
            if not self._pending:
                self._dirty.append(self)
            self._pending.append(item)
        for tap in self.taps:
            tap(item)

    @property
    def is_coming(self) -> bool:
        """Whether the rest of a frame is about to come: it is of no use before, and all of it leaves in one call."""
        return self.in_bursts and bool(self._pending) and not self._pending[-1].marker

    def flush(self) -> None:
        """Sends what was collected to every down track."""
        pending, self._pending = self._pending, []
        if len(pending) < 2:
            self._fan_out(pending, self._outputs)
            return
        for neighbours in split_runs(pending, MOST_PADDING):
            run = pad_to_longest(neighbours)
            for item in run:  # stays as it is sent now: what is retransmitted must be the very same
                self._ring[item.sequence & _RING_MASK] = item
            self._fan_out(run, self._outputs)

    def _fan_out(self, run: Sequence[Packet], outputs: list[DownTrack]) -> None:
        """Sends packets of one length to each down track."""
        if not run or not outputs:
            return
        now_s = time.monotonic()
        if outputs is self._outputs and self._compiled is not None:
            outputs = self._fan_out_compiled(self._compiled, run, outputs, now_s)
        sent, dropped = fan_out(self._scratch, run, outputs, now_s)
        self.sent += sent
        self.dropped += dropped

    def _fan_out_compiled(
        self, compiled: CompiledFanOut, run: Sequence[Packet], outputs: list[DownTrack], now_s: float
    ) -> list[DownTrack]:
        """Sends by the compiled loop, and notes what it sent. Returns those that it cannot send to."""
        count, left = len(run), []
        for down_track, (number, octets, outcome) in zip(outputs, compiled.send(run), strict=True):
            if outcome == NOT_BY_US:
                left.append(down_track)
                continue
            if outcome == SENT:
                self.sent += count
            else:
                self.dropped += count
                if outcome == UNPROTECTED:
                    continue
            down_track.packets += count
            down_track.octets += octets
            if down_track.extension:
                down_track.downlink.note((number & 0xFFFF, count, octets, now_s))
        return left

    @property
    def outputs(self) -> list[DownTrack]:
        """Down tracks that are sent to; replaced, never changed in place."""
        return self._outputs

    @outputs.setter
    def outputs(self, outputs: list[DownTrack]) -> None:
        """Sends to these from now on; tells the compiled loop, if it is worth telling."""
        self._outputs, self._compiled = outputs, None
        if LIBRARY is not None and len(outputs) >= FEWEST:
            routes = [down_track.route for down_track in outputs]
            self._compiled = CompiledFanOut(LIBRARY, self._scratch, routes)

    def forward_late(self, item: Packet) -> None:
        """Takes a packet that others overtook: under the number that subscribers miss, if they had its neighbours."""
        if self.newest is None or self.newest[0] - item.sequence > MAX_LATE:
            return
        self.flush()
        self._ring[item.sequence & _RING_MASK] = item
        if not self._is_held:
            self._fan_out(
                [item], [down_track for down_track in self.outputs if down_track.reaches_back_to(item.sequence)]
            )
        for tap in self.taps:
            tap(item)

    # Who gets it.

    def attach(self, down_track: DownTrack) -> bool:
        """Begins to send to a down track where a keyframe begins; False when one has to be asked for."""
        if down_track in self.outputs:
            return True
        if down_track not in self.waiting:
            self.waiting = [*self.waiting, down_track]
        recent, now_s = self._keyframe, time.monotonic()
        if down_track.span is not None:  # it has shown later moments than that keyframe's
            return False
        if recent is None or self.newest is None or now_s - recent.at_s > CACHED_S:
            return False
        if self.newest[0] - recent.sequence > CACHED_PACKETS:
            return False
        self._admit(recent)
        return True

    def detach(self, down_track: DownTrack) -> None:
        """Sends a down track nothing any more, and lets it wait no longer."""
        if down_track in self.outputs:
            self.flush()
            self.outputs = [other for other in self.outputs if other is not down_track]
            if not self._is_held:  # else it has been noted where its numbers stand
                down_track.leave(self, time.monotonic())
        self.stop_waiting(down_track)

    def stop_waiting(self, down_track: DownTrack) -> None:
        """Does not begin to send to a down track at the next keyframe."""
        if down_track in self.waiting:
            self.waiting = [other for other in self.waiting if other is not down_track]

    def begin(self, item: Packet, *, keyframe: bool) -> None:
        """A subscriber can begin with this packet, which is kept already: who waited is given all from here on."""
        here = Keyframe(item.sequence, item.timestamp, time.monotonic())
        if keyframe:
            self._keyframe = here
        if self.waiting:
            self._admit(here)

    def _admit(self, start: Keyframe) -> None:
        assert self.newest is not None
        self.flush()
        newcomers, self.waiting = self.waiting, []
        now_s = time.monotonic()
        for down_track in newcomers:
            if down_track.span is not None:
                down_track.span.forwarder.detach(down_track)
            down_track.begin(self, start.sequence, start.timestamp, now_s)
        kept = (self.packet_at(sequence) for sequence in range(start.sequence, self.newest[0] + 1))
        for run in split_runs([item for item in kept if item is not None], 0):
            self._fan_out(run, newcomers)
        self.outputs = [*self.outputs, *newcomers]
        if self._is_held:
            for down_track in newcomers:
                down_track.leave(self, now_s)

    def hold(self, is_held: bool) -> None:
        """Sends nothing for a while, or goes on; subscribers do not see that there is a gap in the numbers."""
        if is_held == self._is_held:
            return
        self.flush()
        self._is_held = is_held
        for down_track in self.outputs:
            if is_held:
                down_track.leave(self, time.monotonic())
            elif self.newest is not None:
                down_track.resume(self, self.newest[0] + 1)

    def begin_anew(self, item: Packet, gap: int) -> None:
        """The publisher begins other numbers with this packet: subscribers see theirs go on, `gap` units later."""
        self.flush()
        now_s = time.monotonic()
        for down_track in self.outputs if not self._is_held else ():
            down_track.leave(self, now_s)
        self._ring = [None] * RING_SIZE
        self._ring[item.sequence & _RING_MASK] = item
        self._keyframe = None
        self.newest = item[:2]
        for down_track in self.outputs:
            down_track.restart(self, item.sequence, item.timestamp, gap)

    def is_sent(self, item: Packet) -> bool:
        """Whether a packet has left: not while it is held back or waits to be flushed."""
        return not self._is_held and not (self._pending and item.sequence >= self._pending[0].sequence)

    def close(self) -> None:
        """Sends nobody anything any more, and keeps nothing: others may still hold on to the forwarder.

        Its outputs may go on with another track, whose numbers follow the last ones sent here.
        """
        for output in list(self.outputs):
            self.detach(output)
        self.outputs, self.waiting, self.taps = [], [], []
        self._ring, self._pending, self._keyframe = [None] * RING_SIZE, [], None

    # What is asked for again.

    def packet_at(self, sequence: int) -> Packet | None:
        """A packet by its number, while the ring has it."""
        item = self._ring[sequence & _RING_MASK]
        return item if item is not None and item.sequence == sequence else None

    def recent(self, octets: int) -> Iterator[Packet]:
        """The latest packets, the newest first, of at least so many octets together: probes are made of them."""
        sequence = self.newest[0] if self.newest is not None else 0
        while octets > 0 and (item := self.packet_at(sequence)) is not None:
            octets -= len(item.payload)
            sequence -= 1
            yield item
