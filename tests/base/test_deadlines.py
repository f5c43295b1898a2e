"""Clients that send too slowly are ended, and only those."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from station.app import run_web
from station.base import deadlines
from station.base.deadlines import Deadlines
from station.base.settings import Settings
from tests.servers import answers, pick_port

POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"


async def _echo(request: web.Request) -> web.StreamResponse:
    return web.Response(text=str(len(await request.read())))


@asynccontextmanager
async def serve(watcher: Deadlines, header_s: float) -> AsyncIterator[int]:
    """A server with deadlines, which answers with the size of what it was sent; yields its port."""
    app = web.Application(middlewares=[watcher.middleware])
    app.router.add_post("/", _echo)
    runner = web.AppRunner(app, keepalive_timeout=header_s)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    assert runner.server is not None
    watching = asyncio.create_task(watcher.watch(runner.server))
    yield runner.addresses[0][1]
    watching.cancel()
    await runner.cleanup()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BODY_GRACE_S", 0.3), ("LOOK_EVERY_S", 0.02), ("MAX_IDLE", 3)):
        monkeypatch.setattr(deadlines, name, value)


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """The port of a server with deadlines of a moment."""
    async with serve(Deadlines(), 0.3) as number:
        yield number


async def is_ended(reader: asyncio.StreamReader) -> bool:
    """Whether the server ends a connection by itself, without an answer."""
    try:
        async with asyncio.timeout(10):
            return await reader.read() == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("begun", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nX-Half: "])
async def test_half_a_header_is_not_waited_for(port: int, begun: bytes) -> None:
    """A connection whose header does not come whole in time is ended, wherever it stops."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    assert await is_ended(reader)
    writer.close()


async def test_a_dripping_header_does_not_earn_more_time(port: int) -> None:
    """A byte now and then does not keep a header's time from running out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ended = asyncio.create_task(is_ended(reader))
    writer.write(b"POST / HTTP/1.1\r\nX-Long: ")
    while not ended.done():
        writer.write(b"x")
        await asyncio.wait([ended], timeout=0.05)
    assert await ended
    writer.close()


async def test_a_dripping_body_is_ended(port: int) -> None:
    """A body that comes more slowly than any line is not waited for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ended = asyncio.create_task(is_ended(reader))
    writer.write(POST)
    while not ended.done():
        writer.write(b"x")
        await asyncio.wait([ended], timeout=0.05)
    assert await ended
    writer.close()


async def test_a_slow_line_gets_through(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that takes longer than the grace, at a pace that lines have, is answered."""
    monkeypatch.setattr(deadlines, "BODY_BYTES_PER_S", 100)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(POST)
    for _ in range(20):  # 1 s in all
        writer.write(b"x" * 50)
        await asyncio.sleep(0.05)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_one_address_holds_only_so_many_connections_idle() -> None:
    """Beyond the cap of an address the oldest idle connections give way; the newest still get their answer."""
    async with serve(Deadlines(), 60) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        assert [await is_ended(reader) for reader, _ in held[:2]] == [True, True]
        assert [await is_answered(*pair) for pair in held[2:]] == [True, True, True]
        for _, writer in held[:2]:
            writer.close()


async def test_a_proxys_connections_are_not_counted() -> None:
    """Everybody comes from a proxy's address: the cap is not for it."""
    asked: list[str] = []

    def is_shared(address: str) -> bool:
        asked.append(address)
        return address == "127.0.0.1"

    async with serve(Deadlines(is_shared), 60) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
        async with asyncio.timeout(10):
            while len(asked) < 3 * len(held):  # it has looked at all of them
                await asyncio.sleep(0)
        assert all([await is_answered(*pair) for pair in held])


async def test_the_web_role_keeps_to_them(
    station_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `station serve --role web` starts ends half a header by itself."""
    shutil.copytree(station_folder, tmp_path / "var")
    monkeypatch.setattr("station.app.HEADER_S", 0.3)
    port = pick_port()
    settings = Settings(data=tmp_path / "var", http_port=port, media_processes=1, _env_file=None)
    web_role = asyncio.create_task(run_web(settings))
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(answers, port):
            await asyncio.sleep(0.02)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Half: ")
    assert await is_ended(reader)
    writer.close()
    web_role.cancel()
    await asyncio.gather(web_role, return_exceptions=True)


async def is_answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether a request over this connection is answered."""
    writer.write(POST + b"x" * 1000)
    line = await reader.readline()
    writer.close()
    return line.startswith(b"HTTP/1.1 200")


async def test_one_address_holds_only_so_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes on in them: beyond the cap the newest are ended, and those before get their answer."""
    monkeypatch.setattr(deadlines, "BODY_GRACE_S", 60)
    monkeypatch.setattr(deadlines, "MAX_CONNECTIONS", 4)
    async with serve(Deadlines(), 60) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        for _, writer in held:
            writer.write(POST)  # all four are being answered, for as long as their bodies are to come
        more = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        assert [await is_ended(reader) for reader, _ in more] == [True, True]
        for reader, writer in held:
            writer.write(b"x" * 1000)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, writer in (*held, *more):
            writer.close()
