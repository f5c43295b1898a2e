"""Calls between our own processes share one client and its connections."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from station.base.errors import Unavailable
from station.base.inner_http import InnerHttp


async def test_one_connection_serves_call_after_call() -> None:
    """Ten calls to two paths come by one connection; after closing, which may be done twice, another one opens."""
    came: set[object] = set()

    async def answer(request: web.Request) -> web.Response:
        came.add(request.transport.get_extra_info("peername") if request.transport else None)
        return web.Response(status=201, text=await request.text())

    app = web.Application()
    app.router.add_route("*", "/{path}", answer)
    async with TestServer(app) as server:
        http = InnerHttp()
        for number in range(10):
            got = await http.call("PUT", str(server.make_url(f"/{number % 2}")), body={"number": number})
            assert (got.status, got.body) == (201, b'{"number": %d}' % number)
        assert len(came) == 1
        await http.close()
        await http.close()
        await http.call("GET", str(server.make_url("/again")))
        assert len(came) == 2
        await http.close()


async def test_no_answer_is_told_as_unavailable(free_port: int) -> None:
    """Nobody listens: the caller is told so, and the client is still good for the next call."""
    http = InnerHttp()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await http.call("GET", f"http://127.0.0.1:{free_port}/")
    await http.close()
