"""Another person on air: whose frames are whose."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from recordings.frames import EncodedFrame
from station.live.origin import broadcast as broadcasts
from station.live.origin.broadcast import Broadcast
from station.live.origin.feed_reader import FeedUnavailable, find_media
from station.live.packaging.programme import Programme
from station.live.packaging.writer import ProgrammeWriter, Update

MEDIA = ("http://127.0.0.1:1",)


async def test_two_changes_at_once_leave_the_last_frames_with_whom_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is still packaged of the first person is noted as theirs, so that hiding them hides it."""
    packaging, packaged = threading.Event(), threading.Event()

    async def feed(*asked: object) -> AsyncGenerator[EncodedFrame]:
        yield EncodedFrame("opus", 0.0, True, b"sound")
        await asyncio.Event().wait()

    def slow(_writer: ProgrammeWriter, _frames: list[EncodedFrame]) -> list[Update]:
        packaging.set()
        assert packaged.wait(20)
        return []

    monkeypatch.setattr(broadcasts, "read_feed", feed)
    monkeypatch.setattr(ProgrammeWriter, "push", slow)
    broadcast = Broadcast(tmp_path, Programme("b1", "r1", "p1", grant="g"), [])
    async with aiohttp.ClientSession() as session:
        broadcast.watch(session, MEDIA)
        writer = broadcast._writer
        assert writer is not None and await asyncio.to_thread(packaging.wait, 20)
        try:
            for person in ("p2", "p3"):
                broadcast.programme.person = person
                broadcast.watch(session, MEDIA)
            for _ in range(20):
                await asyncio.sleep(0)
            meanwhile = writer.person
        finally:
            packaged.set()
        async with asyncio.timeout(20):
            while writer.person != "p3":
                await asyncio.sleep(0)
        await broadcast.end(1)
    assert meanwhile == "p1"


@pytest.mark.parametrize("body", ["no JSON", "[]", "{}", '{"tracks": [1]}'])
async def test_an_answer_that_is_no_media_is_passed_over(body: str) -> None:
    """Whatever stands at a process's address, the source is asked for again."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/control/rooms/r1", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        with pytest.raises(FeedUnavailable):
            await find_media(session, (str(server.make_url("")), MEDIA[0]), "r1", "p1", "g")
