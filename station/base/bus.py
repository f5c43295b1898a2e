"""Who must know now: live page updates and rate limits, in process on one machine, on Redis on several.

Nothing durable passes here: a page that missed a message reads the database again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from redis.asyncio import Redis

from station.base.errors import TooManyRequests

Message = dict[str, Any]
QUEUE_SIZE = 256


class Subscription:
    """Messages of some topics. When the reader is too slow the oldest go: a page reloads its state anyway."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Message] = asyncio.Queue(QUEUE_SIZE)

    def put(self, message: Message) -> None:
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
    """Publish to a topic; subscribe to topics; count against a limit."""

    async def publish(self, topic: str, message: Message) -> None: ...
    def subscribe(self, *topics: str) -> Any: ...
    async def limit(self, key: str, times: int, per_s: int) -> None: ...
    async def close(self) -> None: ...


class _Fanout:
    """Subscriptions by topic inside one process; both buses deliver through it."""

    def __init__(self) -> None:
        self._readers: dict[str, set[Subscription]] = defaultdict(set)

    def deliver(self, topic: str, message: Message) -> None:
        for reader in tuple(self._readers.get(topic, ())):
            reader.put(message)

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[Subscription]:
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


class LocalBus(_Fanout):
    """The bus of a single web process."""

    MAX_KEYS = 50_000

    def __init__(self) -> None:
        super().__init__()
        self._hits: dict[str, deque[float]] = {}

    async def publish(self, topic: str, message: Message) -> None:
        self.deliver(topic, message)

    async def limit(self, key: str, times: int, per_s: int) -> None:
        """Count one use of `key`. Raises TooManyRequests past `times` in `per_s` seconds."""
        now = time.monotonic()
        if len(self._hits) > self.MAX_KEYS:
            self._hits.clear()
        hits = self._hits.setdefault(key, deque())
        while hits and hits[0] <= now - per_s:
            hits.popleft()
        if len(hits) >= times:
            raise TooManyRequests(max(1, int(hits[0] + per_s - now) + 1))
        hits.append(now)

    async def close(self) -> None:
        return None


class RedisBus(_Fanout):
    """The bus of several web processes: one Redis channel a station, topics inside the messages."""

    CHANNEL = "station:bus"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis: Redis = Redis.from_url(url)
        self._listener: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    def start(self) -> None:
        """Begin to listen; needs a running loop. Harmless when called twice."""
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(self.CHANNEL)
                    self.listening.set()
                    async for item in channel.listen():
                        if item["type"] == "message":
                            envelope = json.loads(item["data"])
                            self.deliver(envelope["topic"], envelope["message"])
            except (OSError, ConnectionError, Exception):  # Redis may restart; pages reload their state
                self.listening.clear()
                await asyncio.sleep(1)

    async def publish(self, topic: str, message: Message) -> None:
        self.start()
        await self._redis.publish(self.CHANNEL, json.dumps({"topic": topic, "message": message}))

    def subscribe(self, *topics: str) -> Any:
        self.start()
        return super().subscribe(*topics)

    async def limit(self, key: str, times: int, per_s: int) -> None:
        """Count one use of `key` over all processes. Raises TooManyRequests past the limit."""
        name = f"station:limit:{key}:{int(time.time()) // per_s}"
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(name)
            pipe.expire(name, per_s + 1)
            used, _ = await pipe.execute()
        if int(used) > times:
            raise TooManyRequests(per_s - int(time.time()) % per_s)

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None
        await self._redis.aclose()


def open_bus(redis_url: str) -> Bus:
    """The bus that the settings ask for."""
    return RedisBus(redis_url) if redis_url else LocalBus()
