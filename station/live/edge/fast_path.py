"""Request collapsing in the web role: however many viewers wait for a part, live is asked for it once.

What live allows caches to keep is kept that long (RFC 9111 §4.2.1) and no longer: a recall shows here as soon as in any
other cache. What is unusual about a request goes through `gateway.broadcast_file`, and so does what live left open.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout

from station.base.fast_path import FastPathConnection, head_of, with_date
from station.live.viewing.requests import GZIP, REQUEST, count_viewer
from station.live.viewing.viewers import ViewerCount

MAX_BYTES = 64 * 2**20  # of kept answers: the last seconds of a hundred broadcasts
MAX_COUNTED = 256  # broadcasts whose viewers are counted here; names are a stranger's to choose
UPSTREAM_S = 60
_MAX_AGE = re.compile(r"(?:^|[ ,])max-age=([0-9]{1,4})(?:[ ,]|$)")
_OF_THE_CONNECTION = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
_Key = tuple[bytes, bool]


@dataclass(slots=True)
class _Answer:
    """What live said: head without date, body, when it said so and until when it may be given again.

    Both in monotonic seconds.
    """

    status: int
    head: bytes
    body: bytes
    at_s: float
    until_s: float

    def whole(self, unix_s: int) -> bytes:
        # A cache behind us must not keep it as long again as we have (RFC 9111 §5.1).
        age_s = int(time.monotonic() - self.at_s)
        return with_date(self.head + b"Age: %d\r\n" % age_s if age_s else self.head, self.body, unix_s)


class EdgeFastPath:
    """The one of a web process. `headers` are added to each answer, `on_answer` is told its status.

    `is_proxy` tells whether an address is a proxy of ours, which says whose request it is.
    """

    def __init__(
        self,
        http: ClientSession,
        live_url: Callable[[], str],
        headers: Mapping[str, str],
        on_answer: Callable[[int, int], None],
        is_proxy: Callable[[str], bool],
    ) -> None:
        self._http = http
        self._live_url = live_url
        self._headers = headers
        self._on_answer = on_answer
        self._is_proxy = is_proxy
        self._id = secrets.token_hex(8)
        self._kept: dict[_Key, _Answer] = {}
        self._kept_bytes = 0
        self._waiting: dict[_Key, dict[FastPathConnection, None]] = {}
        self._key_of: dict[FastPathConnection, _Key] = {}
        self._fetches: set[asyncio.Task[None]] = set()
        self._viewers: dict[bytes, ViewerCount] = {}

    def answer(self, connection: FastPathConnection, head: bytes) -> bool:
        """A blocking playlist or a part; False for all else."""
        match = REQUEST.match(head)
        if match is None:
            return False
        key = head[4 : match.end() - len(" HTTP/1.1\r\n")], GZIP.search(head) is not None
        if match[2] is not None:
            self._count(match[1], connection, head)
        kept = self._kept.get(key)
        if kept is not None and kept.until_s > time.monotonic():
            connection.send(kept.whole(int(time.time())))
            self._on_answer(kept.status, 1)
            return True
        connection.wait(head)
        self._key_of[connection] = key
        if key in self._waiting:
            self._waiting[key][connection] = None
        else:
            self._waiting[key] = {connection: None}
            fetch = asyncio.create_task(self._fetch(key, match[1]))
            self._fetches.add(fetch)
            fetch.add_done_callback(self._fetches.discard)
        return True

    def forget(self, connection: FastPathConnection) -> None:
        """The viewer has left; what was asked for is fetched all the same, others may have come meanwhile."""
        self._waiting[self._key_of.pop(connection)].pop(connection, None)

    async def close(self) -> None:
        """Stop asking."""
        for fetch in self._fetches:
            fetch.cancel()
        await asyncio.gather(*self._fetches, return_exceptions=True)

    def _count(self, name: bytes, connection: FastPathConnection, head: bytes) -> None:
        viewers = self._viewers.get(name)
        if viewers is None:
            self._forget_unwatched()
            if len(self._viewers) >= MAX_COUNTED:
                return
            viewers = self._viewers[name] = ViewerCount()
        # A stranger may say to be an edge that serves a million: before web there is none of ours.
        peer = (connection.peername or ("",))[0]
        count_viewer(viewers, connection, head, behind_proxy=self._is_proxy(peer))

    def _forget_unwatched(self) -> None:
        for name in [name for name, viewers in self._viewers.items() if viewers.now() == 0]:
            del self._viewers[name]

    async def _fetch(self, key: _Key, name: bytes) -> None:
        answer = None  # then each is left to the usual way, which tells it as a page
        try:
            with suppress(ClientError, TimeoutError, OSError):
                answer = await self._ask(key, name)
        finally:
            self._hand_out(key, answer)

    async def _ask(self, key: _Key, name: bytes) -> _Answer:
        target, packed = key
        headers = {"Accept-Encoding": "gzip" if packed else "identity"}
        if (viewers := self._viewers.get(name)) is not None:
            headers["Station-Edge"] = f"{self._id} {viewers.now()}"
        url, timeout = self._live_url() + target.decode(), ClientTimeout(total=UPSTREAM_S, sock_connect=5)
        async with self._http.get(url, headers=headers, timeout=timeout, allow_redirects=False) as found:
            said_s = time.monotonic()
            body = await found.read()
            told = {name: value for name, value in found.headers.items() if name.lower() not in _OF_THE_CONNECTION}
            head = head_of(f"{found.status} {found.reason}", {**told, **self._headers}, len(body))
            lifetime_s = _lifetime_s(found.headers.get("Cache-Control", "")) if found.status == 200 else 0
            return _Answer(found.status, head, body, said_s, said_s + lifetime_s)

    def _hand_out(self, key: _Key, answer: _Answer | None) -> None:
        whole = answer.whole(int(time.time())) if answer is not None else b""
        waiting = self._waiting.pop(key)
        for connection in waiting:
            del self._key_of[connection]
            if answer is None:
                connection.decline()
            else:
                connection.send(whole)
        if answer is not None:
            self._on_answer(answer.status, len(waiting))
            self._keep(key, answer)

    def _keep(self, key: _Key, answer: _Answer) -> None:
        now_s = time.monotonic()
        # Oldest first, as dicts keep insertion order: what has run out goes, and more where it is too much.
        for old in list(self._kept):
            if self._kept[old].until_s > now_s and self._kept_bytes + len(answer.body) <= MAX_BYTES:
                break
            self._kept_bytes -= len(self._kept.pop(old).body)
        if answer.until_s > now_s and len(answer.body) <= MAX_BYTES:
            before = self._kept.pop(key, None)
            self._kept_bytes += len(answer.body) - (len(before.body) if before else 0)
            self._kept[key] = answer


def _lifetime_s(cache_control: str) -> int:
    """How long a shared cache may give an answer again (RFC 9111 §5.2.2)."""
    told = cache_control.lower()
    if any(word in told for word in ("private", "no-store", "no-cache")):
        return 0
    match = _MAX_AGE.search(told)
    return int(match[1]) if match else 0
