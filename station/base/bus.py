"""Who must know now: live page updates and rate limits, in process on one machine, on Redis on several.

Nothing durable passes here: a page that missed a message reads the database again.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from station.base.limits import LocalLimits

Message = dict[str, Any]
QUEUE_SIZE = 256


class Subscription:
    """Messages of some topics. When the reader is too slow the oldest go: a page reloads its state anyway."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Message] = asyncio.Queue(QUEUE_SIZE)

    def put(self, message: Message) -> None:
        """Hand over a message; of a full queue the oldest goes."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(message)

    async def get(self, timeout_s: float) -> Message | None:
        """The next message, or None after the time-out."""
        try:
            return await asyncio.wait_for(self._queue.get(), timeout_s)
        except TimeoutError:
            return None


class Bus(Protocol):
    """Publish to a topic; subscribe to topics; count against a limit; say whether it works."""

    async def publish(self, topic: str, message: Message) -> None:
        """Tell everybody who listens to the topic."""

    def subscribe(self, *topics: str) -> Any:
        """Listen to topics until the subscription is closed."""

    async def limit(self, key: str, times: int, per_s: int) -> None:
        """Count one act under a key. Raises TooManyRequests after `times` within `per_s` seconds."""

    async def answers(self) -> bool:
        """Whether what stands behind the bus is there."""

    async def close(self) -> None:
        """Let go of connections and tasks."""


class Fanout:
    """Subscriptions by topic inside one process; both buses deliver through it."""

    def __init__(self) -> None:
        self._readers: dict[str, set[Subscription]] = defaultdict(set)

    def deliver(self, topic: str, message: Message) -> None:
        """Hand a message to those who listen to its topic."""
        for reader in tuple(self._readers.get(topic, ())):
            reader.put(message)

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[Subscription]:
        """Listen to topics until the end of the block."""
        reader = Subscription()
        for topic in topics:
            self._readers[topic].add(reader)
        try:
            yield reader
        finally:
            for topic in topics:
                self._readers[topic].discard(reader)
                if not self._readers[topic]:
                    del self._readers[topic]


class LocalBus(Fanout):
    """The bus of a single web process."""

    def __init__(self) -> None:
        super().__init__()
        self._limits = LocalLimits()

    async def publish(self, topic: str, message: Message) -> None:
        """Tell those who listen in this process."""
        self.deliver(topic, message)

    async def limit(self, key: str, times: int, per_s: int) -> None:
        """Count one use of `key`. Raises TooManyRequests past `times` in `per_s` seconds."""
        self._limits.count(key, times, per_s, time.monotonic())

    async def answers(self) -> bool:
        """Always: nothing stands behind it."""
        return True

    async def close(self) -> None:
        """Nothing to let go of."""
        return
