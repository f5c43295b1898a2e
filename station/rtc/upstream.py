"""The publishing side of a connection: its m-lines as tracks, its packets brought into canonical form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from station.base.errors import N_, BadInput
from station.base.ids import new_id
from station.rtc import rtcp
from station.rtc.adapter import Scratch
from station.rtc.published import RTCP_SSRC, PublishedTrack, TrackState
from station.rtc.rtp import HEADER, HEADER_BYTES, find_extension, payload_bounds
from station.rtc.sdp import AnswerMedia, Media, NoCodec, Offer
from station.rtc.sender_clock import SenderClock
from station.rtc.session import Session

MAX_TRACKS = 6
VIDEO_BITS_PER_S = 2_500_000
AUDIO_BITS_PER_S = 64_000
REPORT_EVERY_S = 1.0
SOURCES = {"camera": "video", "screen": "video", "microphone": "audio"}


class TooManyTracks(BadInput):
    code = "too-many-tracks"
    message = N_("一个人最多发布 %(limit)s 路音视频")


class BadSource(BadInput):
    code = "bad-source"
    message = N_("媒体来源只能是摄像头、麦克风或屏幕")


class Upstream:
    """Belongs to one session. `on_track_ended` is told of each track that is no more."""

    def __init__(self, session: Session, person: str) -> None:
        self.session = session
        self.person = person
        self.tracks: dict[str, PublishedTrack] = {}  # by mid
        self.on_track_ended: Callable[[PublishedTrack], None] = lambda _track: None
        self._by_ssrc: dict[int, PublishedTrack] = {}
        self._mid_extension = 0
        self._clock = SenderClock()
        self._next_report_s = 0.0

    def negotiate(self, offer: Offer, sources: Mapping[str, str]) -> tuple[list[AnswerMedia], list[PublishedTrack]]:
        """Our answer to each m-line, and the tracks that are new. Changes nothing when it raises.

        Raises NoCodec, BadSource, TooManyTracks.
        """
        answers: list[AnswerMedia] = []
        for media in offer.media:
            wanted = media.sends and media.mid in sources
            if wanted and SOURCES.get(sources[media.mid]) != media.kind:
                raise BadSource
            if wanted and not media.codecs:
                raise NoCodec
            codec = media.codecs[0] if wanted else None
            answers.append(AnswerMedia(media, codec, rejected=not media.codecs))
        if sum(answer.codec is not None for answer in answers) > MAX_TRACKS:
            raise TooManyTracks(limit=MAX_TRACKS)
        return answers, self._apply(answers, sources)

    def _apply(self, answers: list[AnswerMedia], sources: Mapping[str, str]) -> list[PublishedTrack]:
        active = {answer.offered.mid for answer in answers if answer.codec is not None}
        for mid in [mid for mid in self.tracks if mid not in active]:
            self._end(mid)
        added = []
        for answer in answers:
            media = answer.offered
            self._mid_extension = media.mid_extension or self._mid_extension
            if answer.codec is None:
                continue
            track = self.tracks.get(media.mid)
            if track is not None and track.state.source != sources[media.mid]:
                self._end(media.mid)
                track = None
            if track is None:
                track = self._add(media, answer, sources[media.mid])
                added.append(track)
            if media.ssrcs:
                track.latch(media.ssrcs[0])
                self._by_ssrc[media.ssrcs[0]] = track
        return added

    def _add(self, media: Media, answer: AnswerMedia, source: str) -> PublishedTrack:
        assert answer.codec is not None
        state = TrackState(new_id("tk"), self.person, source, media.kind, answer.codec.name)
        track = PublishedTrack(state, media.mid, answer.codec, self.session, self._clock)
        self.tracks[media.mid] = track
        return track

    def _end(self, mid: str) -> None:
        track = self.tracks.pop(mid)
        self._by_ssrc = {ssrc: other for ssrc, other in self._by_ssrc.items() if other is not track}
        track.end()
        self.on_track_ended(track)

    def close(self) -> None:
        """Ends all tracks."""
        for mid in list(self.tracks):
            self._end(mid)

    def connected(self) -> None:
        """Nothing to do: packets come by themselves."""

    def moved(self) -> None:
        """Nothing to do: reports go to the session's address of the moment."""

    def receive_rtp(self, scratch: Scratch, size: int) -> None:
        """Takes a decrypted packet and hands it on without CSRCs, extensions and padding."""
        buffer = scratch.bytes_
        first, kind, sequence, timestamp, ssrc = HEADER.unpack_from(buffer)
        track = self._by_ssrc.get(ssrc)
        if track is None:
            track = self._identify(scratch, size, kind & 0x7F, ssrc)
        if track is None or kind & 0x7F != track.payload_type:
            return
        start, end = (HEADER_BYTES, size) if first == 0x80 else payload_bounds(buffer, size)
        at = start - HEADER_BYTES
        if at:
            scratch.view[at:start] = bytes(scratch.view[:HEADER_BYTES])
        buffer[at] = 0x80
        track.receive(bytes(scratch.view[at:end]), sequence, timestamp)

    def _identify(self, scratch: Scratch, size: int, payload_type: int, ssrc: int) -> PublishedTrack | None:
        """Which track an SSRC belongs to that the offer did not name (RFC 9143 section 9.2)."""
        fitting = [track for track in self.tracks.values() if track.payload_type == payload_type]
        mid = find_extension(scratch.bytes_, size, self._mid_extension) if self._mid_extension else None
        if mid is not None:
            fitting = [track for track in fitting if track.mid == mid.decode("ascii", "replace")]
        if len(fitting) != 1:
            return None
        self._by_ssrc = {old: track for old, track in self._by_ssrc.items() if track is not fitting[0]}
        self._by_ssrc[ssrc] = fitting[0]
        fitting[0].latch(ssrc)
        return fitting[0]

    def receive_rtcp(self, items: list[rtcp.Feedback]) -> None:
        """Takes the publisher's sender reports."""
        for item in items:
            if isinstance(item, rtcp.SenderReport):
                track = self._by_ssrc.get(item.ssrc)
                if track is not None:
                    track.report(item)

    def tick(self, now_s: float) -> None:
        """Recovers losses; once a second tells the publisher how well it arrives and how much it may send."""
        for track in self.tracks.values():
            track.tick(now_s)
        if now_s >= self._next_report_s:
            self._next_report_s = now_s + REPORT_EVERY_S
            self._report()

    def _report(self) -> None:
        tracks = [track for track in self.tracks.values() if track.ssrc]
        blocks = [block for track in tracks if (block := track.report_block()) is not None]
        packet = rtcp.receiver_report(RTCP_SSRC, blocks)
        if tracks:
            rates = (VIDEO_BITS_PER_S if track.state.kind == "video" else AUDIO_BITS_PER_S for track in tracks)
            packet += rtcp.max_bitrate(RTCP_SSRC, sum(rates), [track.ssrc for track in tracks])
        self.session.send_rtcp(packet)
