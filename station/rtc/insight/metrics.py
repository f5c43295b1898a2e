"""What Prometheus is told of a media process. Everything is read when it asks; only the histograms are kept,
fed by the look at each room every five seconds. No label grows with people, rooms or tracks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from station.rtc.forwarding.counting import add_layer, add_subscription
from station.rtc.forwarding.downstream import Downstream
from station.rtc.forwarding.subscription import Subscription
from station.rtc.forwarding.upstream import Upstream
from station.rtc.insight.insight import RoomInsight
from station.rtc.rooms.rooms import Rooms
from station.rtc.transport.port import MediaPort
from station.rtc.transport.tcp import TcpWire
from station.rtc.transport.totals import Totals

ESTIMATES_BPS = (100e3, 200e3, 400e3, 800e3, 1.5e6, 3e6, 6e6, 12e6)
ROUND_TRIPS_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.5)
LOSSES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)

# name → (field of Totals, help); each has the label kind (audio, video)
_BY_KIND = {
    "packets_expected": ("packets_expected", "Packets that publishers numbered: those received and those missing."),
    "packets_received": ("packets_received", "Packets from publishers, retransmissions left out."),
    "packets_recovered": ("packets_recovered", "Packets that came late or were retransmitted (NACK, RTX)."),
    "packets_given_up": ("packets_given_up", "Packets asked for in vain: subscribers get a new keyframe instead."),
    "received_bytes": ("octets_received", "Octets from publishers: RTP header and payload, without extensions."),
    "keyframe_requests": ("keyframe_requests", "Keyframes asked of publishers (PLI)."),
    "packets_forwarded": ("packets_sent", "Packets to subscribers, retransmissions and padding left out."),
    "forwarded_bytes": ("octets_sent", "Octets of these, encrypted."),
    "packets_dropped": ("packets_dropped", "Packets to subscribers that the socket did not take."),
    "packets_nacked": ("packets_nacked", "Packets that subscribers missed and asked for (NACK)."),
    "packets_retransmitted": ("packets_retransmitted", "Packets of these that were retransmitted."),
    "layer_switches": ("layer_switches", "Changes of the encoding that a subscriber is given."),
    "video_pauses": ("pauses", "Videos paused because the subscriber's downlink did not carry them."),
}  # fmt: skip
# former name → name: dashboards that were made before find their figures
_FORMER = {
    "packets_asked_again": "packets_nacked",
    "packets_repeated": "packets_retransmitted",
    "picture_pauses": "video_pauses",
}


class MediaMetrics(Collector):
    """`registry` has them all."""

    def __init__(self, rooms: Rooms, port: MediaPort) -> None:
        self._rooms = rooms
        self._port = port
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._estimates = Histogram(
            "station_media_subscriber_estimate_bits_per_second",
            "What subscribers' downlinks are estimated to carry, each looked at every five seconds.",
            buckets=ESTIMATES_BPS,
            registry=self.registry,
        )
        self._former_estimates = Histogram(
            "station_media_viewer_estimate_bits_per_second",
            "The same under its former name.",
            buckets=ESTIMATES_BPS,
            registry=self.registry,
        )
        self._round_trips = Histogram(
            "station_media_round_trip_seconds",
            "Round trip of each connection, looked at every five seconds.",
            buckets=ROUND_TRIPS_S,
            registry=self.registry,
        )
        self._losses = Histogram(
            "station_media_loss_ratio",
            "Share lost on the way, of each encoding we receive (up) and each subscriber's connection (down).",
            ["direction"],
            buckets=LOSSES,
            registry=self.registry,
        )

    def observe(self, insight: RoomInsight) -> None:
        """Takes a look at a room into the histograms."""
        for person in insight.people:
            lines = [*([person.up.line] if person.up else []), *(watching.line for watching in person.down)]
            for line in lines:
                if line.round_trip_ms is not None:
                    self._round_trips.observe(line.round_trip_ms / 1000)
            for track in person.up.tracks if person.up else ():
                for layer in track.layers:
                    if layer.is_sending:
                        self._losses.labels("up").observe(layer.loss)
            for watching in person.down:
                if watching.estimate_bps is not None:
                    self._estimates.observe(watching.estimate_bps)
                    self._former_estimates.observe(watching.estimate_bps)
                    self._losses.labels("down").observe(watching.loss)

    def collect(self) -> Iterator[Metric]:
        """Reads everything off the rooms and the port."""
        yield from self._gauges()
        totals = {kind: replace(kept) for kind, kept in self._port.totals.by_kind.items()}
        _add_living(self._port, totals)
        for name, (field, text) in (_BY_KIND | {old: _BY_KIND[new] for old, new in _FORMER.items()}).items():
            counter = CounterMetricFamily(f"station_media_{name}", text, labels=["kind"])
            for kind, counted in totals.items():
                counter.add_metric([kind], getattr(counted, field))
            yield counter
        refused = self._port.totals.refused + sum(session.dropped_in for session in self._port.sessions)
        yield CounterMetricFamily(
            "station_media_datagrams_received", "Datagrams read from the media port.", self._port.packets_in
        )
        yield CounterMetricFamily(
            "station_media_datagrams_refused", "Datagrams past what one peer may send, unread.", refused
        )
        yield CounterMetricFamily(
            "station_media_journal_events", "Number of the latest journal event.", self._rooms.journal.last
        )
        yield CounterMetricFamily(
            "station_media_journal_events_lost",
            "Journal events given up because the disk was full.",
            self._rooms.journal.lost,
        )

    def _gauges(self) -> Iterator[Metric]:
        rooms, sessions = self._rooms.rooms.values(), self._port.sessions
        sources = (source for room in rooms for source in room.sources.values())
        layers = [layer for source in sources for layer in source.track.layers]
        forwarders = {forwarder for layer in layers for forwarder in (layer.forwarder, layer.plain)}
        paused = sum(item.is_paused for item in _subscriptions(self._port))
        values = {
            "rooms": ("Rooms of this process.", len(rooms)),
            "members": ("People in them.", sum(len(room.members) for room in rooms)),
            "sessions": ("Peer connections, also those that are being made.", len(sessions)),
            "tcp_connections": ("TCP connections to the media port.", len(self._port.tcp.wires)),
            "tracks": ("Published tracks.", sum(len(room.sources) for room in rooms)),
            "outputs": ("Tracks that flow to a subscriber.", sum(len(forwarder.outputs) for forwarder in forwarders)),
            "paused_videos": ("Videos that a downlink does not carry now.", paused),
            "paused_pictures": ("The same under its former name.", paused),
            "recordings": ("Rooms that are being recorded.", sum(room.recording.is_on for room in rooms)),
            "journal_events_waiting": ("Journal events that wait for room on the disk.", self._rooms.journal.unwritten),
            "tasks": ("Tasks of the event loop.", len(asyncio.all_tasks())),
        }
        for name, (text, value) in values.items():
            yield GaugeMetricFamily(f"station_media_{name}", text, value)
        transports = GaugeMetricFamily("station_media_connections", "Connected peers.", labels=["transport"])
        tcp = sum(session.is_connected and isinstance(session.wire, TcpWire) for session in sessions)
        transports.add_metric(["tcp"], tcp)
        transports.add_metric(["udp"], sum(session.is_connected for session in sessions) - tcp)
        yield transports


def _add_living(port: MediaPort, totals: dict[str, Totals]) -> None:
    """What goes on now, on top of what has ended: together they never fall."""
    for session in port.sessions:
        if isinstance(session.end, Upstream):
            for track in session.end.tracks.values():
                for layer in track.layers:
                    add_layer(totals[track.state.kind], layer)
    for subscription in _subscriptions(port):
        add_subscription(totals[subscription.track.state.kind], subscription)


def _subscriptions(port: MediaPort) -> Iterator[Subscription]:
    for session in port.sessions:
        if isinstance(session.end, Downstream):
            yield from session.end.subscriptions.values()
