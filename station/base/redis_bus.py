"""The bus on Redis, for several web processes. Loaded only with a Redis URL: the client is large."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from station.base.bus import Fanout, Message
from station.base.errors import TooManyRequests
from station.base.limits import LocalLimits

log = structlog.get_logger()

T = TypeVar("T")
ANSWER_S = 0.5  # what a change may wait for Redis, once in AWAY_S
AWAY_S = 5.0
PING_EVERY_S = 5.0
RECONNECT_S = 1.0


class _BusAway(Exception):
    """Redis does not answer; whoever asked does without."""


class RedisBus(Fanout):
    """The bus of several web processes: one Redis channel a station, topics inside the messages.

    A Redis that is away or hangs fails nobody and holds nobody up: messages then reach the pages of this process only,
    and limits count in this process, until it answers again.
    """

    CHANNEL = "station:bus"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis: Redis = _connect(url)
        self._url = url
        self._listener: asyncio.Task[None] | None = None
        self._limits = LocalLimits()
        self._away_until = 0.0
        self.listening = asyncio.Event()

    def start(self) -> None:
        """Begin to listen; needs a running loop. Harmless when called twice."""
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with _connect(self._url) as redis, redis.pubsub() as channel:
                    await channel.subscribe(self.CHANNEL)
                    if failures:
                        log.info("bus_back", after_failures=failures)
                    failures, self._away_until = 0, 0.0
                    self.listening.set()
                    await self._pass_on(channel)
            except (RedisError, OSError, TimeoutError) as error:
                self.listening.clear()
                failures += 1
                if failures == 1:  # then silence until it is back: it is tried each second
                    log.warning("bus_lost", error=f"{type(error).__name__}: {error}"[:200])
            await asyncio.sleep(RECONNECT_S)

    async def _pass_on(self, channel: PubSub) -> None:
        """Deliver what comes. Raises RedisError when the connection ends, and when a ping is not answered."""
        pinged = False
        while True:
            item = await channel.get_message(timeout=ANSWER_S if pinged else PING_EVERY_S)
            if item is None:
                if pinged:
                    raise RedisTimeout("no answer to a ping")
                await channel.ping()
                pinged = True
            elif item["type"] == "pong":
                pinged = False
            elif item["type"] == "message":
                self._deliver_envelope(item["data"])

    def _deliver_envelope(self, data: bytes) -> None:
        try:
            envelope = json.loads(data)
            topic, message = str(envelope["topic"]), dict(envelope["message"])
        except (ValueError, KeyError, TypeError):
            log.warning("bus_message_malformed", size=len(data))
            return
        self.deliver(topic, message)

    async def publish(self, topic: str, message: Message) -> None:
        """Tell all processes. What Redis does not take, this process's own pages are told all the same."""
        self.start()
        envelope = json.dumps({"topic": topic, "message": message})
        try:
            await self._ask(lambda: self._redis.publish(self.CHANNEL, envelope))
        except _BusAway:
            self.deliver(topic, message)

    def subscribe(self, *topics: str) -> Any:
        """Listen here; the first subscription begins the listener through which other processes are heard."""
        self.start()
        return super().subscribe(*topics)

    async def limit(self, key: str, times: int, per_s: int) -> None:
        """Count one use of `key` over all processes. Raises TooManyRequests past the limit."""
        name = f"station:limit:{key}:{int(time.time()) // per_s}"
        try:
            used = await self._ask(lambda: self._count(name, per_s))
        except _BusAway:
            self._limits.count(key, times, per_s, time.monotonic())
            return
        if used > times:
            raise TooManyRequests(per_s - int(time.time()) % per_s)

    async def _count(self, name: str, per_s: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(name)
            pipe.expire(name, per_s + 1)
            used, _ = await pipe.execute()
        return int(used)

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        # After one failure the next callers do not wait for the same time-out: not before AWAY_S is it asked again.
        if time.monotonic() < self._away_until:
            raise _BusAway
        try:
            answer = await call()
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + AWAY_S
            log.warning("bus_does_not_answer", error=f"{type(error).__name__}: {error}"[:200])
            raise _BusAway from error
        return answer

    async def answers(self) -> bool:
        """Whether Redis answers and messages of other processes arrive here."""
        self.start()
        try:
            await asyncio.gather(self._redis.ping(), asyncio.wait_for(self.listening.wait(), ANSWER_S))
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """End the listener and the connections."""
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None
        await self._redis.aclose()


def _connect(url: str) -> Redis:
    # A connection that went stale in the pool (Redis was restarted) is tried once more, at once, on a new one. One that
    # does not answer in time is not: that would only wait twice.
    retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    return Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=retry)
