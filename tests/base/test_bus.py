"""The bus on Redis, with Redis away, hung and restarted: nobody waits for it and nothing fails because of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from station.base.errors import TooManyRequests
from station.base.redis_bus import RedisBus
from tests.servers import answers, end_process, pick_port, wait_for, wait_until

NO_DELAY_S = 3.0  # without a short time-out it was 5 to 6 s for each change


@dataclass(slots=True)
class OwnRedis:
    """A Redis server of this test alone, which may be stopped, hung and started again on the same port."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program is not None, "redis-server was not found: run make test, which installs it"
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
        wait_until(lambda: answers(self.port), "Redis")

    def stop(self) -> None:
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGCONT)
            end_process(self.process)
            self.process = None

    def hang(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    redis = OwnRedis(pick_port())
    redis.start()
    yield redis
    redis.stop()


async def test_a_redis_that_is_away_fails_nobody() -> None:
    """With nothing at the address a message still reaches the pages of this process, and limits are still held."""
    bus = RedisBus(f"redis://127.0.0.1:{pick_port()}/0")
    try:
        async with bus.subscribe("topic") as pages:
            await bus.publish("topic", {"action": "x"})
            assert await pages.get(1) == {"action": "x"}
        await bus.limit("key", 2, 60)
        await bus.limit("key", 2, 60)
        with pytest.raises(TooManyRequests):
            await bus.limit("key", 2, 60)
        assert not await bus.answers()
    finally:
        await bus.close()


async def test_a_redis_that_hangs_holds_nothing_up(own_redis: OwnRedis) -> None:
    """One that takes connections and says nothing costs a short wait once, not one for each change; it is not ready."""
    bus = RedisBus(own_redis.url)
    try:
        assert await bus.answers()
        own_redis.hang()
        began = time.monotonic()
        for number in range(5):
            await bus.publish("topic", {"n": number})
            await bus.limit("key", 10, 60)
        assert time.monotonic() - began < NO_DELAY_S
        assert not await bus.answers()
    finally:
        await bus.close()


async def test_after_a_restart_everything_is_as_before(own_redis: OwnRedis) -> None:
    """Connections gone stale in the pool fail no call, the listener comes back by itself, and its loss is logged."""
    with capture_logs() as logged:
        await restart_under(own_redis)
    events = [entry["event"] for entry in logged]
    assert "bus_lost" in events
    assert "bus_back" in events


async def restart_under(own_redis: OwnRedis) -> None:
    bus, other = RedisBus(own_redis.url), RedisBus(own_redis.url)
    try:
        # Several calls at once, so that several connections lie in the pool when the server goes.
        await asyncio.gather(*(bus.limit(f"k{n}", 10, 60) for n in range(8)))
        assert await bus.answers() and await other.answers()
        own_redis.stop()
        await wait_for(lambda: _not(bus.listening.is_set()), "the listener's loss")
        own_redis.start()
        await wait_for(other.answers, "the other process listening again")
        await wait_for(bus.answers, "this process listening again")
        await asyncio.gather(*(bus.limit("many", 100, 3600) for _ in range(8)))
        with pytest.raises(TooManyRequests):  # counted by the new server, so each of the eight reached it
            for _ in range(93):
                await bus.limit("many", 100, 3600)
        async with other.subscribe("topic") as pages:
            await bus.publish("topic", {"action": "x"})
            assert await pages.get(5) == {"action": "x"}
    finally:
        await bus.close()
        await other.close()


async def test_rubbish_on_the_channel_is_passed_over(own_redis: OwnRedis) -> None:
    """What another program wrote into the channel neither ends the listener nor reaches a page."""
    bus = RedisBus(own_redis.url)
    try:
        async with bus.subscribe("topic") as pages:
            assert await bus.answers()
            for rubbish in (b"\xff\xfe", b"[]", b'{"topic": 1}', b"null"):
                await bus._redis.publish(bus.CHANNEL, rubbish)
            await bus.publish("topic", {"action": "x"})
            assert await pages.get(5) == {"action": "x"}
    finally:
        await bus.close()


async def _not(value: bool) -> bool:
    return not value
