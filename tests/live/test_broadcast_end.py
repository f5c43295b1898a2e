"""Ending a broadcast waits for its own packager only: whoever else is on air goes on."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest

from station.live.origin import broadcast as module
from station.live.origin.broadcast import Broadcast
from station.live.packaging.programme import Programme
from tests.servers import pick_port

NOWHERE = (f"http://127.0.0.1:{pick_port()}",)


@pytest.mark.parametrize("how", ["end", "close"])
async def test_ending_one_broadcast_on_a_slow_disk_does_not_hold_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """While the packager of one still writes its last part, the loop is free, and another one ends."""
    waiting, written = threading.Event(), threading.Event()

    def make_thread(workers: int, thread_name_prefix: str) -> ThreadPoolExecutor:
        thread = ThreadPoolExecutor(workers, thread_name_prefix)
        if not threads:
            shut_down = thread.shutdown

            def wait_for_the_disk(wait: bool) -> None:
                waiting.set()
                assert written.wait(20), "the loop was held until the packager of one broadcast was done"
                shut_down(wait)

            monkeypatch.setattr(thread, "shutdown", wait_for_the_disk)
        threads.append(thread)
        return thread

    threads: list[ThreadPoolExecutor] = []
    monkeypatch.setattr(module, "ThreadPoolExecutor", make_thread)
    slow, other = (Broadcast(tmp_path / name, Programme(name, "r", "p"), []) for name in ("b1", "b2"))
    async with aiohttp.ClientSession() as http:
        for broadcast in (slow, other):
            broadcast.watch(http, NOWHERE)
        ending = asyncio.create_task(slow.end(1) if how == "end" else slow.close())
        assert await asyncio.to_thread(waiting.wait, 20)
        await other.end(1)
        assert other.ended and not ending.done()
        written.set()
        await ending
    assert slow.ended is (how == "end")
