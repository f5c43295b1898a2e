"""One direction of a bad line: which datagram arrives, and when.

Pure: time is an argument in seconds on any steady clock, chance comes from the seed. Each datagram draws the same
numbers whatever the rules are, so two runs with one seed lose the same datagrams.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

IP_AND_UDP_BYTES = 28


@dataclass(frozen=True, slots=True)
class Bursts:
    """Loss that comes in bursts (Gilbert-Elliott): how often a datagram begins one, ends one, is lost inside one."""

    begins: float
    ends: float
    loss: float = 1.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How bad a line is. Shares are of all datagrams, `jitter_s` is the most that is added to the delay."""

    loss: float = 0.0
    bursts: Bursts | None = None
    delay_s: float = 0.0
    jitter_s: float = 0.0
    overtaken: float = 0.0
    overtaken_by_s: float = 0.03
    bits_per_s: float | None = None
    queue_s: float = 0.4


GOOD = Rules()
DARK = Rules(loss=1.0)


class Link:
    """Takes datagrams one after another. `rules` may be changed at any time."""

    def __init__(self, seed: int, rules: Rules = GOOD) -> None:
        self.rules = rules
        self.offered = 0
        self.lost = 0
        self._dice = random.Random(seed)
        self._in_burst = False
        self._free_s = float("-inf")
        self._latest_s = float("-inf")

    def carry(self, size: int, now_s: float) -> float | None:
        """When a datagram of so many bytes that enters now comes out; None when it is lost."""
        self.offered += 1
        loss, turn, jitter, overtaken = (self._dice.random() for _ in range(4))
        rules = self.rules
        is_lost = loss < self._loss(rules, turn)
        left_s = self._queue(size, now_s, rules)
        if is_lost or left_s is None:
            self.lost += 1
            return None
        arrives_s = left_s + rules.delay_s + jitter * rules.jitter_s
        if overtaken < rules.overtaken:
            return max(arrives_s, self._latest_s) + rules.overtaken_by_s
        self._latest_s = max(arrives_s, self._latest_s)  # jitter alone stretches a queue, it does not reorder it
        return self._latest_s

    def _loss(self, rules: Rules, turn: float) -> float:
        bursts = rules.bursts
        if bursts is None:
            self._in_burst = False
            return rules.loss
        if turn < (bursts.ends if self._in_burst else bursts.begins):
            self._in_burst = not self._in_burst
        return bursts.loss if self._in_burst else rules.loss

    def _queue(self, size: int, now_s: float, rules: Rules) -> float | None:
        """When the bottleneck has sent it; None when its queue is full (drop-tail)."""
        if rules.bits_per_s is None:
            self._free_s = now_s
            return now_s
        begins_s = max(now_s, self._free_s)
        if begins_s - now_s > rules.queue_s:
            return None
        self._free_s = begins_s + (size + IP_AND_UDP_BYTES) * 8 / rules.bits_per_s
        return self._free_s
