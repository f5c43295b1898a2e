"""How well each connection of a room goes, as plain data: read off what the media plane knows, when asked.

The hot path counts nothing for it. Loss is over the last seconds: the difference to `Counts` taken before.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping

import msgspec

from station.rtc.forwarding.downstream import Downstream
from station.rtc.forwarding.layer import Layer
from station.rtc.forwarding.published import PublishedTrack
from station.rtc.forwarding.subscription import Subscription
from station.rtc.forwarding.upstream import Upstream
from station.rtc.rooms.member import Member
from station.rtc.transport.session import Session
from station.rtc.transport.tcp import TcpWire

FEW_PACKETS = 40  # of which a share lost says nothing
NETWORK_BITS = {4: 24, 6: 48}
Counts = Mapping[tuple[str, str], tuple[int, int]]  # (track, rid) → packets expected, lost


class Insight(msgspec.Struct, frozen=True, omit_defaults=True):
    """Any part of a snapshot."""


class LineInsight(Insight, frozen=True):
    """A connection. `network` is the peer's address without its last part; `round_trip_ms` None: not known yet."""

    connected: bool = False
    transport: str = ""  # udp or tcp
    network: str = ""
    round_trip_ms: int | None = None


class LayerInsight(Insight, frozen=True):
    """One encoding as it arrives here. `packets` counts those sent; `lost` never came by themselves."""

    rid: str = ""
    height: int = 0
    is_sending: bool = False
    bits_per_s: int = 0
    packets: int = 0
    lost: int = 0
    repaired: int = 0
    loss: float = 0.0  # share, over the last seconds
    jitter_ms: float = 0.0
    repeat_ms: int = 0  # until a retransmission comes: a round trip, or more where those are lost too


class SentInsight(Insight, frozen=True):
    """A track as its publisher sends it."""

    track: str
    source: str
    kind: str
    codec: str
    muted: bool = False
    has_b_frames: bool = False
    layers: list[LayerInsight] = []


class GivenInsight(Insight, frozen=True):
    """A track as one subscriber is given it. Freezes are of the last minute; what the page did not say is None."""

    track: str
    person: str
    source: str
    kind: str
    is_given: bool = False
    is_paused: bool = False
    rid: str = ""
    height: int = 0
    best_height: int = 0
    shown_height: int | None = None
    bits_per_s: int = 0
    packets: int = 0
    repeated: int = 0
    switches: int = 0
    loss: float = 0.0  # share, as its receiver report said last
    frames_per_s: float | None = None
    jitter_ms: float | None = None
    concealed: float | None = None
    freezes: int = 0
    frozen_s: float = 0.0


class UpInsight(Insight, frozen=True):
    """What somebody publishes."""

    line: LineInsight
    tracks: list[SentInsight] = []


class DownInsight(Insight, frozen=True):
    """What somebody subscribes to by one connection. The estimate is None for who tells nothing to make it from."""

    line: LineInsight
    estimate_bps: int | None = None
    arriving_bps: int = 0
    queue_ms: int = 0
    loss: float = 0.0
    tracks: list[GivenInsight] = []


class PersonInsight(Insight, frozen=True):
    """Somebody in the room."""

    person: str
    name: str = ""
    up: UpInsight | None = None
    down: list[DownInsight] = []


class RoomInsight(Insight, frozen=True):
    """A room at one moment (Unix ms)."""

    room: str
    at_ms: int
    recording: str
    people: list[PersonInsight] = []


def look_at_member(member: Member, before: Counts, now_s: float) -> PersonInsight:
    """How it goes for one person. `before` has the counts of some seconds ago; without them loss is since the start."""
    upstream = member.upstream
    up = _look_up(upstream, before, now_s) if upstream is not None else None
    down = [_look_down(member, downstream, now_s) for downstream in member.downstreams]
    return PersonInsight(member.person, member.name, up, down)


def counts_of(member: Member) -> Iterator[tuple[tuple[str, str], tuple[int, int]]]:
    """What to compare with later, for one person's tracks."""
    upstream = member.upstream
    for track in upstream.tracks.values() if upstream is not None else ():
        for layer in track.layers:
            yield (track.state.id, layer.rid), (_expected(layer), layer.reception.lost)


def look_at_line(session: Session) -> LineInsight:
    """The connection itself."""
    transport = "" if session.wire is None else "tcp" if isinstance(session.wire, TcpWire) else "udp"
    network = network_of(session.address[0]) if session.address is not None else ""
    round_trip_ms = round(session.round_trip_s * 1000) if session.round_trip_s is not None else None
    return LineInsight(session.is_connected, transport, network, round_trip_ms)


def network_of(host: str) -> str:
    """An address cut to its network, which tells the provider but not the home."""
    address = ipaddress.ip_address(host.partition("%")[0])
    return str(ipaddress.ip_network(f"{address}/{NETWORK_BITS[address.version]}", strict=False))


def _look_up(upstream: Upstream, before: Counts, now_s: float) -> UpInsight:
    tracks = [_look_at_sent(track, before, now_s) for track in upstream.tracks.values()]
    return UpInsight(look_at_line(upstream.session), tracks)


def _look_at_sent(track: PublishedTrack, before: Counts, now_s: float) -> SentInsight:
    state = track.state
    layers = [_look_at_layer(layer, before.get((state.id, layer.rid), (0, 0)), now_s) for layer in track.layers]
    return SentInsight(state.id, state.source, state.kind, state.codec, state.muted, track.has_b_frames, layers)


def _look_at_layer(layer: Layer, before: tuple[int, int], now_s: float) -> LayerInsight:
    expected, lost = _expected(layer), layer.reception.lost
    if expected < before[0]:  # the stream began anew
        before = (0, 0)
    new, new_lost = expected - before[0], max(0, lost - before[1])
    return LayerInsight(
        rid=layer.rid,
        height=layer.height,
        is_sending=layer.is_sending(now_s),
        bits_per_s=round(layer.bits_per_s),
        packets=expected,
        lost=lost,
        repaired=layer.missing.repaired,
        loss=round(new_lost / new, 3) if new >= FEW_PACKETS else 0.0,
        jitter_ms=round(layer.reception.jitter_s * 1000, 1),
        repeat_ms=round(layer.missing.round_trip_s * 1000),
    )


def _expected(layer: Layer) -> int:
    reception = layer.reception
    return reception.highest - reception.start + 1 if reception.highest >= 0 else 0


def _look_down(member: Member, downstream: Downstream, now_s: float) -> DownInsight:
    layer_control = downstream.layer_control
    estimator = layer_control.estimator
    return DownInsight(
        look_at_line(downstream.session),
        estimate_bps=estimator.target_bps(now_s) if layer_control.has_feedback else None,
        arriving_bps=estimator.acked_bps,
        queue_ms=round(estimator.queue_s * 1000),
        loss=round(estimator.loss.fraction, 3),
        tracks=[_look_at_given(member, subscription, now_s) for subscription in downstream.subscriptions.values()],
    )


def _look_at_given(member: Member, subscription: Subscription, now_s: float) -> GivenInsight:
    state, given = subscription.track.state, subscription.given
    report = member.reported.latest.get(state.id)
    freezes, frozen_s = member.reported.frozen(state.id, now_s)
    return GivenInsight(
        state.id,
        state.person,
        state.source,
        state.kind,
        is_given=given is not None,
        is_paused=subscription.is_paused,
        rid=given.rid if given is not None else "",
        height=given.height if given is not None else 0,
        best_height=subscription.track.best.height,
        shown_height=member.shown.get(state.id) if member.shown is not None else None,
        bits_per_s=round(given.bits_per_s) if given is not None else 0,
        packets=subscription.down_track.packets,
        repeated=subscription.retransmitted,
        switches=subscription.switches,
        loss=round(subscription.fraction_lost, 3),
        frames_per_s=report.frames_per_s if report is not None else None,
        jitter_ms=report.jitter_ms if report is not None else None,
        concealed=report.concealed if report is not None else None,
        freezes=freezes,
        frozen_s=round(frozen_s, 1),
    )


def room_insight(room: str, recording: str, people: list[PersonInsight]) -> RoomInsight:
    """The people of a room at this moment."""
    return RoomInsight(room, int(time.time() * 1000), recording, people)
