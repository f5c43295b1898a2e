"""A stand-in for a carrier's API, which cannot exist here: it says what the test wants, over real HTTP."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from station.base.settings import Settings
from station.notices.kinds import SIGN_IN_CODE
from station.notices.model import Notice, NoticeState
from tests.fixtures import MONDAY_TEN

Answer = tuple[int, Any] | web.StreamResponse
TEMPLATES = '[templates."sign-in.code"]\nid = "SMS_1"\ngaps = ["code"]\n'


def sms(**gaps: str) -> Notice:
    """A code by SMS, as the outbox hands it over."""
    return Notice(
        "nt_1", "sms", "13800138000", "", "words", SIGN_IN_CODE.name, gaps, "", True, NoticeState.WAITING, 1,
        MONDAY_TEN, None,
    )  # fmt: skip


@asynccontextmanager
async def carrier(
    name: str, answer: Callable[[web.Request], Awaitable[Answer]], path: str = ""
) -> AsyncIterator[Settings]:
    """The settings of a station whose carrier answers so."""

    async def take(request: web.Request) -> web.StreamResponse:
        given = await answer(request)
        if isinstance(given, web.StreamResponse):
            return given
        status, said = given
        if isinstance(said, str):
            return web.Response(status=status, text=said)
        return web.json_response(said, status=status)

    app = web.Application()
    app.router.add_post("/", take)
    async with TestServer(app) as server:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "policy").mkdir()
            (Path(folder) / "policy" / "sms.toml").write_text(TEMPLATES, encoding="utf-8")
            address = f"{name}+http://key:pass%20word@127.0.0.1:{server.port}/{path}"
            yield Settings(_env_file=None, data=Path(folder), sms_url=SecretStr(address))
