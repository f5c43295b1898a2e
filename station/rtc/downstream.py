"""The watching side of a connection: one output for each track it asked for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from functools import lru_cache

from station.rtc import rtcp
from station.rtc.adapter import Scratch
from station.rtc.feed import Output
from station.rtc.published import PublishedTrack
from station.rtc.rtp import one_extension
from station.rtc.sdp import AnswerMedia, Codec, Media, Offer
from station.rtc.session import Session

REPORT_EVERY_S = 1.0
REPEATS_PER_S = 600  # what one viewer can make us send again
FindTrack = Callable[[str], PublishedTrack | None]


class Watched:
    """One track as this viewer gets it."""

    __slots__ = ("fraction_lost", "next_report_s", "output", "track")

    def __init__(self, track: PublishedTrack, output: Output) -> None:
        self.track = track
        self.output = output
        self.fraction_lost = 0.0
        self.next_report_s = 0.0


class Downstream:
    """Belongs to one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.watched: dict[str, Watched] = {}  # by mid
        self._by_ssrc: dict[int, Watched] = {}
        self._repeats_left = float(REPEATS_PER_S)
        self._ticked_s = time.monotonic()

    def negotiate(self, offer: Offer, wanted: Mapping[str, str], find: FindTrack) -> list[AnswerMedia]:
        """Our answer to each m-line. A track that has gone, or in a codec not offered, is answered as inactive."""
        answers = []
        before, self.watched = self.watched, {}
        for media in offer.media:
            track = find(wanted[media.mid]) if media.receives and media.mid in wanted else None
            codec = _same_codec(media, track.codec) if track is not None else None
            if track is None or codec is None:
                answers.append(AnswerMedia(media, rejected=not media.codecs))
                continue
            old = before.get(media.mid)
            watched = old if old is not None and old.track is track else _watch(media, codec, track)
            self.watched[media.mid] = watched
            answers.append(_answer(media, codec, watched))
        for mid, old in before.items():
            if self.watched.get(mid) is not old:
                old.track.feed.detach(old.output)
        self._by_ssrc = {watched.output.ssrc: watched for watched in self.watched.values()}
        if self.session.is_connected:
            self.connected()
        return answers

    def connected(self) -> None:
        """The handshake is done: packets can flow, beginning with a keyframe."""
        outgoing, address = self.session.dtls.outgoing, self.session.address
        assert outgoing is not None and address is not None
        for watched in self.watched.values():
            if watched.output.handle is None and not watched.track.ended:
                watched.output.handle = outgoing.handle
                watched.output.address = address
                watched.track.feed.attach(watched.output)
                watched.track.want_keyframe()

    def moved(self) -> None:
        """The viewer is at another address now."""
        for watched in self.watched.values():
            watched.output.address = self.session.address or watched.output.address

    def close(self) -> None:
        """Takes all outputs off their feeds."""
        for watched in self.watched.values():
            watched.track.feed.detach(watched.output)
        self.watched, self._by_ssrc = {}, {}

    def receive_rtp(self, scratch: Scratch, size: int) -> None:
        """A viewer has nothing to send: ignored."""

    def receive_rtcp(self, items: list[rtcp.Feedback]) -> None:
        """Answers what the viewer misses from the ring, passes on its wish for keyframes, notes its reports."""
        for item in items:
            if isinstance(item, rtcp.SenderReport | rtcp.Bye):
                continue
            watched = self._by_ssrc.get(item.ssrc)
            if watched is None:
                continue
            if isinstance(item, rtcp.Nack):
                self._repeat(watched, item)
            elif isinstance(item, rtcp.KeyframeWanted):
                watched.track.want_keyframe()
            else:
                watched.fraction_lost = item.fraction_lost
                self.session.round_trip_s = rtcp.round_trip_s(item, time.time()) or self.session.round_trip_s

    def _repeat(self, watched: Watched, item: rtcp.Nack) -> None:
        if watched.output.handle is None or watched.track.ended:
            return
        for sequence in item.lost:
            if self._repeats_left < 1:
                return
            if watched.track.feed.send_again(watched.output, sequence):
                self._repeats_left -= 1

    def tick(self, now_s: float) -> None:
        """Once a second and track, tells the viewer the publisher's clock, so that lips and voice stay together."""
        earned = (now_s - self._ticked_s) * REPEATS_PER_S
        self._repeats_left = min(float(REPEATS_PER_S), self._repeats_left + earned)
        self._ticked_s = now_s
        for watched in self.watched.values():
            if now_s >= watched.next_report_s and watched.output.handle is not None:
                self._report(watched, now_s)

    def _report(self, watched: Watched, now_s: float) -> None:
        unix_s = time.time()
        timestamp = watched.track.clock.timestamp_at(unix_s)
        if timestamp is None:
            return
        watched.next_report_s = now_s + REPORT_EVERY_S
        output = watched.output
        stamp = timestamp + output.timestamp_offset
        packets, octets = watched.track.feed.sent_to(output)
        name = watched.track.state.person
        self.session.send_rtcp(rtcp.sender_report(output.ssrc, unix_s, stamp, packets, octets, name))


def _same_codec(media: Media, wanted: Codec) -> Codec | None:
    """The viewer's payload type for the publisher's codec, of the same profile if it can be."""
    same = [codec for codec in media.codecs if codec.name == wanted.name]
    profile = [codec for codec in same if codec.parameters[-6:-2] == wanted.parameters[-6:-2]]
    return next(iter(profile or same), None)


@lru_cache(maxsize=4096)
def _share(extension: bytes) -> bytes:
    """One object for equal extensions, which the forwarding loop tells apart by identity."""
    return extension


def _watch(media: Media, codec: Codec, track: PublishedTrack) -> Watched:
    extension = _share(one_extension(media.mid_extension, media.mid.encode()))
    return Watched(track, Output(1 + secrets.randbelow(0xFFFFFFFE), codec.payload_type, extension))


def _answer(media: Media, codec: Codec, watched: Watched) -> AnswerMedia:
    state = watched.track.state
    # Camera and microphone of a person are one stream, so that the browser keeps lips and voice together.
    stream = f"{state.person}-screen" if state.source == "screen" else state.person
    return AnswerMedia(media, codec, watched.output.ssrc, state.person, stream, state.id)
