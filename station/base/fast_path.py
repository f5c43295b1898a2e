"""A fast path beside aiohttp, for small requests that come in thousands: same port, same connections.

aiohttp takes some 150 µs for a request, most of it for what a playlist or a part does not need (router, tasks, headers
as objects). A `FastPath` looks at the raw head first and answers what it knows; all else goes to aiohttp untouched,
also on a connection that was answered here before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Protocol

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

_HEAD_END = b"\r\n\r\n"
_MAX_HEAD = 8190  # aiohttp's own limit for a line
_MAX_LATER = 16 * 1024
MAX_HELD = 4
_LAST_WORDS_S = 10.0  # for who is closed to read what was sent to him
# After one of these it is not told before how much follows, or in what protocol.
_OPEN_END = re.compile(rb"[\r\n](?:transfer-encoding|expect|upgrade)[ \t]*:", re.IGNORECASE)
_LENGTH = re.compile(rb"[\r\n]content-length[ \t]*:[ \t]*([0-9]{0,12})", re.IGNORECASE)
_UNKNOWN = -1
# Heads with a line end, a name or a sign that RFC 9112 does not know are aiohttp's to refuse: were they answered here,
# a proxy might see other requests in the same bytes. Each sign fits in one place only, so this is read once.
_WELL_FORMED = re.compile(
    rb"GET [!-~]+ HTTP/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*\r\n"
)
# Conditions and rights, and who wants the connection closed: aiohttp and our handlers know what to do.
_SPECIAL = re.compile(
    rb"[\r\n](?:authorization|range|if-[a-z-]+|content-length|connection[ \t]*:(?![ \t]*keep-alive[ \t]*\r))",
    re.IGNORECASE,
)


class FastPath(Protocol):
    """What a role answers without aiohttp."""

    def answer(self, connection: FastPathConnection, head: bytes) -> bool:
        """Take a request: `connection.send` now, or `connection.wait` and send later. False leaves it to aiohttp."""

    def forget(self, connection: FastPathConnection) -> None:
        """The client of a waiting connection has left."""


class FastPathConnection(RequestHandler):
    """One client's connection. Only whole requests without a body are looked at, while aiohttp has none under way."""

    __slots__ = ("_fast_path", "_held", "_idle_timer", "_keepalive_s", "_later", "_left", "_waiting_head", "last_s")

    def __init__(
        self, server: web.Server, fast_path: FastPath, *, loop: asyncio.AbstractEventLoop, keepalive_s: float
    ) -> None:
        # None is how aiohttp's own runner says "no access log", though the parameter's type does not.
        super().__init__(server, loop=loop, access_log=None, keepalive_timeout=keepalive_s)  # type: ignore[arg-type]
        self._fast_path = fast_path
        self._keepalive_s = keepalive_s
        self._idle_timer: asyncio.TimerHandle | None = None
        self._left = 0  # bytes that aiohttp's parser still waits for: at 0 the next byte begins a request
        self._held = 0  # turns of the loop for which a request has been held back
        self._waiting_head = b""
        self._later = b""
        self.last_s = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether a request that the fast path took has no answer yet."""
        return bool(self._waiting_head)

    def is_in_use(self, within_s: float) -> bool:
        """Whether the fast path took a request that waits, or answered one this short time ago."""
        return self.is_waiting or (self.last_s > 0 and self._loop.time() - self.last_s < within_s)

    def data_received(self, data: bytes) -> None:
        """Takes what the fast path knows, and hands on the rest."""
        if not data:
            pass  # aiohttp's own call, to read on in what it has
        elif self._waiting_head or self._later:
            self._later += data  # sent before the answer came: looked at afterwards, in its turn
            if len(self._later) > _MAX_LATER:
                self.force_close()
            return
        elif self._left == 0:
            self._left = _left_after(data)
            if self._left == 0 and self._take(data):
                return
        elif self._left != _UNKNOWN:
            self._left = max(self._left - len(data), _UNKNOWN)
        super().data_received(data)

    def wait(self, head: bytes) -> None:
        """The answer comes later, by `send` or `decline`."""
        self._waiting_head = head

    def send(self, answer: bytes) -> None:
        """The whole answer, status line and all."""
        # Also where nobody hears it any more: who is answered is not to be forgotten once more when all is sent.
        has_waited, self._waiting_head = self.is_waiting, b""
        if self.transport is None:
            return
        self.transport.write(answer)
        if has_waited:
            self._note_use()
            self._read_on()

    def decline(self) -> None:
        """Leave a request that waits to aiohttp after all."""
        head, self._waiting_head = self._waiting_head, b""
        if self.transport is not None:
            super().data_received(head)
            self._read_on()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Gives up what waits."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        if self._waiting_head:
            self._waiting_head = b""
            self._fast_path.forget(self)
        super().connection_lost(exc)

    def _read_on(self) -> None:
        if self._later:
            self._loop.call_soon(self._receive_later)

    def _receive_later(self) -> None:
        data, self._later = self._later, b""
        if self.transport is not None:
            self.data_received(data)

    def _take(self, data: bytes) -> bool:
        # A client that takes nothing is aiohttp's to wait for: answers must not pile up in memory.
        if self.writing_paused or not _is_plain(data):
            return False
        if not self._is_idle() and self._held < MAX_HELD:
            # aiohttp's task needs some turns of the loop from its answer on until it waits again. On a busy loop a
            # client is faster, and would be aiohttp's for ever: that alone would keep the loop busy.
            self._held += 1
            self._later = data
            self._read_on()
            return True
        self._held = 0
        if not self._is_idle() or not self._fast_path.answer(self, data):
            return False
        self._note_use()
        return True

    def _is_idle(self) -> bool:
        # aiohttp's own task waits for a first message: nothing is being answered, and nothing is queued.
        return self._waiter is not None and not self._waiter.done() and not self._messages and not self._force_close

    def _note_use(self) -> None:
        self.last_s = self._loop.time()
        self.keep_alive(True)  # stops aiohttp's own idle timer, which knows nothing of what is answered here
        if self._idle_timer is None:
            self._idle_timer = self._loop.call_later(self._keepalive_s, self._close_if_silent)

    def _close_if_silent(self) -> None:
        self._idle_timer = None
        # From the last answer on, also where that was aiohttp's.
        left_s = max(self.last_s + self._keepalive_s, self._next_keepalive_close_time) - self._loop.time()
        if not self._is_idle() or self._waiting_head:
            left_s = self._keepalive_s
        if left_s > 0:
            self._idle_timer = self._loop.call_later(left_s, self._close_if_silent)
        else:
            transport = self.transport
            self.force_close()
            if transport is not None:  # closing waits for what is queued, and who never reads would keep that for ever
                self._loop.call_later(_LAST_WORDS_S, transport.abort)


def _is_plain(data: bytes) -> bool:
    is_get = data.startswith(b"GET ") and _SPECIAL.search(data) is None
    return is_get and _WELL_FORMED.fullmatch(data) is not None


def _left_after(data: bytes) -> int:
    """How much of the request that begins with this data is to come, in bytes; _UNKNOWN where only parsing tells."""
    head_size = data.find(_HEAD_END) + len(_HEAD_END)
    if head_size < len(_HEAD_END) or head_size > _MAX_HEAD or _OPEN_END.search(data, 0, head_size):
        return _UNKNOWN
    lengths = _LENGTH.findall(data, 0, head_size)
    if len(lengths) > 1 or lengths == [b""]:
        return _UNKNOWN
    return max(head_size + int(lengths[0] if lengths else 0) - len(data), _UNKNOWN)


async def listen(
    runner: web.AppRunner, fast_path: FastPath, *, host: str, port: int, keepalive_s: float, **options: Any
) -> asyncio.Server:
    """A listening socket whose connections have the fast path; `runner` is set up, and cleans up its connections."""
    loop, server = asyncio.get_running_loop(), runner.server
    assert server is not None
    return await loop.create_server(
        lambda: FastPathConnection(server, fast_path, loop=loop, keepalive_s=keepalive_s), host, port, **options
    )


def head_of(status: str, headers: Mapping[str, str], size: int) -> bytes:
    """Status line and headers without the date, which `with_date` puts last; `size` is the body's in bytes."""
    told = {**headers, "Content-Length": str(size)}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join(lines).encode() + b"\r\n"


def with_date(head: bytes, body: bytes, unix_s: int) -> bytes:
    """The whole answer."""
    return b"".join((head, _date_line(unix_s), body))


@lru_cache(maxsize=4)
def _date_line(unix_s: int) -> bytes:
    return f"Date: {formatdate(unix_s, usegmt=True)}\r\n\r\n".encode()
