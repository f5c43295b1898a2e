"""The publishing side of a connection: its m-lines as tracks, its packets brought into canonical form."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from station.base.errors import N_, BadInput
from station.base.ids import new_id
from station.rtc.formats import rtcp
from station.rtc.formats.header_layout import HeaderLayout, read_header_layout
from station.rtc.formats.redundancy import with_head
from station.rtc.formats.rtp import HEADER, BadPacket
from station.rtc.formats.sdp import (
    LEVEL_URI,
    MID_URI,
    REPAIRED_RID_URI,
    RID_URI,
    TRANSPORT_URI,
    AnswerMedia,
    Codec,
    Media,
    NoCodec,
    Offer,
)
from station.rtc.formats.twcc import ArrivalLog
from station.rtc.forwarding.layer import RTCP_SSRC, Layer
from station.rtc.forwarding.published import PublishedTrack, TrackState
from station.rtc.forwarding.sender_clock import SenderClock
from station.rtc.transport.dtls_srtp import Scratch
from station.rtc.transport.session import Session

MAX_TRACKS = 6
VIDEO_BITS_PER_S = 2_500_000
AUDIO_BITS_PER_S = 64_000
TICK_S = 0.05
REPORT_EVERY_S = 1.0
ARRIVALS_EVERY_S = 0.1
SILENT_DBOV = 127
SOURCES = {"camera": "video", "screen": "video", "microphone": "audio"}
_Rids = Mapping[int, str]  # by SSRC


class TooManyTracks(BadInput):
    code = "too-many-tracks"
    message = N_("一个人最多发布 %(limit)s 路音视频")


class BadSource(BadInput):
    code = "bad-source"
    message = N_("媒体来源只能是摄像头、麦克风或屏幕")


class Upstream:
    """Belongs to one session. `on_track_ended` hears of tracks that are no more, `on_level` of audio levels."""

    def __init__(self, session: Session, person: str) -> None:
        self.session = session
        self.person = person
        self.tracks: dict[str, PublishedTrack] = {}  # by mid
        self.on_track_ended: Callable[[PublishedTrack], None] = lambda _track: None
        self.on_level: Callable[[PublishedTrack, int, float], None] = lambda _track, _level, _now_s: None
        self.choose_codec: Callable[[tuple[str, ...], str], str] = lambda offered, _current: offered[0]
        self._layers: dict[int, tuple[PublishedTrack, Layer]] = {}  # by SSRC
        self._repairs: dict[int, tuple[PublishedTrack, Layer]] = {}  # by SSRC of the retransmissions
        self._extensions: dict[str, int] = {}
        self._transport_extension = 0
        self._level_extension = 0
        self._arrivals = ArrivalLog()
        self._clock = SenderClock()
        self._next_report_s = 0.0
        self._next_arrivals_s = 0.0

    def negotiate(self, offer: Offer, sources: Mapping[str, str]) -> tuple[list[AnswerMedia], list[PublishedTrack]]:
        """Our answer to each m-line, and the tracks that are new. Changes nothing when it raises.

        Raises NoCodec, BadSource, TooManyTracks.
        """
        answers: list[AnswerMedia] = []
        if len(set(sources.values())) < len(sources):
            raise BadSource  # one camera, one screen, one microphone a person
        for media in offer.media:
            wanted = media.sends and media.mid in sources
            if wanted and SOURCES.get(sources[media.mid]) != media.kind:
                raise BadSource
            if wanted and not media.codecs:
                raise NoCodec
            codec = self._choose(media) if wanted else None
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
            self._extensions.update(media.extensions)  # ids are the same in all of a bundle (RFC 8843 section 9.2)
            if answer.codec is None:
                continue
            track = self.tracks.get(media.mid)
            known: tuple[_Rids, _Rids] = ({}, {})
            if track is not None and (track.state.source, track.codec.name) != (sources[media.mid], answer.codec.name):
                known = _rids(self._layers, track), _rids(self._repairs, track)
                self._end(media.mid)
                track = None
            if track is None:
                track = self._add(media, answer, sources[media.mid])
                added.append(track)
                self._latch_again(track, *known)
            if media.ssrcs and not media.rids:
                self._latch(media.ssrcs[0], track, track.layers[0])
                repair = media.repairs.get(media.ssrcs[0])
                if repair is not None:
                    self._repairs[repair] = (track, track.layers[0])
        self._transport_extension = self._extensions.get(TRANSPORT_URI, 0)
        self._level_extension = self._extensions.get(LEVEL_URI, 0)
        return added

    def _choose(self, media: Media) -> Codec:
        track = self.tracks.get(media.mid)
        name = self.choose_codec(media.codec_names, track.codec.name if track is not None else "")
        return next(codec for codec in media.codecs if codec.name == name)

    def _latch_again(self, track: PublishedTrack, streams: _Rids, repairs: _Rids) -> None:
        """Who turns to another codec goes on with its SSRCs, and no longer says which encoding each of them is."""
        for ssrc, rid in streams.items():
            if (layer := track.layer(rid)) is not None:
                self._latch(ssrc, track, layer)
        for ssrc, rid in repairs.items():
            if (layer := track.layer(rid)) is not None:
                self._repairs[ssrc] = (track, layer)

    def _add(self, media: Media, answer: AnswerMedia, source: str) -> PublishedTrack:
        assert answer.codec is not None
        state = TrackState(new_id("tk"), self.person, source, media.kind, answer.codec.name, codecs=media.codec_names)
        track = PublishedTrack(state, media.mid, answer.codec, self.session, self._clock, media.rids)
        self.tracks[media.mid] = track
        return track

    def _end(self, mid: str) -> None:
        track = self.tracks.pop(mid)
        self._layers = {ssrc: both for ssrc, both in self._layers.items() if both[0] is not track}
        self._repairs = {ssrc: both for ssrc, both in self._repairs.items() if both[0] is not track}
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
        """Takes a decrypted packet and hands its payload on, without CSRCs, extensions and padding."""
        buffer, now_s = scratch.bytes_, time.monotonic()
        _, kind, sequence, timestamp, ssrc = HEADER.unpack_from(buffer)
        found, end = self._layers.get(ssrc), size
        layout = found[1].layout if found is not None else None
        if layout is None or not layout.fits(buffer, size):
            try:
                layout, end = read_header_layout(buffer, size)
            except BadPacket:
                self.session.dropped_in += 1
                return
            if found is not None:
                found[1].layout = layout
        place = layout.places.get(self._transport_extension)
        if place is not None and place[1] - place[0] == 2:
            self._arrivals.note(buffer[place[0]] << 8 | buffer[place[0] + 1], now_s)
        if found is None or kind & 0x7F != found[0].payload_type:
            self._receive_other(scratch, layout, end, now_s)
            return
        track, layer = found
        if track.state.kind == "audio":
            self._note_level(track, buffer, layout, now_s)
        layer.receive(sequence, timestamp, kind & 0x80, bytes(scratch.view[layout.octets : end]), now_s)

    @property
    def has_levels(self) -> bool:
        """Whether audio comes with its level, by which speakers are found."""
        return self._level_extension > 0

    def _note_level(self, track: PublishedTrack, buffer: bytearray, layout: HeaderLayout, now_s: float) -> None:
        place = layout.places.get(self._level_extension)  # RFC 6464
        if place is not None:
            self.on_level(track, SILENT_DBOV if track.state.muted else buffer[place[0]] & 0x7F, now_s)

    def _receive_other(self, scratch: Scratch, layout: HeaderLayout, end: int, now_s: float) -> None:
        """A retransmission, or the first packet of a stream that the offer did not name."""
        _, kind, sequence, timestamp, ssrc = HEADER.unpack_from(scratch.bytes_)
        payload_type = kind & 0x7F
        found = self._repairs.get(ssrc) or self._layers.get(ssrc)
        if found is None:
            found = self._identify(scratch.bytes_, layout, payload_type, ssrc)
        if found is None:
            return
        track, layer = found
        body = bytes(scratch.view[layout.octets : end])
        if payload_type == track.payload_type:
            layer.receive(sequence, timestamp, kind & 0x80, body, now_s)
        elif payload_type == track.codec.payload_type:  # plain where redundancy was agreed
            self._note_level(track, scratch.bytes_, layout, now_s)
            layer.receive(sequence, timestamp, kind & 0x80, with_head(body, payload_type), now_s)
        elif payload_type == track.codec.repair_type and len(body) > 2:
            # RFC 4588 section 4: the payload begins with the original sequence number.
            layer.receive_repair(body[0] << 8 | body[1], timestamp, kind & 0x80, body[2:], now_s)

    def _identify(
        self, buffer: bytearray, layout: HeaderLayout, payload_type: int, ssrc: int
    ) -> tuple[PublishedTrack, Layer] | None:
        """Which encoding an unknown SSRC belongs to (RFC 8843 section 9.2, RFC 8852)."""
        is_repair = any(payload_type == track.codec.repair_type for track in self.tracks.values())
        fitting = [
            track
            for track in self.tracks.values()
            if payload_type in ((track.codec.repair_type,) if is_repair else track.payload_types)
        ]
        mid = self._text(buffer, layout, MID_URI)
        if mid:
            fitting = [track for track in fitting if track.mid == mid]
        if len(fitting) != 1:
            return None
        track = fitting[0]
        layer = track.layer(self._text(buffer, layout, REPAIRED_RID_URI if is_repair else RID_URI))
        if layer is None:
            return None
        if is_repair:
            self._repairs = {old: both for old, both in self._repairs.items() if both[1] is not layer}
            self._repairs[ssrc] = (track, layer)
        else:
            self._latch(ssrc, track, layer)
        return track, layer

    def _text(self, buffer: bytearray, layout: HeaderLayout, uri: str) -> str:
        place = layout.places.get(self._extensions.get(uri, 0))
        return buffer[place[0] : place[1]].decode("ascii", "replace") if place is not None else ""

    def _latch(self, ssrc: int, track: PublishedTrack, layer: Layer) -> None:
        self._layers = {old: both for old, both in self._layers.items() if both[1] is not layer}
        self._layers[ssrc] = (track, layer)
        layer.latch(ssrc)

    def receive_rtcp(self, items: list[rtcp.Feedback]) -> None:
        """Takes the publisher's sender reports."""
        for item in items:
            if isinstance(item, rtcp.SenderReport):
                found = self._layers.get(item.ssrc)
                if found is not None:
                    found[1].report(item)

    def may_skip_feedback(self, buffer: bytearray, size: int) -> bool:
        """Everything a publisher reports is read."""
        return False

    def tick(self, now_s: float) -> float:
        """Recovers losses, tells the publisher how well its packets arrive. Returns when to be called again, in s."""
        for track in self.tracks.values():
            track.tick(now_s)
        if self._transport_extension and now_s >= self._next_arrivals_s:
            self._next_arrivals_s = now_s + ARRIVALS_EVERY_S
            ssrc = next(iter(self._layers), 0)
            packet = self._arrivals.feedback(RTCP_SSRC, ssrc, now_s)
            if packet:
                self.session.send_rtcp(packet)
        if now_s >= self._next_report_s:
            self._next_report_s = now_s + REPORT_EVERY_S
            self._report()
        return TICK_S

    def _report(self) -> None:
        layers = [layer for _, layer in self._layers.values()]
        packet = rtcp.receiver_report(RTCP_SSRC, [block for layer in layers if (block := layer.report_block())])
        if layers and not self._transport_extension:
            rates = (
                VIDEO_BITS_PER_S if both[0].state.kind == "video" else AUDIO_BITS_PER_S
                for both in self._layers.values()
            )
            packet += rtcp.max_bitrate(RTCP_SSRC, sum(rates), [layer.ssrc for layer in layers])
        self.session.send_rtcp(packet)


def _rids(streams: Mapping[int, tuple[PublishedTrack, Layer]], track: PublishedTrack) -> dict[int, str]:
    return {ssrc: layer.rid for ssrc, (owner, layer) in streams.items() if owner is track}
