"""A room: who is in it, what they publish, whether it is recorded. Everyone in it is told of every change."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from station.base.errors import N_, Conflict, NotAllowed, NotFound
from station.base.grants import Grant, Right
from station.rtc.formats.sdp import parse_offer, video_codecs
from station.rtc.forwarding.codec_choice import choose_codec
from station.rtc.forwarding.downstream import Downstream
from station.rtc.forwarding.published import PublishedTrack
from station.rtc.forwarding.upstream import Upstream
from station.rtc.rooms import messages
from station.rtc.rooms.active_speakers import ActiveSpeakers
from station.rtc.rooms.frames import FrameSource
from station.rtc.rooms.journal import Journal
from station.rtc.rooms.member import PAGE, Channel, Member, NoChannel
from station.rtc.rooms.messages import Message, RecordingInfo
from station.rtc.rooms.negotiation import AnyConnection, MediaContext, PeerConnection
from station.rtc.rooms.recording import RoomRecording
from station.rtc.rooms.revocations import SOCKET
from station.rtc.transport.session import Session

MAX_MEMBERS = 100
MAX_DOWN_CONNECTIONS = 4
MAX_HEIGHT = 10_000
RESTARTING = "restarting"
MOVED = "moved"
_COMES_BACK = (RESTARTING, MOVED)


class RoomFull(Conflict):
    code = "room-full"
    message = N_("房间人数已满，请稍后再试")


class Room:
    """Made when first needed. `listeners` hear of tracks that came or went (the broadcast's feeds)."""

    def __init__(self, name: str, context: MediaContext, journal: Journal, recordings: Path, holder: str = "") -> None:
        self.name = name
        self.members: dict[str, Member] = {}
        self.sources: dict[str, FrameSource] = {}  # by track id
        self.listeners: list[Callable[[], None]] = []
        self.closed = False
        self.empty_since_s = time.monotonic()
        self._context = context
        self._journal = journal
        self.active_speakers = ActiveSpeakers(self._tell_speakers)
        self.recording = RoomRecording(name, recordings / name, journal, self._tell_recording, holder)

    def check_space(self, person: str) -> None:
        """Raises RoomFull."""
        if len(self.members) >= MAX_MEMBERS and person not in self.members:
            raise RoomFull

    def join(self, grant: Grant, channel: Channel, way: str = SOCKET) -> Member:
        """Lets a person in; the same person's older connection is closed. Raises RoomFull."""
        self.check_space(grant.person)
        old = self.members.get(grant.person)
        if old is not None:
            self.leave(old, "replaced")
        member = Member(grant, channel)
        self.members[member.person] = member
        self._journal.append(
            "joined", self.name, member.person, name=member.name, session=member.id, grant=grant.id, way=way
        )
        self.tell(messages.MemberJoined(member=member.info), but=member)
        return member

    def leave(self, member: Member, reason: str) -> None:
        """Ends a member's stay; harmless when it has ended already."""
        if self.members.get(member.person) is not member:
            return
        member.close_media(reason)
        del self.members[member.person]
        self.empty_since_s = time.monotonic()
        self._journal.append("left", self.name, member.person, reason=reason, session=member.id)
        self.tell(messages.MemberLeft(person=member.person))
        if reason not in _COMES_BACK:  # then the page is to come back by itself
            member.channel.send(messages.Closed(reason=reason))
        member.channel.close()

    def publish(self, member: Member, sdp: str, sources: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Answers an offer to publish: our description, and the track id of each m-line. Raises a StationError."""
        if not member.grant.allows(Right.PUBLISH, self.name):
            raise NotAllowed
        offer = parse_offer(sdp)
        old = member.up
        if old is None or not old.is_same_peer(offer):
            session = self._context.new_session(offer)
            connection = PeerConnection(self._context, session, Upstream(session, member.person))
        else:
            connection = old
        upstream = connection.end
        upstream.on_track_ended = self._track_ended
        upstream.on_level = self.active_speakers.on_level
        upstream.choose_codec = lambda offered, current: choose_codec(offered, self._decoders(member), current)
        media, added = upstream.negotiate(offer, sources)
        if connection is not old:
            if old is not None:
                old.close("replaced")
            member.up = connection
            connection.session.on_closed = lambda reason: self._lost(member, connection, reason)
        answer = connection.answer(offer, media)
        for track in added:
            self._track_added(member, track)
            self.active_speakers.add(track, upstream.has_levels)
        return answer, {track.mid: track.state.id for track in upstream.tracks.values()}

    def subscribe(self, member: Member, sdp: str, tracks: Mapping[str, str], name: str = PAGE) -> str:
        """Answers an offer to subscribe to tracks by m-line. Raises a StationError."""
        if not member.grant.allows(Right.SUBSCRIBE, self.name):
            raise NotAllowed
        offer = parse_offer(sdp)
        old = member.down.get(name)
        if old is None and len(member.down) >= MAX_DOWN_CONNECTIONS:
            raise Conflict
        if old is None or not old.is_same_peer(offer):
            session = self._context.new_session(offer)
            connection = PeerConnection(self._context, session, self._downstream(member, session, name))
        else:
            connection = old
        downstream = connection.end
        media = downstream.negotiate(offer, tracks, self.find_track)
        if decodes := video_codecs(offer):
            self.note_decoder(member, name, decodes)
        if connection is not old:
            if old is not None:
                old.close("replaced")
            member.down[name] = connection
            connection.session.on_closed = lambda reason: self._lost(member, connection, reason)
        return connection.answer(offer, media)

    def note_decoder(self, member: Member, name: str, codecs: frozenset[str]) -> None:
        """A page or player says what it can show: publishers of what it cannot are asked for another codec."""
        if member.decodes.get(name) == codecs:
            return
        member.decodes[name] = codecs
        for publisher in self.members.values():
            upstream = publisher.upstream
            for track in upstream.tracks.values() if upstream is not None else ():
                state = track.state
                codec = choose_codec(state.codecs, self._decoders(publisher), state.codec)
                if state.kind == "video" and codec != state.codec:
                    publisher.channel.send(messages.CodecNeeded(track=state.id, codec=codec))

    def _decoders(self, publisher: Member) -> list[frozenset[str]]:
        """What each of the others can show; who did not say can show all."""
        others = (member for member in self.members.values() if member is not publisher)
        return [codecs for member in others for codecs in member.decodes.values()]

    def _downstream(self, member: Member, session: Session, name: str) -> Downstream:
        downstream = Downstream(session, follows=name != PAGE)
        downstream.layer_control.shown = member.shown
        downstream.layer_control.speakers = self.active_speakers.speaking
        downstream.layer_control.on_paused = lambda track, paused: member.channel.send(
            messages.TrackPaused(track=track, paused=paused)
        )
        return downstream

    def mute(self, member: Member, track_id: str, muted: bool) -> None:
        """Notes that a member has muted a track of its own, and tells everyone. Raises NotFound."""
        track = self.find_track(track_id)
        if track is None or track.state.person != member.person:
            raise NotFound
        if track.state.muted == muted:
            return
        track.state.muted = muted
        self.recording.mute_track(track_id, muted)
        self.tell(messages.TrackMuted(track=track_id, muted=muted))

    def show(self, member: Member, heights: Mapping[str, int]) -> None:
        """Notes how high the page shows each video; what is no track of the room is left out."""
        member.shown = {
            track: min(max(0, height), MAX_HEIGHT) for track, height in heights.items() if track in self.sources
        }
        for downstream in member.downstreams:
            downstream.layer_control.shown = member.shown
            downstream.layer_control.invalidate()

    def note_report(self, member: Member, reports: Mapping[str, messages.TrackReport]) -> None:
        """Notes what the page says of the tracks it receives."""
        known = {track: report.bounded() for track, report in reports.items() if track in self.sources}
        member.reported.note(known, time.monotonic())

    def find_track(self, track_id: str) -> PublishedTrack | None:
        """The published track of that id."""
        source = self.sources.get(track_id)
        return source.track if source is not None else None

    def tell(self, message: Message, but: Member | None = None) -> None:
        """Tells everyone in the room, one perhaps left out."""
        for member in list(self.members.values()):
            if member is not but:
                member.channel.send(message)

    def welcome(self, member: Member, re: str, ice_servers: list[messages.IceServer]) -> messages.Joined:
        """What someone who has just joined is told."""
        return messages.Joined(
            re=re,
            person=member.person,
            room=self.name,
            members=[other.info for other in self.members.values()],
            tracks=[messages.describe(source.track.state) for source in self.sources.values()],
            recording=self.recording.info,
            ice_servers=ice_servers,
        )

    async def close(self, reason: str) -> None:
        """Sends everybody home. `ended` stops the recording; RESTARTING and MOVED leave it to be gone on with."""
        self.closed = True
        if reason == "ended":
            await self.recording.end()
        for member in list(self.members.values()):
            self.leave(member, reason)
        self._changed()
        await self.recording.close()

    def _track_added(self, member: Member, track: PublishedTrack) -> None:
        state = track.state
        if isinstance(member.channel, NoChannel):
            state.codecs = (state.codec,)  # who came by WHIP makes no other offer
        track.on_late = lambda wait_ms: self.tell(messages.TrackLate(track=state.id, wait_ms=wait_ms), but=member)
        source = FrameSource(track)
        self.sources[state.id] = source
        self._journal.append(
            "track_published", self.name, state.person, track=state.id, source=state.source, codec=state.codec
        )
        self.recording.add_track(source, member.name)
        for other in self.members.values():
            for downstream in other.downstreams:
                downstream.follow(track)
        self.tell(messages.TrackAdded(track=messages.describe(state)))
        self._changed()

    def _track_ended(self, track: PublishedTrack) -> None:
        state = track.state
        if self.sources.pop(state.id, None) is None:
            return
        self.active_speakers.remove(track)
        self.recording.remove_track(state.id)
        self._journal.append("track_ended", self.name, state.person, track=state.id, source=state.source)
        self.tell(messages.TrackRemoved(track=state.id))
        self._changed()

    def _lost(self, member: Member, connection: AnyConnection, reason: str) -> None:
        """A connection fell silent: its tracks go; who has no other way to be heard of leaves."""
        connection.end.close()
        if member.up is connection:
            member.up = None
        member.drop_connection(connection)
        if isinstance(member.channel, NoChannel) and member.up is None and not member.down:
            self.leave(member, "left" if reason == "left" else "silent")

    def _tell_speakers(self, people: list[str]) -> None:
        self.tell(messages.Speakers(people=people))
        for member in self.members.values():
            for downstream in member.downstreams:
                downstream.layer_control.speakers = people
                downstream.layer_control.invalidate()

    def _tell_recording(self, info: RecordingInfo) -> None:
        self.tell(messages.Recording(state=info.state, alarm=info.alarm))

    def _changed(self) -> None:
        for listener in list(self.listeners):
            listener()
