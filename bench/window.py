"""One measured stretch of time: some seconds of traffic through a forwarder, between two moments of silence."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.measures import cpu_seconds, percentile
from bench.receivers import Receivers, start_receivers
from bench.servers import Running, Server
from bench.traffic import Publisher, Traffic

SETTLE_S = 0.5
QUIET_S = 0.12


@dataclass(frozen=True, slots=True)
class Measured:
    """What one stretch showed. `receivers_share` is the receivers' own use of a core, the limit of the benchmark."""

    packets_per_s: float
    cpu_us: float
    cpu_share: float
    lost: float
    p50_ms: float
    p99_ms: float
    receivers_share: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A running forwarder with publishers on one side and subscribers on the other."""

    running: Running
    traffic: Traffic
    receivers: Receivers

    def join(self, numbers: Sequence[int], publishers: int) -> None:
        """Lets subscribers in; each watches all publishers but the one of its own number, or the only one."""
        everyone = range(publishers)
        if publishers == 1:
            self.receivers.join(numbers, everyone)
            return
        for number in numbers:
            self.receivers.join([number], [other for other in everyone if other != number])

    def measure(self, copies: int, seconds: float) -> Measured:
        """Measures so many seconds, in which each packet sent is to arrive `copies` times."""
        traffic, pid = self.traffic, self.running.pid
        time.sleep(SETTLE_S)
        traffic.is_on = False
        time.sleep(QUIET_S)
        self.receivers.begin()
        sent, cpu_s, began_s = traffic.sent, cpu_seconds(pid), time.monotonic()
        traffic.is_on = True
        time.sleep(seconds)
        traffic.is_on = False
        time.sleep(QUIET_S)
        cpu_s, took_s = cpu_seconds(pid) - cpu_s, time.monotonic() - began_s
        got = self.receivers.end()
        expected = (traffic.sent - sent) * copies
        traffic.is_on = True
        return Measured(
            packets_per_s=got.packets / seconds,
            cpu_us=cpu_s / max(1, got.packets) * 1e6,
            cpu_share=cpu_s / took_s,
            lost=max(0.0, 1 - got.packets / expected),
            p50_ms=percentile(got.delays_ms, 0.5),
            p99_ms=percentile(got.delays_ms, 0.99),
            receivers_share=got.cpu_s / took_s,
        )


@contextmanager
def play(server: Server, publishers: int) -> Iterator[Scene]:
    """A fresh forwarder with so many publishers, and nobody watching yet."""
    with server.start() as running:
        access = running.access
        sending = [Publisher(access.publish(number), number) for number in range(publishers)]
        with Traffic(sending) as traffic, start_receivers(running.how) as receivers:
            yield Scene(running, traffic, receivers)
