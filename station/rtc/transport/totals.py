"""What this process has moved since it began, by kind of media. Each counter sits where it is counted; what ends is
added up here, so that sums over all never fall, which Prometheus would take for a restart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Totals:
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
    packets_nacked: int = 0
    packets_retransmitted: int = 0
    layer_switches: int = 0
    pauses: int = 0


class TotalsByKind:
    """By kind, `audio` and `video`: of what has ended."""

    def __init__(self) -> None:
        self.by_kind = {"audio": Totals(), "video": Totals()}
        self.refused = 0  # datagrams past the allowances of sessions

    def of(self, kind: str) -> Totals:
        """The totals of one kind of media."""
        return self.by_kind[kind]
