"""What this process has moved since it began, by kind of media. Each counter sits where it is counted; what ends is
added up here, so that sums over all never fall, which Prometheus would take for a restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from station.rtc.layer import Layer
    from station.rtc.reception import Missing, Reception
    from station.rtc.watched import Watched


@dataclass(slots=True)
class Tally:
    """Sums over streams of one kind."""

    packets_expected: int = 0
    packets_received: int = 0
    packets_recovered: int = 0
    packets_given_up: int = 0
    octets_received: int = 0
    keyframe_requests: int = 0
    packets_dropped: int = 0
    packets_sent: int = 0
    octets_sent: int = 0
    packets_asked_again: int = 0
    packets_repeated: int = 0
    layer_switches: int = 0
    pauses: int = 0

    def add_reception(self, reception: Reception, missing: Missing) -> None:
        """How one numbering of a stream arrived."""
        self.packets_expected += reception.highest - reception.start + 1 if reception.highest >= 0 else 0
        self.packets_received += reception.received_packets
        self.packets_recovered += missing.repaired
        self.packets_given_up += missing.given_up

    def add_layer(self, layer: Layer) -> None:
        """An encoding, with the present numbering."""
        self.add_reception(layer.reception, layer.missing)
        self.octets_received += layer.feed.octets
        self.keyframe_requests += layer.keyframe_requests
        self.packets_dropped += sum(feed.dropped for feed in {layer.feed, layer.plain})

    def add_watched(self, watched: Watched) -> None:
        """A track as one viewer got it."""
        self.packets_sent += watched.output.packets
        self.octets_sent += watched.output.octets
        self.packets_asked_again += watched.asked_again
        self.packets_repeated += watched.repeated
        self.layer_switches += watched.switches
        self.pauses += watched.pauses


class Tallies:
    """By kind, `audio` and `video`: of what has ended."""

    def __init__(self) -> None:
        self.by_kind = {"audio": Tally(), "video": Tally()}
        self.refused = 0  # datagrams past the allowances of sessions

    def of(self, kind: str) -> Tally:
        return self.by_kind[kind]
