"""Nothing secret or personal gets into a log."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys

import pytest
import structlog
from aiohttp import web

from station.base.logging import HIDDEN, drop_secrets, mask_text, set_up_logging
from station.base.settings import Settings


def clean(**event: object) -> dict[str, object]:
    return dict(drop_secrets(None, "info", event))


def test_secret_fields_are_hidden_by_name() -> None:
    """Tokens, passwords, one-time codes, cookies and keys are replaced, in nested values too."""
    event = clean(token="a", password="b", Authorization="c", csrf="d", code="483920", deep={"grant": "e", "room": "r"})
    assert set(event) == {"token", "password", "Authorization", "csrf", "code", "deep"}
    assert [event[k] for k in ("token", "password", "Authorization", "csrf", "code")] == [HIDDEN] * 5
    assert event["deep"] == {"grant": HIDDEN, "room": "r"}


def test_an_errors_code_stays() -> None:
    """The name of an error and an HTTP status are no secrets."""
    assert clean(code="slot-taken", status=409) == {"code": "slot-taken", "status": 409}
    assert clean(code=409) == {"code": 409}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SMS to 13800001234 failed", "SMS to 138****1234 failed"),
        ("order 2026101213800001234567", "order 2026101213800001234567"),
        ("Authorization: Bearer abc.def", f"Authorization: Bearer {HIDDEN}"),
        ("postgresql://u:pass@db/x", f"postgresql://u:{HIDDEN}@db/x"),
        ("ws?grant=eyJhbGciOiJFZERTQSJ9.eyJyb29tIjoiYSJ9.c2ln", f"ws?grant={HIDDEN}"),
    ],
)
def test_secrets_inside_texts_are_masked(text: str, shown: str) -> None:
    """What looks like a token, a password in a URL or a mobile number is masked wherever it stands."""
    assert mask_text(text) == shown


def test_library_records_and_tracebacks_go_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of the standard library with a phone number in its exception comes out as one masked JSON line."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        set_up_logging(Settings(_env_file=None), "web")
        try:
            raise ValueError("no such phone 13800001234")
        except ValueError:
            logging.getLogger("some.package").exception("failed for %s", "13900004321")
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        structlog.reset_defaults()
    line = json.loads(out.getvalue())
    assert line["event"] == "failed for 139****4321"
    assert "138****1234" in line["exception"]
    assert line["role"] == "web"


@pytest.mark.parametrize("query", ["?q=路灯", "?phone=13800001234\x01", "?a b"])
async def test_a_request_that_is_no_http_leaves_no_words_in_the_log(
    monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """Who sends a line that cannot be read gets a 400; the log keeps neither the line nor where it came from."""
    out = io.StringIO()
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level, configuration = root.level, structlog.get_config()
    monkeypatch.setattr(sys, "stderr", out)
    runner = web.AppRunner(web.Application(), access_log=None)
    try:
        set_up_logging(Settings(_env_file=None), "web")
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(f"GET /cases{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b" 400 " in await reader.readline()
        await reader.read()
        writer.close()
        logging.getLogger("aiohttp.server").error("something of ours")
    finally:
        await runner.cleanup()
        root.handlers[:] = before
        root.setLevel(level)
        structlog.configure(**configuration)
    (line,) = out.getvalue().splitlines()
    assert "something of ours" in line
