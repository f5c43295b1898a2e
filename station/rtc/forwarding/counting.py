"""What a stream, an encoding and a subscription add to the totals of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from station.rtc.transport.totals import Totals

if TYPE_CHECKING:
    from station.rtc.forwarding.layer import Layer
    from station.rtc.forwarding.reception import Missing, Reception
    from station.rtc.forwarding.subscription import Subscription


def add_reception(totals: Totals, reception: Reception, missing: Missing) -> None:
    """How one numbering of a stream arrived."""
    totals.packets_expected += reception.highest - reception.start + 1 if reception.highest >= 0 else 0
    totals.packets_received += reception.received_packets
    totals.packets_recovered += missing.repaired
    totals.packets_given_up += missing.given_up


def add_layer(totals: Totals, layer: Layer) -> None:
    """An encoding, with the present numbering."""
    add_reception(totals, layer.reception, layer.missing)
    totals.octets_received += layer.forwarder.octets
    totals.keyframe_requests += layer.keyframe_requests
    totals.packets_dropped += sum(forwarder.dropped for forwarder in {layer.forwarder, layer.plain})


def add_subscription(totals: Totals, subscription: Subscription) -> None:
    """A track as one subscriber got it."""
    totals.packets_sent += subscription.down_track.packets
    totals.octets_sent += subscription.down_track.octets
    totals.packets_nacked += subscription.nacked
    totals.packets_retransmitted += subscription.retransmitted
    totals.layer_switches += subscription.switches
    totals.pauses += subscription.pauses
